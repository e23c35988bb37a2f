"""A comparison from its request to its document: arms built, engines measured, verdicts kept."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from neuralake.arms.agreement import with_disagreements
from neuralake.arms.answers import Answers
from neuralake.arms.arm import ArmSpec, parse_arm
from neuralake.arms.build import Arm, build_arm, find_repository, hold
from neuralake.arms.calibration import calibration_path, load_calibration
from neuralake.arms.grown import grown_functions
from neuralake.arms.pairs import EnginePairs, Observer, Terms, rounds_plan
from neuralake.arms.processes import ArmProcess, Place
from neuralake.arms.request import Request
from neuralake.arms.tables import require_same_tables, shown_identity
from neuralake.arms.timed import SidedQuery, Timed, sided_streams
from neuralake.catalog.about import warn
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError, EngineError
from neuralake.machine import available_memory_bytes
from neuralake.measure.callgrind import Callgrind
from neuralake.queries.answers import require_columns
from neuralake.queries.query import Allowance, Query, SortKey
from neuralake.queries.shape import Tolerance
from neuralake.queries.workload import select_queries
from neuralake.results.comparison import (
    SCHEMA_VERSION,
    SIDES,
    ArmRecord,
    Comparison,
    EngineComparison,
    Side,
)
from neuralake.results.comparisons import COMPARISONS, stand_alone, write_comparison
from neuralake.results.fingerprint import fingerprint
from neuralake.results.pairs import PAIRS, PairJournal
from neuralake.results.profiles import remove_profiles, require_place
from neuralake.results.store import make_directory
from neuralake.results.timestamps import timestamp
from neuralake.stats.paired import Question
from neuralake.tpch.parameters import parameters, stream_seed
from neuralake.workloads.turn import machine_to_ourselves

_ENGINES_OF_A_JVM = ("spark",)
COUNTED = "counted"
_SEED = 1  # of the streams' parameters: the same in both arms, and in every comparison


def compare(request: Request, observer: Observer) -> tuple[Comparison, Path]:
    """Build both arms, measure them side by side, and keep what was found.

    Parameters
    ----------
    request
        What is to be compared.
    observer
        Is told of each step.

    Returns
    -------
    tuple
        The comparison, and the directory with its document and its pairs. It is not finished if
        it was interrupted.

    Raises
    ------
    ArmError
        If an arm cannot be built.
    CompareError
        If SciPy is missing, an arm cannot run, or the arms do not read the same data.
    BusyError
        If another process of this machine measures.
    ResultsError
        If the results or the profiles cannot be written.
    """
    if find_spec("scipy") is None:  # told before anything is built, not when all is measured
        raise CompareError(
            "a comparison is decided with scipy, which is not installed: "
            "pip install 'neuralake-bench[compare]'"
        )
    counting = request.counted or request
    if counting.profiles is not None:
        require_place(counting.profiles)
    specs: dict[Side, ArmSpec] = {
        "base": parse_arm(request.base),
        "candidate": parse_arm(request.candidate),
    }
    options = {side: request.options(spec) for side, spec in specs.items()}
    repository = None  # none is needed to compare versions of what is installed here
    if any(spec.revision is not None for spec in specs.values()):
        repository = find_repository(request.working_directory)
    arms = {side: _build(request, spec, repository, observer) for side, spec in specs.items()}
    with hold(*arms.values()), machine_to_ourselves("neuralake compare"):
        comparing = _Comparing(request, arms, options, repository, observer)
        if request.counted is None:
            return comparing.run()
        return _both(request, request.counted, comparing)


def _both(request: Request, counting: Request, comparing: _Comparing) -> tuple[Comparison, Path]:
    """Count first, which is soon decided, and time the arms until the rest of the time is up.

    What was counted is a comparison of its own, in the directory of the other. If it was
    interrupted, it is all that there is, and takes the other's place.
    """
    began = time.monotonic()
    directory = comparing.directory()
    # what an option says of an engine in one arm holds for both
    options = {
        side: counting.options(parse_arm(text))
        for side, text in zip(SIDES, (request.base, request.candidate), strict=True)
    }
    counted, place = comparing.asked(counting, options).run(directory / COUNTED)
    if counted.finished_at is None:
        return stand_alone(counted, place), directory
    left_s = max(request.terms.max_time_s - (time.monotonic() - began), 1.0)
    terms = replace(request.terms, max_time_s=left_s)
    timing = comparing.asked(replace(request, terms=terms), comparing.options)
    comparison, _ = timing.run(directory, counted)
    return comparison, directory


def _build(request: Request, spec: ArmSpec, repository: Path | None, observer: Observer) -> Arm:
    return build_arm(
        spec,
        repository=repository,
        cache=request.cache,
        say=observer.building,
        working_directory=request.working_directory,
        workload=request.directory,
        allow_dirty=request.allow_dirty,
    )


@dataclass(frozen=True)
class _EnginePlan:
    """An engine's share of the time, in relation to the others', and its rounds if known."""

    share: float
    rounds: int | None


class _Comparing:
    """What the steps of one comparison have in common."""

    def __init__(
        self,
        request: Request,
        arms: Mapping[Side, Arm],
        options: Mapping[Side, Mapping[str, Mapping[str, str]]],
        repository: Path | None,
        observer: Observer,
    ) -> None:
        self._request = request
        self._arms = arms
        self.options = options
        self._observer = observer
        self._repository = repository
        self._created = datetime.now(UTC)
        self._machine = fingerprint(request.working_directory)  # with the load before it begins

    def asked(
        self, request: Request, options: Mapping[Side, Mapping[str, Mapping[str, str]]]
    ) -> _Comparing:
        """The same arms, asked something else."""
        return _Comparing(request, self._arms, options, self._repository, self._observer)

    def run(
        self, directory: Path | None = None, counted: Comparison | None = None
    ) -> tuple[Comparison, Path]:
        """Measure all engines, and keep what was found.

        Parameters
        ----------
        directory
            For the document and the pairs; None for a new one among the results.
        counted
            The same arms by counted instructions.
        """
        directory = directory or self.directory()
        (directory / "logs").mkdir(parents=True, exist_ok=True)
        places = {side: self._place(side, directory) for side in SIDES}
        loaded = self._probe(places)
        queries, only = self._queries(loaded)
        timed: tuple[Timed, ...] = queries
        workload = self._request.workload
        if self._request.streams is not None:
            texts = {side: loaded[side]["streams"] for side in SIDES}
            timed = (sided_streams(texts, queries),)
            workload = None  # its known answers are to other parameters
        answers = Answers(directory / "answers", workload)
        found: list[EngineComparison] = []
        terms = self._terms()
        left_s = terms.max_time_s
        plans = self._plans(loaded["base"])
        with PairJournal(directory / PAIRS) as journal:
            for number, spec in enumerate(self._request.engines):
                if self._request.profiles is not None:
                    asked = [query.name for query in timed]
                    remove_profiles(self._request.profiles, spec.name, asked, SIDES)
                engine = EnginePairs(
                    engine=spec.name,
                    options={side: self._engine_options(spec.name, side) for side in SIDES},
                    places=places,
                    queries=timed,
                    tables=_tables(loaded),
                    answers=answers,
                    terms=terms,
                    rounds=plans[number].rounds,
                    journal=journal.append,
                    observer=self._observer,
                    profiles=self._request.profiles,
                )
                share = plans[number].share / sum(plan.share for plan in plans[number:])
                done = engine.run(left_s * share)
                left_s = max(left_s - done.elapsed_s, 0)
                found.append(done)
                if done.ending == "interrupted":
                    break
        comparison = self._document(directory.name, loaded, only, tuple(found))
        if self._request.streams is not None:
            names = tuple(query.name for query in queries)
            comparison = replace(comparison, streams=self._request.streams, stream_queries=names)
        comparison = replace(with_disagreements(comparison, timed, answers), counted=counted)
        if self._request.profiles is not None:
            grown = grown_functions(self._request.profiles, found)
            comparison = replace(comparison, grown=grown)
        write_comparison(comparison, directory)
        return comparison, directory

    def _terms(self) -> Terms:
        """As they were asked for; of streams there is one question, which is that of the suite."""
        terms = self._request.terms
        if self._request.streams is None:
            return terms
        asked = terms.question
        question = Question(
            asked.suite_effect, asked.suite_effect, asked.suite_alpha, asked.suite_alpha
        )
        return replace(terms, question=question)

    def directory(self) -> Path:
        """A new directory among the results."""
        workload = self._request.workload
        name = workload.name if workload else (self._request.directory or Path()).name
        scale_factor = workload.scale_factor if workload else None
        parent = self._request.results.absolute() / COMPARISONS  # absolute: arms work elsewhere
        return make_directory(parent, name, scale_factor, self._created)

    def _place(self, side: Side, directory: Path) -> Place:
        request, arm = self._request, self._arms[side]
        here = self._within(request.directory, arm) if request.directory else None
        catalog = request.catalog
        if catalog is not None and catalog.endswith(".py"):
            catalog = str(self._within(Path(catalog), arm))
        return Place(
            side=side,
            name=arm.spec.text,
            python=arm.python,
            directory=self._standing(arm),
            dataset_uri=request.workload.dataset_uri if request.workload else None,
            workload=here,
            catalog=catalog,
            log=directory / "logs" / f"{side}.log",
            environment={**_bytecode(arm), **request.environment},
            checkout=None if arm.commit is None else arm.directory,
            counting=self._counting(side, directory),
        )

    def _counting(self, side: Side, directory: Path) -> Callgrind | None:
        if self._request.terms.by == "time":
            return None
        return Callgrind(
            directory.absolute() / "logs" / f"{side}-valgrind.log",
            cache_sim=self._request.cache_sim,
        )

    def _standing(self, arm: Arm) -> Path:
        """Where the caller stands, as it is in an arm's commit, or the top if it is not there."""
        place = self._within(Path(), arm)
        return place if place.is_dir() else arm.directory

    def _within(self, path: Path, arm: Arm) -> Path:
        """A path of the caller's as it is in an arm's commit; one from elsewhere stays."""
        absolute = (self._request.working_directory / path).resolve()
        top = None if arm.commit is None else self._repository
        if top is None or not absolute.is_relative_to(top.resolve()):
            return absolute
        return arm.directory / absolute.relative_to(top.resolve())

    def _probe(self, places: Mapping[Side, Place]) -> dict[Side, dict[str, Any]]:
        """Find out, before anything is measured, whether both arms can run at all."""
        loaded = {}
        for side, place in places.items():
            process = ArmProcess(replace(place, counting=None))
            try:
                loaded[side] = process.load()
                for engine in self._request.engines:
                    reason = process.unavailable(engine.name)
                    if reason is not None:
                        raise CompareError(f"{side} {place.name} lacks {engine.name}: {reason}")
                if self._request.streams is not None:
                    loaded[side]["streams"] = self._stream_texts(process, self._request.streams)
            finally:
                process.close()
        require_same_tables(
            loaded["candidate"]["tables"], loaded["base"]["tables"], places["candidate"]
        )
        warn(dict.fromkeys(line for side in loaded.values() for line in side["deprecations"]))
        return loaded

    def _stream_texts(self, process: ArmProcess, streams: int) -> list[dict[str, str]]:
        """What an arm asks in streams that run at once, if it can run them."""
        place = process.place
        for engine in self._request.engines:
            reason = process.no_streams(engine.name)
            if reason is not None:
                raise CompareError(f"{place.side} {place.name} cannot run streams: {reason}")
        workload = self._request.workload
        scale_factor = (workload.scale_factor if workload else None) or 1.0
        drawn = [
            parameters(stream_seed(_SEED, stream), stream, scale_factor)
            for stream in range(1, streams + 1)
        ]
        asked = [[(query.query, query.values) for query in stream] for stream in drawn]
        return process.stream_texts(asked)

    def _queries(
        self, loaded: Mapping[Side, Mapping[str, Any]]
    ) -> tuple[tuple[SidedQuery, ...], dict[Side, tuple[str, ...]]]:
        texts: dict[Side, dict[str, Any]] = {side: loaded[side]["queries"] for side in SIDES}
        both = [name for name in texts["candidate"] if name in texts["base"]]
        if not both:
            raise CompareError("the arms have no query in common: expected the same names in both")
        queries = select_queries(
            [_query(name, texts["candidate"][name]) for name in both], self._request.selection
        )
        for query in queries:
            require_columns(query)
        sided = tuple(
            SidedQuery(query, {side: texts[side][query.name]["sql"] for side in SIDES})
            for query in queries
        )
        only: dict[Side, tuple[str, ...]] = {
            side: tuple(name for name in texts[side] if name not in both) for side in SIDES
        }
        return sided, only

    def _engine_options(self, engine: str, side: Side) -> dict[str, str]:
        """Two JVMs share the memory that one would take; both get the same."""
        options = dict(self.options[side][engine])
        if engine in _ENGINES_OF_A_JVM and not any(
            "memory" in self.options[each][engine] for each in SIDES
        ):
            try:
                limit_bytes = available_memory_bytes() // 2
                options |= registry.resolve(EngineSpec(engine, options), limit_bytes).options
            except EngineError:  # not installed here: the arms choose for themselves
                return options
        return options

    def _plans(self, loaded: Mapping[str, Any]) -> list[_EnginePlan]:
        """How time and rounds are shared out: by each engine's noise, where that is known."""
        request, terms = self._request, self._request.terms
        path = calibration_path(
            *(request.results, loaded["name"], loaded["scale_factor"], self._machine), terms.by
        )
        calibration = load_calibration(path)
        known = {} if calibration is None else calibration.engines
        # the noise that is known is that of queries alone
        alone = request.streams is None
        if (
            not alone
            or terms.until_time
            or any(engine.name not in known for engine in request.engines)
        ):
            return [_EnginePlan(1.0, terms.rounds)] * len(request.engines)
        needed_s = {e.name: known[e.name].needed_s(terms.question) for e in request.engines}
        self._observer.planned(needed_s)
        per_second = terms.max_time_s / sum(needed_s.values())
        plan = rounds_plan(terms.by)
        return [
            _EnginePlan(
                seconds,
                terms.rounds
                or known[name].planned_rounds(terms.question, seconds * per_second, plan),
            )
            for name, seconds in needed_s.items()
        ]

    def _document(
        self,
        name: str,
        loaded: Mapping[Side, Mapping[str, Any]],
        only: Mapping[Side, tuple[str, ...]],
        engines: tuple[EngineComparison, ...],
    ) -> Comparison:
        terms = self._terms()
        question = terms.question
        interrupted = any(engine.ending == "interrupted" for engine in engines)
        workload = self._request.workload
        return Comparison(
            schema_version=SCHEMA_VERSION,
            id=name,
            created_at=timestamp(self._created),
            finished_at=None if interrupted else timestamp(),
            workload=loaded["base"]["name"],
            dataset_uri=workload.dataset_uri if workload else str(self._request.directory),
            scale_factor=loaded["base"]["scale_factor"],
            base=_record(self._arms["base"]),
            candidate=_record(self._arms["candidate"]),
            effect=question.suite_effect,
            query_effect=question.query_effect,
            suite_alpha=question.suite_alpha,
            queries_alpha=question.queries_alpha,
            max_time_s=terms.max_time_s,
            fingerprint=self._machine,
            engines=engines,
            only_in_base=only["base"],
            only_in_candidate=only["candidate"],
            tables={table: shown_identity(identity) for table, identity in _tables(loaded).items()},
            by=terms.by,
        )


def _bytecode(arm: Arm) -> dict[str, str]:
    """Variables by which the processes of an arm compile its modules once, and not at each start.

    Where a caller forbids bytecode, as containers do, it goes to the arm's own entry of the cache,
    and beside no module of his.
    """
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        return {}
    kept = arm.entry.absolute() / "bytecode"
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(kept)}


def _tables(loaded: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
    """What identifies the data of each table that either arm's queries name."""
    return {**loaded["candidate"]["tables"], **loaded["base"]["tables"]}


def _query(name: str, facts: Mapping[str, Any]) -> Query:
    return Query(
        name,
        name,
        facts["sql"],
        order_by=tuple(SortKey(*key) for key in facts["order_by"]),
        limit=facts["limit"],
        offset=facts["offset"],
        allowances=tuple(
            Allowance(Tolerance(relative, absolute), column)
            for relative, absolute, column in facts["allowances"]
        ),
    )


def _record(arm: Arm) -> ArmRecord:
    return ArmRecord(
        text=arm.spec.text,
        commit=arm.commit,
        subject=arm.subject,
        requirements=arm.spec.requirements,
        options=arm.spec.options,
        packages=dict(arm.packages),
    )
