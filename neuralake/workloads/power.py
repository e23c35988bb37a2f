"""The power workload: each engine alone, every query once and then N times more.

Engines run one after another, each in a worker of its own, so that the one being measured has the
machine to itself. Round 0 is the first run of every query, in order; rounds 1 … N are hot runs,
again all queries in order, so that a disturbance of seconds meets one run of several queries and
not all runs of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from neuralake.engines.registry import EngineSpec
from neuralake.measure.worker import RemoteError, Worker, WorkerDiedError
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.results.journal import End, JournalWriter, read_journal
from neuralake.results.records import EngineRecord, Phase, Sample, Verification
from neuralake.results.store import JOURNAL
from neuralake.workloads import verification
from neuralake.workloads.answer_files import answer_file
from neuralake.workloads.executor import TARGET, Executed, Opened, Started

Outcome = TypeVar("Outcome", Started, Opened, Executed)
_MESSAGE_CHARACTERS = 2000


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes
    ----------
    workload
        Queries and tables.
    queries
        Those of its queries that run, in this order.
    engines
        In this order.
    hot_runs
        Runs of each query after the first.
    unavailable
        Engines that cannot run here, with the reason.
    """

    workload: Workload
    queries: tuple[Query, ...]
    engines: tuple[EngineSpec, ...]
    hot_runs: int
    unavailable: tuple[tuple[EngineSpec, str], ...] = ()


