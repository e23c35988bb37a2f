"""A comparison from its request to its document: arms built, engines measured, verdicts kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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
from neuralake.arms.grown import with_grown_functions
from neuralake.arms.pairs import EnginePairs
from neuralake.arms.places import place_of
from neuralake.arms.probing import all_tables, common_queries, probe
from neuralake.arms.processes import Place
from neuralake.arms.request import Request
from neuralake.arms.rounds import rounds_plan
from neuralake.arms.tables import shown_identity
from neuralake.arms.terms import Observer, Terms
from neuralake.arms.timed import Timed, sided_streams
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CompareError, EngineError
from neuralake.machine import available_memory_bytes
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
from neuralake.workloads.turn import machine_to_ourselves

_ENGINES_OF_A_JVM = ("spark",)
COUNTED = "counted"


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


@dataclass(frozen=True)
class _Measured:
    """What all engines of a comparison have in common."""

    places: Mapping[Side, Place]
    queries: tuple[Timed, ...]
    answers: Answers
    tables: Mapping[str, object]
    plans: Sequence[_EnginePlan]


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
        request, repository = self._request, self._repository
        places = {
            side: place_of(side, self._arms[side], request, repository, directory) for side in SIDES
        }
        loaded = probe(request, places)
        queries, only = common_queries(loaded, request.selection)
        timed: tuple[Timed, ...] = queries
        workload = self._request.workload
        if self._request.streams is not None:
            texts = {side: loaded[side]["streams"] for side in SIDES}
            timed = (sided_streams(texts, queries),)
            workload = None  # its known answers are to other parameters
        answers = Answers(directory / "answers", workload)
        measured = _Measured(
            places, timed, answers, all_tables(loaded), self._plans(loaded["base"])
        )
        found = self._engines(measured, directory)
        comparison = self._document(directory.name, loaded, only, found)
        if self._request.streams is not None:
            names = tuple(query.name for query in queries)
            comparison = replace(comparison, streams=self._request.streams, stream_queries=names)
        comparison = replace(with_disagreements(comparison, timed, answers), counted=counted)
        write_comparison(comparison, directory)  # before the profiles, which take a while to read
        if self._request.profiles is not None and comparison.finished_at is not None:
            comparison = with_grown_functions(comparison, self._request.profiles)
            write_comparison(comparison, directory)
        return comparison, directory

    def _engines(self, measured: _Measured, directory: Path) -> tuple[EngineComparison, ...]:
        """Compare one engine after the other, each in its share of the time that is left."""
        request, terms, plans = self._request, self._terms(), measured.plans
        found: list[EngineComparison] = []
        left_s = terms.max_time_s
        with PairJournal(directory / PAIRS) as journal:
            for number, spec in enumerate(request.engines):
                if request.profiles is not None:
                    asked = [query.name for query in measured.queries]
                    remove_profiles(request.profiles, spec.name, asked, SIDES)
                engine = EnginePairs(
                    engine=spec.name,
                    options={side: self._engine_options(spec.name, side) for side in SIDES},
                    places=measured.places,
                    queries=measured.queries,
                    tables=measured.tables,
                    answers=measured.answers,
                    terms=terms,
                    rounds=plans[number].rounds,
                    journal=journal.append,
                    observer=self._observer,
                    profiles=request.profiles,
                )
                share = plans[number].share / sum(plan.share for plan in plans[number:])
                done = engine.run(left_s * share)
                left_s = max(left_s - done.elapsed_s, 0)
                found.append(done)
                if done.ending == "interrupted":
                    break
        return tuple(found)

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
            tables={
                table: shown_identity(identity) for table, identity in all_tables(loaded).items()
            },
            by=terms.by,
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
