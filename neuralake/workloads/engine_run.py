"""All samples of one engine, in a worker that is replaced whenever it is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from neuralake.engines.registry import EngineSpec
from neuralake.errors import ResultsError
from neuralake.measure.process import living
from neuralake.measure.worker import Worker
from neuralake.queries.answers import require_columns
from neuralake.queries.query import Query
from neuralake.queries.sql import tables_read
from neuralake.results.journal import JournalWriter
from neuralake.results.records import EngineRecord, Phase, Sample, Verification
from neuralake.results.timestamps import timestamp
from neuralake.workloads import verification
from neuralake.workloads.answers import answer_path, later_answer_path
from neuralake.workloads.cold import evict_tables
from neuralake.workloads.executor import TARGET, Executed, Opened, Started, open_answer
from neuralake.workloads.failures import (
    FAILURES,
    SETUP_TIMEOUT_S,
    Failure,
    Verdict,
    engine_lost,
    has_lost_a_process,
    judge,
    log_tail,
)
from neuralake.workloads.plan import Observer, Plan, Step, steps
from neuralake.workloads.plans import take_plans
from neuralake.workloads.resume import Past

Outcome = TypeVar("Outcome", Started, Opened, Executed)


@dataclass
class _State:
    """What is known of an engine's run so far.

    Attributes
    ----------
    done
        Phase, query and round of the executions that were; 0 is the round of every first run.
    digests
        Of the first answer to each query.
    failed
        Queries that are not run again.
    judged
        Queries of whose answers a verdict is in the journal.
    processes
        How many processes there have been.
    faults
        Tables that the engine does not read rightly, with the reason.
    """

    done: set[tuple[Phase, str, int]] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    processes: int = 0
    faults: dict[str, str] = field(default_factory=dict)


class _EngineLostError(Exception):
    """The engine cannot be started, or its tables not opened."""


class EngineRun:
    """All samples of one engine.

    Parameters
    ----------
    plan
        What to measure.
    spec
        On which engine.
    directory
        Of the run: answers and logs are kept there.
    journal
        Receives every record before the next execution begins.
    observer
        Is told of each step.
    past
        What was measured before the run was resumed.
    """

    def __init__(
        self,
        plan: Plan,
        spec: EngineSpec,
        directory: Path,
        journal: JournalWriter,
        observer: Observer,
        past: Past,
    ) -> None:
        self._plan = plan
        self._spec = spec
        self._directory = directory
        self._log = directory / "logs" / f"{spec.name}.log"
        self._journal = journal
        self._observer = observer
        self._past = past
        self._state = _State()
        self._worker: Worker | None = None
        self._tree: list[int] = []
        self._seen: set[str] = set()

    def run(self) -> None:
        """Take all samples that are missing; a lost engine is recorded, and is no exception."""
        self._catch_up()
        try:
            for step in steps(self._plan):
                name = step.query.name
                key = (step.phase, name, step.round)
                if key not in self._state.done and name not in self._state.failed:
                    self._step(step)
            self._take_plans()
        except _EngineLostError as lost:
            for query in self._plan.queries:
                if query.name not in self._state.digests and query.name not in self._state.failed:
                    self._fail(query, str(lost))
        except BaseException:  # interrupted: a query may be running that nobody waits for
            self._lose_worker()
            raise
        self._retire_worker()

    def _take_plans(self) -> None:
        """Keep what the engine does with each query, now that nothing of it is timed any more."""
        queries = {query.name: query.sql() for query in self._plan.queries}
        worker = self._worker
        if worker and not take_plans(worker, self._spec.name, queries, self._directory):
            self._lose_worker()

    def _catch_up(self) -> None:
        """Take up what the journal tells, and settle what was not settled when it ended."""
        queries = {query.name: query for query in self._plan.queries}
        if self._past.record is not None:
            self._state.faults |= self._past.record.faults
        for judged in self._past.verifications:
            self._state.judged.add(judged.query)
            if judged.verdict in ("wrong", "failed"):
                self._state.failed.add(judged.query)
        for sample in self._past.samples:
            self._state.processes = max(self._state.processes, sample.process + 1)
            if sample.query is None:
                continue
            number = 0 if sample.phase == "first" else sample.round
            self._state.done.add((sample.phase, sample.query, number))
            if sample.query not in self._state.failed:
                self._settle(queries[sample.query], sample)

    def _step(self, step: Step) -> None:
        name = step.query.name
        if step.phase == "cold":
            self._retire_worker()
        worker = self._ready()
        if name in self._state.failed:
            return  # a table of it turned out to be unreadable
        process = self._state.processes - 1
        if step.phase == "first":
            self._execute(worker, step.query, "first", process)
            return
        if step.phase == "hot" and name not in self._seen:
            # this process replaced another: what it has not run yet is not hot in it
            self._execute(worker, step.query, "first", process)
            if name in self._state.failed or self._worker is not worker:
                return
        self._execute(worker, step.query, step.phase, step.round)

    def _execute(self, worker: Worker, query: Query, phase: Phase, round: int) -> None:
        """Execute a query once, and settle what came of it."""
        known = self._state.digests.get(query.name)
        answer = self._answer(query, phase, round)
        cached_bytes = None
        if phase == "cold":
            cached_bytes = evict_tables(self._plan.workload.tables.values())
        timeout_s = self._plan.limits.timeout_s
        arguments = (query.sql(), answer, known, [key.column for key in query.order_by])
        _, sample = self._attempt(
            (phase, query.name, round),
            lambda: worker.call("execute", *arguments, timeout_s=timeout_s),
        )
        self._seen.add(query.name)
        sample = replace(sample, cached_bytes=cached_bytes)
        self._record(sample)
        self._settle(query, sample)

    def _answer(self, query: Query, phase: Phase, round: int) -> Path:
        """Where the answer of an execution is kept: beside the first one if it is another."""
        if query.name not in self._state.digests:
            return answer_path(self._directory, self._spec.name, query.name)
        return later_answer_path(self._directory, self._spec.name, query.name, phase, round)

    def _settle(self, query: Query, sample: Sample) -> None:
        """Judge what an execution gave, unless that was done before the run was resumed."""
        if sample.status != "ok" or sample.digest is None:
            self._fail(query, sample.message or sample.status)
        elif query.name not in self._state.digests:
            self._state.digests[query.name] = sample.digest
            first = answer_path(self._directory, self._spec.name, query.name)
            require_columns(query, open_answer(first).columns)
            if query.name not in self._state.judged:
                self._compare_with_reference(query)
        elif sample.digest != self._state.digests[query.name]:
            self._recheck(query, sample)

    def _compare_with_reference(self, query: Query) -> None:
        first = answer_path(self._directory, self._spec.name, query.name)
        judged = verification.against_reference(self._plan.workload, query, self._spec.name, first)
        if judged is not None:
            self._judge(judged)

    def _recheck(self, query: Query, sample: Sample) -> None:
        """A later answer with another digest: ties in another order, or a wrong answer."""
        answer = self._answer(query, sample.phase, sample.round)
        if not answer.exists():
            return  # found right before the run was resumed
        first = answer_path(self._directory, self._spec.name, query.name)
        mismatch = verification.same_answer(query, answer, first)
        if mismatch is None:
            answer.unlink()
            return
        against = f"{self._spec.name}'s own first run"
        detail = f"{sample.phase} run {sample.round} differs: {mismatch}"
        self._judge(Verification(self._spec.name, query.name, "wrong", against, detail))

    def _ready(self) -> Worker:
        """The engine's worker, with the tables open; a new one if there is none."""
        if self._worker is not None:
            return self._worker
        name, process, limits = self._spec.name, self._state.processes, self._plan.limits
        self._state.processes += 1
        self._seen.clear()
        worker = self._worker = Worker(
            TARGET,
            self._log,
            memory_limit_bytes=limits.memory_bytes,
            limiter=limits.memory_limiter,
        )
        started, sample = self._attempt(
            ("start", None, process),
            lambda: worker.call("start", self._spec, timeout_s=SETUP_TIMEOUT_S),
        )
        if started is not None:
            self._require_same("versions", started.versions)
        self._record(sample)
        if started is None:
            if process == 0:
                self._journal.append(EngineRecord(name, self._spec.options))
            self._lose_worker()
            raise _EngineLostError(f"{name} did not start: {sample.message}")
        tables = self._plan.workload.tables
        opened, sample = self._attempt(
            ("open", None, process),
            lambda: worker.call("open", tables, process == 0, timeout_s=SETUP_TIMEOUT_S),
        )
        settings = started.settings if opened is None else opened.settings
        if opened is not None:
            self._require_same("settings", settings)
        self._record(sample)
        if opened is not None:
            self._state.faults |= opened.faults
        self._journal.append(
            EngineRecord(
                name,
                self._spec.options,
                settings,
                started.versions,
                faults=dict(self._state.faults),
            )
        )
        if opened is None:
            self._lose_worker()
            raise _EngineLostError(f"{name} could not open the tables: {sample.message}")
        self._tree = living(worker.pid)
        self._give_up(self._state.faults)
        return worker

    def _give_up(self, faults: Mapping[str, str]) -> None:
        """Fail the queries of tables that this engine cannot read rightly."""
        for query in self._plan.queries:
            read = tables_read(query.sql(), faults)
            if read and query.name not in self._state.failed:
                self._fail(query, "; ".join(faults[table] for table in sorted(read)))

    def _require_same(self, what: str, found: object) -> None:
        """Refuse to go on with an engine that is no longer the one that was measured."""
        record = self._past.record
        if record is None or not record.versions:
            return
        before = getattr(record, what)
        if before != found:
            raise ResultsError(
                f"the run cannot be resumed: {self._spec.name} has other {what} than before: "
                f"{found}, not {before}"
            )

    def _attempt(
        self, key: tuple[Phase, str | None, int], call: Callable[[], Outcome]
    ) -> tuple[Outcome | None, Sample]:
        """Try an execution; returns its outcome, None if it failed, and the sample of it."""
        phase, query, number = key
        name = self._spec.name
        self._observer.before(name, phase, query, number)
        process = self._state.processes - 1
        sample = Sample(name, phase, query, number, "ok", timestamp(), process=process)
        said_before = self._log.stat().st_size
        try:
            outcome = call()
        except FAILURES as failure:
            verdict = self._verdict(failure, said_before)
            if verdict.replace:
                self._lose_worker()
            return None, replace(sample, status=verdict.status, message=verdict.message)
        return outcome, _completed(sample, outcome)

    def _verdict(self, failure: Failure, said_before: int) -> Verdict:
        if getattr(failure, "kind", "") == ResultsError.__name__:
            raise ResultsError(str(failure)) from failure  # ours, and none of the engine's
        said = log_tail(self._log, said_before)
        verdict = judge(failure, said, limit_bytes=self._plan.limits.memory_bytes)
        if not verdict.replace and self._has_lost_a_process():
            return engine_lost(verdict)
        return verdict

    def _has_lost_a_process(self) -> bool:
        return self._worker is not None and has_lost_a_process(self._worker.pid, self._tree)

    def _record(self, sample: Sample) -> None:
        self._journal.append(sample)
        self._observer.after(sample)

    def _fail(self, query: Query, reason: str) -> None:
        self._judge(Verification(self._spec.name, query.name, "failed", None, reason))

    def _judge(self, judged: Verification) -> None:
        self._state.judged.add(judged.query)
        if judged.verdict in ("wrong", "failed"):
            self._state.failed.add(judged.query)
        self._journal.append(judged)
        self._observer.verified(judged)

    def _retire_worker(self) -> None:
        """Let the worker close its engine."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _lose_worker(self) -> None:
        """End the worker and all that it started, at once."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()


def _completed(sample: Sample, outcome: Started | Opened | Executed) -> Sample:
    execution = outcome.execution
    sample = replace(
        sample,
        wall_ns=execution.wall_ns,
        cpu_ns=execution.cpu_ns,
        peak_rss_bytes=execution.peak_rss_bytes,
        bytes_read=execution.bytes_read,
        throttled_periods=execution.throttled_periods,
        throttled_ns=execution.throttled_ns,
        bytes_written=execution.bytes_written,
        instructions=execution.instructions,
    )
    if isinstance(outcome, Executed):
        return replace(sample, rows=outcome.rows, digest=outcome.digest)
    return sample
