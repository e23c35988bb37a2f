"""One engine in both arms: processes are restarted, and executions alternate within pairs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from neuralake.arms.answers import Answers
from neuralake.arms.processes import ArmFailedError, ArmProcess, Asked, Opened, Place
from neuralake.arms.rounds import rounds_plan
from neuralake.arms.schedule import Schedule
from neuralake.arms.tables import TableFault, fault_of, require_same_tables, table_faults
from neuralake.arms.terms import Observer, Terms
from neuralake.arms.timed import SidedQuery, Timed
from neuralake.arms.verdicts import Measured, Unit, engine_verdicts
from neuralake.results.comparison import (
    SAME,
    SIDES,
    WORSE,
    Change,
    Ending,
    EngineComparison,
    Pair,
    Side,
)
from neuralake.results.profiles import profile_path

T = TypeVar("T")

# How many times its pairs until the verdict an unchanged query is run.
RUN_ON = 1.1


@dataclass
class EnginePairs:
    """The comparison of one engine.

    Attributes
    ----------
    engine
        Its name.
    options
        Of the engine, in each arm.
    places
        Where the arms run.
    queries
        What each pair executes, in order: a query alone, or streams at once.
    tables
        What identifies the data; it must not change.
    answers
        Where answers are kept and judged.
    terms
        How it is carried out.
    rounds
        Pairs of each query in each pair of processes; None for few in the first one, and then what
        the noise in it calls for.
    journal
        Takes the pairs of a round.
    observer
        Is told of each step.
    profiles
        Directory for a profile of each query in each arm, by callgrind, or None.
    """

    engine: str
    options: Mapping[Side, Mapping[str, str]]
    places: Mapping[Side, Place]
    queries: tuple[Timed, ...]
    tables: Mapping[str, object]
    answers: Answers
    terms: Terms
    rounds: int | None
    journal: Callable[[list[Pair]], None]
    observer: Observer
    profiles: Path | None = None
    _profiled: set[tuple[Side, str]] = field(default_factory=set)
    _units: list[Unit] = field(default_factory=list)
    _schedule: Schedule = field(init=False)
    _done: frozenset[str] = frozenset()
    _faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    _tables_at_fault: dict[str, TableFault] = field(default_factory=dict)
    _digests: dict[tuple[Side, str], str] = field(default_factory=dict)
    _throttled: list[tuple[int, int]] = field(default_factory=list)
    _about: dict[str, dict[str, Mapping[str, str]]] = field(
        default_factory=lambda: {"versions": {}, "settings": {}}
    )

    def run(self, seconds: float) -> EngineComparison:
        """Measure until everything is decided, or the time is up.

        Parameters
        ----------
        seconds
            Time for this engine; the first pair of processes is always measured.

        Raises
        ------
        CompareError
            If an arm cannot start the engine, or the data changed.
        """
        rng = random.Random(f"{self.terms.seed} {self.engine}")  # noqa: S311 (orders, no secrets)
        terms = self.terms
        self._schedule = Schedule(
            rounds_plan(terms.by), terms.question, seconds, terms.rounds, self.rounds
        )
        began = time.monotonic()
        ending: Ending | None = None
        while ending is None:
            self._schedule.begin()
            try:
                self._unit(len(self._units), rng)
            except KeyboardInterrupt:
                ending = "interrupted"
                break
            self._schedule.end()
            now = time.monotonic()
            left_s = seconds - (now - began)
            found = self._verdicts("time", now - began)
            self.observer.judged(self.engine, found.suite, found.queries, left_s)
            self._done = self._done_by(found)
            ending = self._ending(found, left_s)
            if ending is None:
                self._schedule.replan(found.suite, found.queries, self._names(), left_s)
        return self._verdicts(ending, time.monotonic() - began)

    def _done_by(self, found: EngineComparison) -> frozenset[str]:
        """Queries that need no more pairs: none while the suite needs those of all.

        An estimate that ends with the verdict leans towards it. One that is unchanged goes on for a
        tenth of its pairs; one that is slower or faster, to the end: by how much is asked next.
        """
        if self.terms.until_time or found.suite.verdict == "inconclusive":
            return frozenset()
        return frozenset(c.query for c in found.queries if c.query and is_done(c))

    def _ending(self, found: EngineComparison, left_s: float) -> Ending | None:
        changes = (found.suite, *found.queries)
        if all(query.name in self._faults for query in self.queries):
            return "failed"
        if not self.terms.until_time:
            if self.terms.until_regression and any(c.verdict in WORSE for c in changes):
                return "regression"
            if all(c.verdict != "inconclusive" for c in changes):
                return "decided"
        # processes that were lost took a query with them, and are made up for
        needed_s = self._schedule.needed_s(self._names())
        return "time" if self._units and left_s < needed_s else None

    def _verdicts(self, ending: Ending, elapsed_s: float) -> EngineComparison:
        suite, queries = self._judged(self._units)
        return EngineComparison(
            engine=self.engine,
            versions=dict(self._about["versions"]),
            settings=dict(self._about["settings"]),
            processes=len(self._units),
            rounds=self._schedule.rounds,
            elapsed_s=elapsed_s,
            ending=ending,
            suite=suite,
            queries=queries,
            faults={name: fault.reason for name, fault in self._tables_at_fault.items()},
            verified_against=self.answers.against,
            throttled_periods=sum(p for p, _ in self._throttled) if self._throttled else None,
            throttled_ns=sum(ns for _, ns in self._throttled) if self._throttled else None,
        )

    def _judged(self, units: Sequence[Unit]) -> tuple[Change, tuple[Change, ...]]:
        names = tuple(query.name for query in self.queries)
        rounds = self._schedule.rounds
        measured = Measured(names, tuple(units), self._faults, rounds, self.terms.by)
        return engine_verdicts(measured, self.terms.question)

    def _unit(self, number: int, rng: random.Random) -> None:
        """Start both arms, run each query once unmeasured, and then the rounds of pairs.

        Queries that are unchanged are left out, so that the time goes to the others.
        """
        names = self._names()
        self.observer.starting(self.engine, number, self._schedule.rounds_now)
        arms = {side: ArmProcess(self.places[side]) for side in rng.sample(SIDES, 2)}
        end = ArmProcess.kill
        try:
            pairs = []
            if self._start_both(arms) and self._open_tables(arms):
                pairs = self._measure(arms, number, rng)
            end = ArmProcess.close
        finally:
            _both(arms, lambda arm, _: end(arm))
        if pairs:
            self._units.append(Unit(names, pairs))

    def _start_both(self, arms: Mapping[Side, ArmProcess]) -> bool:
        """Start the engine in both arms; whether both could."""

        def start_in(arm: ArmProcess, side: Side) -> ArmFailedError | None:
            try:
                self._start(arm, side)
            except ArmFailedError as error:
                return error
            return None

        failed = {side: error for side, error in _both(arms, start_in).items() if error}
        if failed:
            reason = "; ".join(f"{s}: cannot start: {failed[s]}" for s in sorted(failed))
            self._faults |= {query.name: ("failed", reason) for query in self._open()}
        return not failed

    def _start(self, arm: ArmProcess, side: Side) -> None:
        require_same_tables(arm.load()["tables"], self.tables, arm.place)
        self._about["versions"][side] = arm.start(self.engine, self.options[side])

    def _open_tables(self, arms: Mapping[Side, ArmProcess]) -> bool:
        """Open the tables in both arms, counted before the first pair; whether both could.

        What reads a table that an arm does not read rightly is measured in neither; and what an
        arm says that can open none is said of every query.
        """
        count = not self._units

        def open_in(arm: ArmProcess, _: Side) -> Opened | ArmFailedError:
            try:
                return arm.open(self._tables_at_fault, count=count)
            except ArmFailedError as error:
                return error

        done = _both(arms, open_in)
        failed = {side: said for side, said in done.items() if isinstance(said, ArmFailedError)}
        opened = {side: said for side, said in done.items() if isinstance(said, Opened)}
        self._about["settings"] |= {side: said.settings for side, said in opened.items()}
        if failed:
            reason = "; ".join(f"{s}: cannot open the tables: {failed[s]}" for s in sorted(failed))
            self._faults |= {query.name: ("failed", reason) for query in self._open()}
            return False
        found = table_faults(self.engine, opened)
        self._tables_at_fault |= found
        for query in self._open():
            fault = fault_of((t for q in query.queries for t in q.sql.values()), found)
            if fault is not None:
                self._faults[query.name] = (fault.kind, fault.reason)
        return True

    def _measure(
        self, arms: Mapping[Side, ArmProcess], number: int, rng: random.Random
    ) -> list[Pair]:
        """The pairs of one pair of processes; none if a process was lost on the way."""
        pairs: list[Pair] = []
        try:
            for query in self._open():
                self._execute_both(arms, query, rng.sample(SIDES, 2))
                self._check_first(query)
            turn = 0
            so_far = partial(self._judged, [Unit(self._names(), pairs)])
            while self._schedule.goes_on(turn, so_far):
                began = time.monotonic()
                taken = []
                queries = self._open()
                for query in rng.sample(queries, len(queries)):
                    for _ in range(self._schedule.repeats.get(query.name, 1)):
                        pair = self._pair(arms, query, number, turn, rng)
                        if pair is not None:
                            taken.append(pair)
                self.journal(taken)
                pairs += taken
                self._schedule.pace.round(time.monotonic() - began, taken)
                self.observer.paired(self.engine, number, turn)
                turn += 1
        except ArmFailedError:
            return []
        return pairs

    def _pair(
        self,
        arms: Mapping[Side, ArmProcess],
        query: Timed,
        number: int,
        round: int,
        rng: random.Random,
    ) -> Pair | None:
        order = rng.sample(SIDES, 2)
        took = self._execute_both(arms, query, order)
        base, candidate = took["base"], took["candidate"]
        if base is None or candidate is None:
            return None
        return Pair(
            engine=self.engine,
            query=query.name,
            processes=number,
            round=round,
            base_wall_ns=base["wall_ns"],
            candidate_wall_ns=candidate["wall_ns"],
            base_cpu_ns=base["cpu_ns"],
            candidate_cpu_ns=candidate["cpu_ns"],
            base_first=order[0] == "base",
            base_instructions=base.get("instructions"),
            candidate_instructions=candidate.get("instructions"),
            base_cycles=base.get("cycles"),
            candidate_cycles=candidate.get("cycles"),
        )

    def _execute_both(
        self, arms: Mapping[Side, ArmProcess], query: Timed, order: Sequence[Side]
    ) -> dict[Side, Mapping[str, int] | None]:
        """Run a query once in each arm: one after the other, or at once where nothing is timed.

        Raises
        ------
        ArmFailedError
            If a process is lost with it.
        """
        if self.terms.by == "time":
            return {side: self._execute(arms[side], side, query) for side in order}
        before = dict(self._faults)
        try:
            return _both(arms, lambda arm, side: self._execute(arm, side, query))
        except KeyboardInterrupt:
            self._faults = before  # the arms were killed for it: the query has not failed in them
            raise

    def _execute(self, arm: ArmProcess, side: Side, query: Timed) -> Mapping[str, int] | None:
        """Run a query once in an arm; None if it gave no answer, or another than before.

        Raises
        ------
        ArmFailedError
            If the process is lost with it.
        """
        name, engine = query.name, self.engine
        if name in self._faults:
            return None
        try:
            ran = query.run(arm, lambda asked: self._asked(side, asked), self.terms.timeout_s)
        except ArmFailedError as error:
            self._faults[name] = ("failed", f"{side}: {error}")
            if error.gone:
                raise
            return None
        for asked, digest in zip(query.queries, ran.digests, strict=True):
            known = self._digests.setdefault((side, asked.name), digest)
            if digest == known:
                continue
            fault = self.answers.change(engine, side, asked.query)
            if fault is not None:
                self._faults[name] = ("wrong", f"{engine} {query.told(asked, fault)}")
                return None
        if ran.execution.get("throttled_periods") is not None:  # an older arm does not tell it
            throttled = (ran.execution["throttled_periods"], ran.execution["throttled_ns"])
            self._throttled.append(throttled)
        return ran.execution

    def _asked(self, side: Side, query: SidedQuery) -> Asked:
        """A query as it is asked in an arm: its first answer is kept, and another one beside it."""
        name = query.name
        known = self._digests.get((side, name))
        path = self.answers.later_path if known else self.answers.path
        answer = path(self.engine, side, name)
        answer.parent.mkdir(parents=True, exist_ok=True)
        order_by = [key.column for key in query.query.order_by]
        return Asked(name, query.sql[side], answer, known, order_by, self._profile(side, name))

    def _profile(self, side: Side, query: str) -> Path | None:
        """Where the profile of the next execution is kept: of each query in each arm there is one.

        It is that of the first execution that counts: what is loaded with the one before is done.
        """
        if self.profiles is None or (side, query) in self._profiled:
            return None
        if (side, query) not in self._digests:
            return None
        self._profiled.add((side, query))
        return profile_path(self.profiles, self.engine, query, side)

    def _check_first(self, query: Timed) -> None:
        """Judge the first answers, once both arms have given them."""
        if self._units:
            return
        for asked in query.queries:
            have = all((side, asked.name) in self._digests for side in SIDES)
            if have and query.name not in self._faults:
                fault = self.answers.fault(self.engine, asked.query)
                if fault is not None:
                    self._faults[query.name] = ("wrong", query.told(asked, fault))

    def _open(self) -> list[Timed]:
        """Queries that are sound and need more pairs."""
        done = self._done | self._faults.keys()
        return [query for query in self.queries if query.name not in done]

    def _names(self) -> frozenset[str]:
        return frozenset(query.name for query in self._open())


def is_done(change: Change) -> bool:
    """Whether a query needs no more pairs, once the suite has its verdict."""
    decided_after = change.decided_after_pairs
    if change.verdict not in SAME or decided_after is None:
        return False
    return change.pairs >= RUN_ON * decided_after


def _both(arms: Mapping[Side, ArmProcess], do: Callable[[ArmProcess, Side], T]) -> dict[Side, T]:
    """Do something in both arms at once: nothing is measured meanwhile."""
    with ThreadPoolExecutor(len(arms)) as pool:
        doing = {side: pool.submit(do, arm, side) for side, arm in arms.items()}
        try:
            return {side: done.result() for side, done in doing.items()}
        except KeyboardInterrupt:
            for arm in arms.values():
                arm.kill()  # so that the end of what they do is not waited for
            raise
