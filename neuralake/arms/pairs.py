"""One engine in both arms: processes are restarted, and executions alternate within pairs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from neuralake.arms.answers import Answers
from neuralake.arms.pace import Pace
from neuralake.arms.processes import ArmFailedError, ArmProcess, Asked, Opened, Place
from neuralake.arms.rounds import (
    RoundsPlan,
    affordable_rounds,
    planned_repeats,
    planned_rounds,
    rounds_plan,
)
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
    _pace: Pace = field(default_factory=Pace)
    _repeats: Mapping[str, int] = field(default_factory=dict)
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
        began = time.monotonic()
        ending: Ending | None = None
        while ending is None:
            unit_began = time.monotonic()
            try:
                self._unit(len(self._units), rng)
            except KeyboardInterrupt:
                ending = "interrupted"
                break
            now = time.monotonic()
            self._pace.unit(now - unit_began)
            left_s = seconds - (now - began)
            found = self._verdicts("time", now - began)
            self.observer.judged(self.engine, found.suite, found.queries, left_s)
            self._done = self._done_by(found)
            ending = self._ending(found, left_s)
            if ending is None and len(self._units) == 1 and self.terms.rounds is None:
                pace = self._pace
                affordable = affordable_rounds(seconds, pace.start_s, pace.round_s, self._plan)
                self.rounds = min(self.rounds or self._planned(found), affordable)
            self._repeats = self._planned_repeats(found)
        return self._verdicts(ending, time.monotonic() - began)

    @property
    def _plan(self) -> RoundsPlan:
        return rounds_plan(self.terms.by)

    @property
    def _rounds_now(self) -> int:
        """Rounds of the next pair of processes."""
        return self.rounds or self._plan.first

    def _planned(self, found: EngineComparison) -> int:
        """Rounds that the noise in the first pair of processes calls for."""
        if found.suite.spread is None:
            return self._plan.first
        spreads = [query.spread for query in found.queries if query.spread is not None]
        return planned_rounds(found.suite.spread, spreads, self.terms.question, self._plan)

    def _planned_repeats(self, found: EngineComparison) -> dict[str, int]:
        """How often each query is executed in a round, by the noise of it so far."""
        if self.terms.rounds is not None:
            return {}
        rounds, question, count = self._rounds_now, self.terms.question, len(found.queries)
        return {
            query.query: planned_repeats(query.spread, count, rounds, question, self._plan)
            for query in found.queries
            if query.query is not None and query.spread is not None
        }

    def _done_by(self, found: EngineComparison) -> frozenset[str]:
        """Queries that need no more pairs: none while the suite needs those of all.

        An estimate that ends with the verdict leans towards it. One that is unchanged goes on for a
        tenth of its pairs; one that is slower or faster, to the end: by how much is asked next.
        """
        if self.terms.until_time or found.suite.verdict == "inconclusive":
            return frozenset()
        return frozenset(c.query for c in found.queries if c.query and _is_done(c))

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
        repeats = {query: self._repeats.get(query, 1) for query in self._names()}
        needed_s = self._pace.needed_s(self._rounds_now, repeats)
        return "time" if self._units and left_s < needed_s else None

    def _verdicts(self, ending: Ending, elapsed_s: float) -> EngineComparison:
        names = tuple(query.name for query in self.queries)
        rounds = self._rounds_now
        measured = Measured(names, tuple(self._units), self._faults, rounds, self.terms.by)
        suite, queries = engine_verdicts(measured, self.terms.question)
        return EngineComparison(
            engine=self.engine,
            versions=dict(self._about["versions"]),
            settings=dict(self._about["settings"]),
            processes=len(self._units),
            rounds=rounds,
            elapsed_s=elapsed_s,
            ending=ending,
            suite=suite,
            queries=queries,
            faults={name: fault.reason for name, fault in self._tables_at_fault.items()},
            verified_against=self.answers.against,
            throttled_periods=sum(p for p, _ in self._throttled) if self._throttled else None,
            throttled_ns=sum(ns for _, ns in self._throttled) if self._throttled else None,
        )

    def _unit(self, number: int, rng: random.Random) -> None:
        """Start both arms, run each query once unmeasured, and then the rounds of pairs.

        Queries that are unchanged are left out, so that the time goes to the others.
        """
        names = self._names()
        self.observer.starting(self.engine, number, self._rounds_now)
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
            for turn in range(self._rounds_now):
                began = time.monotonic()
                taken = []
                queries = self._open()
                for query in rng.sample(queries, len(queries)):
                    for _ in range(self._repeats.get(query.name, 1)):
                        pair = self._pair(arms, query, number, turn, rng)
                        if pair is not None:
                            taken.append(pair)
                self.journal(taken)
                pairs += taken
                self._pace.round(time.monotonic() - began, taken)
                self.observer.paired(self.engine, number, turn)
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


def _is_done(change: Change) -> bool:
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
