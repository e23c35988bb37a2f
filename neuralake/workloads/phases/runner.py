"""A phase from outside: workers that begin at one moment, a watch over them, and what they leave.

A task that takes too long ends its process, and so does a want of memory; what the other sessions
of that process were at has ended with it, and each of them has a sample that says so. The sessions
of other processes go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.registry import EngineSpec
from neuralake.measure.process import (
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    tree_usage,
)
from neuralake.measure.worker import Worker
from neuralake.results.parts import SAMPLES, Part, PartWriter, read_unfinished
from neuralake.results.phases.records import (
    PhaseKey,
    PhaseRecord,
    PhaseStatus,
    SessionMapping,
    WriterName,
)
from neuralake.results.phases.samples import TASKS, TaskSample, TaskStatus, read_samples, samples_of
from neuralake.results.records import EngineRecord, Limits
from neuralake.results.timestamps import timestamp
from neuralake.workloads.executor import Started
from neuralake.workloads.failures import FAILURES, SETUP_TIMEOUT_S, Failure, judge, log_tail
from neuralake.workloads.phases.board import Board, UnderWay
from neuralake.workloads.phases.executor import ANSWERS, TARGET, Done, Job
from neuralake.workloads.phases.model import PhasePlan

_HEAD_START_NS = 50_000_000
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Runner:
    """How the phases of an engine are run.

    Attributes
    ----------
    spec
        The engine.
    directory
        Of the run.
    mapping
        How sessions map to the engine.
    writer
        Who changes tables.
    limits
        What one task, and the engine's processes, may take.
    """

    spec: EngineSpec
    directory: Path
    mapping: SessionMapping = "threads"
    writer: WriterName = "engine"
    limits: Limits = field(default_factory=Limits)

    def run(
        self, plan: PhasePlan, tables: Mapping[str, DeltaTable]
    ) -> tuple[PhaseRecord, EngineRecord]:
        """Run a phase once; whatever fails is in the record, and is no exception.

        Parameters
        ----------
        plan
            What runs at once.
        tables
            By the names that queries and changes use; they may be changed.

        Returns
        -------
        tuple
            The phase, its answers unchecked, and the engine as it ran.
        """
        with self.kept() as phases:
            return phases.run(plan, tables)

    @contextmanager
    def kept(self) -> Iterator[KeptRunner]:
        """For phases one after another in one process of the engine, as long as it lives.

        Where sessions are processes, each phase has new ones.
        """
        phases = KeptRunner(self)
        try:
            yield phases
        except BaseException:
            phases.end(is_well=False)
            raise
        phases.end(is_well=True)


class KeptRunner:
    """Runs phases, in the process of the last one where that is well; :meth:`Runner.kept`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._crew: _Crew | None = None

    def run(
        self, plan: PhasePlan, tables: Mapping[str, DeltaTable]
    ) -> tuple[PhaseRecord, EngineRecord]:
        """Run a phase once, as :meth:`Runner.run` does."""
        runner = self._runner
        key = PhaseKey(runner.spec.name, plan.name, plan.repetition)
        for name in (SAMPLES, ANSWERS, "logs"):
            (runner.directory / name).mkdir(exist_ok=True)
        numbers = range(len(plan.sessions))
        groups = [tuple(numbers)] if runner.mapping == "threads" else [(n,) for n in numbers]
        board_path = runner.directory / f"{key.stem}.board"
        jobs = [
            Job(plan, group, tables, runner.directory, key.stem, board_path, runner.writer)
            for group in groups
        ]
        try:
            with Board(board_path, len(plan.sessions)) as board, ExitStack() as stack:
                if runner.mapping == "threads":
                    crews = [self._kept(jobs[0])]
                else:
                    crews = [stack.enter_context(_Crew(runner, job)) for job in jobs]
                return _Phase(runner, key, plan, board, crews).run()
        finally:
            board_path.unlink(missing_ok=True)

    def end(self, *, is_well: bool) -> None:
        """Let the process end, or end it."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.end(is_well=is_well)

    def _kept(self, job: Job) -> _Crew:
        """The crew of the last phase, if it is well, or a new one."""
        if self._crew is not None and self._crew.failure is not None:
            self.end(is_well=False)
        if self._crew is None:
            self._crew = _Crew(self._runner, job)
        self._crew.take(job)
        return self._crew


class _Crew:
    """A worker, and the sessions that it has.

    Attributes
    ----------
    job
        What it does.
    failure
        Why it came to no end, or None.
    overdue
        Session whose task took too long, or None.
    works_elsewhere
        Whether its engine's work is done by processes that are not the worker's.
    """

    def __init__(self, runner: Runner, job: Job) -> None:
        self.job = job
        self._started: Started | None = None
        self._said_before = 0
        self.failure: tuple[TaskStatus, str] | None = None
        self.overdue: int | None = None
        self.works_elsewhere = False
        self._limits = runner.limits
        first = "" if len(job.sessions) == len(job.plan.sessions) else f"-{job.sessions[0]}"
        self._log = runner.directory / "logs" / f"{job.stem}{first}.log"
        self.worker = Worker(
            TARGET,
            self._log,
            memory_limit_bytes=runner.limits.memory_bytes,
            limiter=runner.limits.memory_limiter,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self.end(is_well=kind is None)

    def end(self, *, is_well: bool) -> None:
        """Let the worker close its engine, or end it at once where something failed."""
        if is_well and self.failure is None:
            self.worker.close()
        else:
            self.worker.kill()

    def take(self, job: Job) -> None:
        """Do this next; what was said before is no part of it."""
        self.job = job
        self._said_before = self._log.stat().st_size

    def start(self, spec: EngineSpec) -> EngineRecord:
        """Start the engine, unless that is done, and open the tables once.

        Raises
        ------
        RemoteError, WorkerDiedError, WorkerMemoryError, WorkerTimeoutError
            If it cannot.
        """
        if self._started is None:
            self._started = self.worker.call("start", spec, timeout_s=SETUP_TIMEOUT_S)
            self.works_elsewhere = self._started.works_elsewhere
        settings = self.worker.call("prepare", self.job, timeout_s=SETUP_TIMEOUT_S)
        return EngineRecord(spec.name, spec.options, settings, self._started.versions)

    def run(self, start_ns: int) -> Done | None:
        """Do all tasks; None if the worker came to no end."""
        try:
            done: Done = self.worker.call("run", start_ns)
        except FAILURES as failure:
            self.fail(failure)
            return None
        if done.lost is not None:
            self.failure = ("crashed", done.lost)
        return done

    def fail(self, failure: Failure) -> tuple[TaskStatus, str]:
        """Note why the worker came to no end, and return it."""
        verdict = judge(
            failure, log_tail(self._log, self._said_before), limit_bytes=self._limits.memory_bytes
        )
        status, message = verdict.status, verdict.message
        if self.overdue is not None:  # it ended since it was ended
            name = self.job.plan.sessions[self.overdue].name
            status = "timeout"
            message = f"a task of {name} took longer than {self._limits.timeout_s:g} s"
        self.failure = (status, message)
        return self.failure

    def end_overdue(self, board: Board, timeout_s: float) -> None:
        """End the worker if one of its tasks has taken longer than it may."""
        now = time.monotonic_ns()
        for number in self.job.sessions:
            task = board.under_way(number)
            if task is None or self.job.plan.sessions[number].tasks[task.position].kind == "pause":
                continue
            if now - task.began_ns > timeout_s * 1e9:
                self.overdue = number
                self.worker.kill()
                return


class _Phase:
    """One run of a phase."""

    def __init__(
        self,
        runner: Runner,
        key: PhaseKey,
        plan: PhasePlan,
        board: Board,
        crews: Sequence[_Crew],
    ) -> None:
        self._runner, self._key, self._plan = runner, key, plan
        self._board, self._crews = board, crews

    def run(self) -> tuple[PhaseRecord, EngineRecord]:
        """Start the workers, let them begin at one moment, and see them to their ends."""
        spec = self._runner.spec
        record = PhaseRecord(self._key, "ok", timestamp())
        engine = EngineRecord(spec.name, spec.options)
        for crew in self._crews:
            try:
                engine = crew.start(spec)
            except FAILURES as failure:
                status, message = crew.fail(failure)
                message = f"{spec.name} did not start: {message}"
                return replace(record, status=_status(status), message=message), engine
        pids = [crew.worker.pid for crew in self._crews]
        trees = [pid for own in pids for pid in process_tree(own)]
        reset_peak_memory(trees)
        before = tree_usage(trees)
        record = replace(record, started_at=timestamp())
        start_ns = time.monotonic_ns() + _HEAD_START_NS
        done = self._see_through(start_ns)
        after = [pid for own in pids for pid in process_tree(own)]
        usage, peak = tree_usage(after).since(before), peak_memory_bytes(after)
        parts = [
            part
            for crew, found in zip(self._crews, done, strict=True)
            for part in (self._recovered(crew, start_ns) if found is None else found.parts)
        ]
        samples = read_samples(self._runner.directory, tuple(parts))
        ends = [sample.end_ns for sample in samples if sample.end_ns is not None]
        failures = [crew.failure for crew in self._crews if crew.failure is not None]
        elsewhere = any(crew.works_elsewhere for crew in self._crews)
        if not failures and not elsewhere:
            record = replace(
                record,
                cpu_ns=usage.cpu_ns,
                bytes_read=usage.bytes_read,
                peak_rss_bytes=peak,
            )
        elif failures:
            record = replace(record, status=_status(failures[0][0]), message=failures[0][1])
        return replace(record, elapsed_ns=max(ends, default=None), parts=tuple(parts)), engine

    def _see_through(self, start_ns: int) -> list[Done | None]:
        timeout_s = self._runner.limits.timeout_s
        with ThreadPoolExecutor(len(self._crews)) as pool:
            running = [pool.submit(crew.run, start_ns) for crew in self._crews]
            try:
                while wait_for(running, _LOOK_EVERY_S).not_done:
                    if timeout_s is not None:
                        self._end_overdue(running, timeout_s)
            except BaseException:  # interrupted: nobody waits for the tasks any more
                for crew in self._crews:
                    crew.worker.kill()
                raise
        return [future.result() for future in running]

    def _end_overdue(self, running: Sequence[Future[Done | None]], timeout_s: float) -> None:
        for crew, future in zip(self._crews, running, strict=True):
            if not future.done() and crew.overdue is None:
                crew.end_overdue(self._board, timeout_s)

    def _recovered(self, crew: _Crew, start_ns: int) -> list[Part]:
        """What a lost worker's sessions had done, and what each of them was at."""
        status, message = crew.failure or ("crashed", "it left no word")
        directory = self._runner.directory / SAMPLES
        parts = []
        for number in crew.job.sessions:
            name = crew.job.part_name(number)
            samples = list(samples_of(read_unfinished(directory, name, TASKS)))
            at = self._board.under_way(number)
            if at is not None and all(sample.position != at.position for sample in samples):
                own = crew.overdue in (None, number)
                samples.append(
                    self._ended(number, at, start_ns, status if own else "crashed", message)
                )
            writer = PartWriter(directory, name, TASKS)
            writer.write([sample.row() for sample in samples])
            parts.append(writer.finish())
        return parts

    def _ended(
        self, number: int, at: UnderWay, start_ns: int, status: TaskStatus, message: str
    ) -> TaskSample:
        session = self._plan.sessions[number]
        task = session.tasks[at.position]
        return TaskSample(
            session=session.name,
            position=at.position,
            task=task.name,
            kind=task.kind,
            status=status,
            started_at=timestamp(),
            begin_ns=at.began_ns - start_ns,
            group=task.group,
            message=message,
        )


def _status(status: TaskStatus) -> PhaseStatus:
    match status:
        case "timeout" | "oom" | "crashed":
            return status
        case _:
            return "error"
