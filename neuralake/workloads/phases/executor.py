"""The engine's side of a phase: sessions in threads of one engine, in the worker's process."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.protocol import Engine, Session, works_elsewhere
from neuralake.engines.registry import EngineSpec, start
from neuralake.engines.writing import writes_of
from neuralake.errors import EngineError, UnsupportedWriteError
from neuralake.measure.execution import Execution, measure, settle
from neuralake.measure.hardware import hardware_counter
from neuralake.measure.process import living
from neuralake.measure.worker import RemoteError, text_of
from neuralake.queries.digest import digest
from neuralake.results.names import query_stem
from neuralake.results.parts import SAMPLES, Part, PartWriter
from neuralake.results.phases.records import WriterName
from neuralake.results.phases.samples import TASKS, TaskSample
from neuralake.results.timestamps import timestamp
from neuralake.storage import one_line
from neuralake.workloads.executor import Started, write_answer
from neuralake.workloads.failures import engine_lost, has_lost_a_process, judge
from neuralake.workloads.phases.board import Board
from neuralake.workloads.phases.changes import LostRacesError, Named, UnsupportedError, change
from neuralake.workloads.phases.model import Create, Pause, PhasePlan, RunQuery, Task
from neuralake.workloads.table_faults import open_tables

if TYPE_CHECKING:
    from neuralake.workloads.phases.own_writer import OwnWriter

TARGET = f"{__name__}:PhaseExecutor"
ANSWERS = "answers"


@dataclass(frozen=True)
class Job:
    """The part of a phase that one worker does.

    Attributes
    ----------
    plan
        The whole phase.
    sessions
        Numbers of those of its sessions that this worker has.
    tables
        By the names that queries and changes use.
    directory
        Of the run: samples and answers are kept there.
    stem
        With which the names of its files begin.
    board
        File of the phase's board; the slot of a session is its number.
    writer
        Who makes changes.
    """

    plan: PhasePlan
    sessions: tuple[int, ...]
    tables: Mapping[str, DeltaTable]
    directory: Path
    stem: str
    board: Path
    writer: WriterName = "engine"

    def part_name(self, session: int) -> str:
        """Name of the part file of a session, without its suffix."""
        name = self.plan.sessions[session].name
        return f"{self.stem}-{query_stem(name.replace(' ', '-'))}"

    def answer_name(self, session: int, position: int) -> str:
        """Name of the file of an answer."""
        return f"{self.part_name(session)}-{position:03d}.arrow"


@dataclass(frozen=True)
class Done:
    """What a worker has done.

    Attributes
    ----------
    parts
        Of its sessions, in their order.
    lost
        Why the engine answers no more, so that the sessions ended before their time; or None.
    """

    parts: tuple[Part, ...]
    lost: str | None = None


@dataclass(frozen=True)
class _Outcome:
    """What a task gave."""

    versions: Mapping[str, int]
    open_ns: int | None = None
    conflicts: int = 0
    rows: int | None = None
    path: str | None = None
    result: pa.Table | None = None
    session: Session | None = None


class PhaseExecutor:
    """One engine and its sessions; its methods are called over the worker's pipe."""

    _engine: Engine
    _job: Job
    _tree: list[int]

    def __init__(self) -> None:
        self._lost: str | None = None
        self._own: OwnWriter | None = None
        self._counter = hardware_counter()  # before there are threads of an engine

    def start(self, spec: EngineSpec) -> Started:
        """Load the engine's library and start its runtime."""
        self._engine, execution = measure(lambda: start(spec), self._counter)
        elsewhere = works_elsewhere(self._engine)
        return Started(execution, self._engine.versions(), dict(self._engine.settings), elsewhere)

    def prepare(self, job: Job) -> dict[str, Any]:
        """Open once, unmeasured, what queries will read; returns the settings then in effect.

        Those of what writes the engine's tables stand under ``writes``.

        Raises
        ------
        EngineError
            If the engine cannot open a table.
        """
        self._job = job
        plans = [job.plan.sessions[number] for number in job.sessions]
        read = {
            name
            for plan in plans
            for task in plan.tasks
            if isinstance(task.action, RunQuery)
            for name in task.action.reads
        }
        made = {
            task.action.table
            for plan in job.plan.sessions
            for task in plan.tasks
            if isinstance(task.action, Create)
        }
        tables = {name: job.tables[name].pinned() for name in sorted(read - made)}
        if tables:
            opening = open_tables(self._engine, tables, one_line)
            opening.session.close()
            if opening.faults:
                raise EngineError("; ".join(opening.faults.values()))
        if self._own is not None:  # of the phase before
            self._own.close()
        self._own = _own_writer() if job.writer == "neuralake" else None
        self._tree = living(os.getpid())
        settle()
        writes = writes_of(self._engine)
        own = dict(self._engine.settings)
        return own | {"writes": dict(writes.settings)} if writes and writes.settings else own

    def run(self, start_ns: int) -> Done:
        """Do the sessions' tasks, all from one moment on.

        Parameters
        ----------
        start_ns
            The moment, by the monotonic clock.
        """
        numbers = self._job.sessions
        with Board(self._job.board) as board, ThreadPoolExecutor(len(numbers)) as pool:
            running = [pool.submit(self._session, number, start_ns, board) for number in numbers]
            parts = tuple(future.result() for future in running)
        return Done(parts, self._lost)

    def close(self) -> None:
        """Close what was opened."""
        if self._own is not None:
            self._own.close()
        if hasattr(self, "_engine"):
            self._engine.close()

    def _session(self, number: int, start_ns: int, board: Board) -> Part:
        job = self._job
        writer = PartWriter(job.directory / SAMPLES, job.part_name(number), TASKS)
        threading.current_thread().name = job.plan.sessions[number].name
        time.sleep(max(start_ns - time.monotonic_ns(), 0) / 1e9)
        failed: dict[str, str] = {}
        for position, task in enumerate(job.plan.sessions[number].tasks):
            if self._lost is not None:
                break
            begin_ns = time.monotonic_ns()
            sample = TaskSample(
                session=job.plan.sessions[number].name,
                position=position,
                task=task.name,
                kind=task.kind,
                status="error",
                started_at=timestamp(),
                begin_ns=begin_ns - start_ns,
                group=task.group,
            )
            if task.group and task.group in failed:
                message = f"not begun, since {failed[task.group]} of {task.group} failed"
                sample = replace(sample, message=message)
            else:
                board.begin(number, position, begin_ns)
                sample = self._attempt(task, sample, job.answer_name(number, position))
            if sample.status != "ok":
                failed.setdefault(task.group, task.name)
            writer.write([sample.row()])
            board.end(number)
        return writer.finish()

    def _attempt(self, task: Task, sample: TaskSample, answer: str) -> TaskSample:
        """Do a task, and say how it went."""
        begin_ns = time.monotonic_ns()
        execution: Execution | None = None
        try:
            if len(self._job.plan.sessions) == 1:
                outcome, execution = measure(lambda: self._do(task), self._counter)
                wall_ns = execution.wall_ns
            else:
                outcome = self._do(task)
                wall_ns = time.monotonic_ns() - begin_ns
            if outcome.session is not None:
                outcome.session.close()
        except (UnsupportedError, UnsupportedWriteError) as error:
            return replace(sample, status="unsupported", message=str(error))
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            return self._failed(sample, error)
        sample = replace(
            sample,
            status="ok",
            wall_ns=wall_ns,
            open_ns=outcome.open_ns,
            versions=outcome.versions,
            conflicts=outcome.conflicts,
            rows=outcome.rows,
            path=outcome.path,
        )
        if execution is not None and not works_elsewhere(self._engine):
            sample = replace(
                sample,
                cpu_ns=execution.cpu_ns,
                peak_rss_bytes=execution.peak_rss_bytes,
                bytes_read=execution.bytes_read,
                instructions=execution.instructions,
            )
        if outcome.result is None or not getattr(task.action, "keeps_answer", False):
            return sample
        return self._keep(sample, task, outcome.result, answer)

    def _do(self, task: Task) -> _Outcome:
        match task.action:
            case RunQuery():
                return self._query(task.action)
            case Pause():
                time.sleep(task.action.seconds)
                return _Outcome({})
            case write:
                made = change(self._writers(), self._job.tables, write)
                written, version = made.written, made.written.version
                versions = {} if version is None else {write.table: version}
                return _Outcome(versions, None, made.conflicts, written.rows, written.path)

    def _writers(self) -> list[Named]:
        """Whoever may make a change, the first that can."""
        found: list[Named | None] = [self._own, writes_of(self._engine)]
        return [writer for writer in found if writer is not None]

    def _query(self, query: RunQuery) -> _Outcome:
        """Resolve the snapshots, and run a query on them: one version of each table."""
        begin_ns = time.monotonic_ns()
        tables = {
            name: replace(self._job.tables[name], version=query.at.get(name), at=None).pinned()
            for name in query.reads
        }
        session = self._engine.open(tables)
        open_ns = time.monotonic_ns() - begin_ns
        try:
            result = session.execute(query.sql)
        except BaseException:
            session.close()
            raise
        versions = {name: table.version for name, table in tables.items()}
        known = {name: version for name, version in versions.items() if version is not None}
        return _Outcome(known, open_ns, rows=result.num_rows, result=result, session=session)

    def _keep(self, sample: TaskSample, task: Task, result: pa.Table, answer: str) -> TaskSample:
        """Keep an answer; when it cannot be, it can be judged by nobody."""
        order_by = task.action.order_by if isinstance(task.action, RunQuery) else ()
        try:
            fingerprint = digest(result, order_by)
            write_answer(result, self._job.directory / ANSWERS / answer)
        except Exception as error:  # noqa: BLE001 (whatever its types may raise)
            return self._failed(sample, error)
        return replace(sample, digest=fingerprint, answer=answer)

    def _failed(self, sample: TaskSample, error: BaseException) -> TaskSample:
        failure = RemoteError(type(error).__name__, text_of(error), traceback.format_exc())
        verdict = judge(failure, "", limit_bytes=None)
        if has_lost_a_process(os.getpid(), self._tree):
            verdict = engine_lost(verdict)
            self._lost = verdict.message
        conflicts = error.conflicts if isinstance(error, LostRacesError) else 0
        return replace(
            sample,
            status=verdict.status,
            message=verdict.message,
            conflicts=conflicts,
            wall_ns=None,
        )


def _own_writer() -> OwnWriter:
    """Neuralake's writer, which only those load that let it write."""
    from neuralake.workloads.phases.own_writer import OwnWriter

    return OwnWriter()