class Observer(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def before(self, engine: str, phase: Phase, query: str | None, round: int) -> None:
        """An execution is about to begin."""

    def after(self, sample: Sample) -> None:
        """It has ended."""

    def verified(self, result: Verification) -> None:
        """An answer has been judged."""


def run_power(plan: Plan, directory: Path, journal: JournalWriter, observer: Observer) -> None:
    """Measure everything in a plan; each record is in the journal before the next is made.

    Parameters
    ----------
    plan
        What to measure.
    directory
        Of the run: answers and logs are kept there.
    journal
        Whose header is already written.
    observer
        Is told of each step.
    """
    began = time.monotonic_ns()
    for spec, reason in plan.unavailable:
        journal.append(EngineRecord(spec.name, spec.options, unavailable=reason))
    (directory / "answers").mkdir(exist_ok=True)
    (directory / "logs").mkdir(exist_ok=True)
    for spec in plan.engines:
        _EngineRun(plan, spec, directory, journal, observer).run()
    _verify_agreement(plan, directory, journal, observer)
    journal.append(End(_now(), time.monotonic_ns() - began))


def answer_path(directory: Path, engine: str, query: str) -> Path:
    """Where the first answer of an engine to a query is kept."""
    return directory / "answers" / answer_file(engine, query)


class _EngineLostError(Exception):
    """The engine cannot be started, or its tables not opened."""


class _EngineRun:
    """All samples of one engine."""

    def __init__(
        self,
        plan: Plan,
        spec: EngineSpec,
        directory: Path,
        journal: JournalWriter,
        observer: Observer,
    ) -> None:
        self._plan = plan
        self._spec = spec
        self._directory = directory
        self._journal = journal
        self._observer = observer
        self._worker: Worker | None = None
        self._processes = 0
        self._digests: dict[str, str] = {}
        self._failed: set[str] = set()

    def run(self) -> None:
        """Take all samples; a lost engine is recorded, and is no exception here."""
        try:
            for number in range(self._plan.hot_runs + 1):
                for query in self._plan.queries:
                    if query.name not in self._failed:
                        self._query(query, number)
        except _EngineLostError as lost:
            for query in self._plan.queries:
                if query.name not in self._digests and query.name not in self._failed:
                    self._fail(query, str(lost))
        except BaseException:  # interrupted: a query may be running that nobody waits for
            if self._worker is not None:
                self._worker.kill()
            raise
        if self._worker is not None:
            self._worker.close()

    def _query(self, query: Query, round: int) -> None:
        worker = self._ready()
        first = answer_path(self._directory, self._spec.name, query.name)
        answer = first if round == 0 else first.with_suffix(f".round{round}.arrow")
        phase: Phase = "first" if round == 0 else "hot"
        known = self._digests.get(query.name)
        outcome = self._take(
            phase, query.name, round, lambda: worker.call("execute", query.sql(), answer, known)
        )
        if isinstance(outcome, str):
            self._fail(query, outcome)
        elif round == 0:
            self._digests[query.name] = outcome.digest
            judged = verification.against_reference(
                self._plan.workload, query, self._spec.name, first
            )
            if judged is not None:
                self._judge(judged)
                if judged.verdict == "wrong":
                    self._failed.add(query.name)
        elif outcome.digest != known:
            self._recheck(query, round, answer, first)

    def _recheck(self, query: Query, round: int, answer: Path, first: Path) -> None:
        """A later answer with another digest: ties in another order, or a wrong answer."""
        mismatch = verification.same_answer(query, answer, first)
        if mismatch is None:
            answer.unlink()
            return
        self._failed.add(query.name)
        against = f"{self._spec.name}'s own first run"
        detail = f"run {round} differs: {mismatch}"
        self._judge(Verification(self._spec.name, query.name, "wrong", against, detail))

    def _ready(self) -> Worker:
        """The engine's worker, with the tables open; a new one if the last has died."""
        if self._worker is not None:
            return self._worker
        name, process = self._spec.name, self._processes
        self._processes += 1
        worker = self._worker = Worker(TARGET, self._directory / "logs" / f"{name}.log")
        started = self._take("start", None, process, lambda: worker.call("start", self._spec))
        if isinstance(started, str):
            if process == 0:
                self._journal.append(EngineRecord(name, self._spec.options))
            raise _EngineLostError(f"{name} did not start: {started}")
        tables = self._plan.workload.tables
        opened = self._take("open", None, process, lambda: worker.call("open", tables))
        settings = started.settings if isinstance(opened, str) else opened.settings
        self._journal.append(EngineRecord(name, self._spec.options, settings, started.versions))
        if isinstance(opened, str):
            raise _EngineLostError(f"{name} could not open the tables: {opened}")
        return worker

    def _take(
        self, phase: Phase, query: str | None, round: int, call: Callable[[], Outcome]
    ) -> Outcome | str:
        """Take one sample; returns what the call returned, or why it failed."""
        name = self._spec.name
        self._observer.before(name, phase, query, round)
        sample = Sample(name, phase, query, round, "ok", _now())
        outcome: Outcome | str
        try:
            outcome = call()
        except (RemoteError, WorkerDiedError) as failure:
            crashed = isinstance(failure, WorkerDiedError)
            outcome = _shortened(failure)
            sample = replace(sample, status="crashed" if crashed else "error", message=outcome)
            if crashed and self._worker is not None:
                self._worker.kill()
                self._worker = None
        else:
            sample = _completed(sample, outcome)
        self._journal.append(sample)
        self._observer.after(sample)
        return outcome

    def _fail(self, query: Query, reason: str) -> None:
        self._failed.add(query.name)
        self._judge(Verification(self._spec.name, query.name, "failed", None, reason))

    def _judge(self, judged: Verification) -> None:
        self._journal.append(judged)
        self._observer.verified(judged)


def _completed(sample: Sample, outcome: Started | Opened | Executed) -> Sample:
    execution = outcome.execution
    sample = replace(
        sample,
        wall_ns=execution.wall_ns,
        cpu_ns=execution.cpu_ns,
        peak_rss_bytes=execution.peak_rss_bytes,
        bytes_read=execution.bytes_read,
    )
    if isinstance(outcome, Executed):
        return replace(sample, rows=outcome.rows, digest=outcome.digest)
    return sample


def _shortened(failure: Exception) -> str:
    kind = f"{failure.kind}: " if isinstance(failure, RemoteError) else ""
    return f"{kind}{failure}"[:_MESSAGE_CHARACTERS]


def _verify_agreement(
    plan: Plan, directory: Path, journal: JournalWriter, observer: Observer
) -> None:
    """Judge the answers for which nothing is known but what the engines gave."""
    run = read_journal(directory / JOURNAL)
    judged = {(v.engine, v.query) for v in run.verifications}
    for query in plan.queries:
        answers = {
            spec.name: answer_path(directory, spec.name, query.name)
            for spec in plan.engines
            if (spec.name, query.name) not in judged
        }
        if answers:
            for result in verification.agreement(query, answers):
                journal.append(result)
                observer.verified(result)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
