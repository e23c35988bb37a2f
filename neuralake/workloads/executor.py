"""The engine's side of a measurement: what runs inside the worker process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.engines.protocol import Engine, Session, works_elsewhere
from neuralake.engines.registry import EngineSpec, start
from neuralake.errors import ResultsError, reason_of
from neuralake.measure.execution import Execution, measure, settle
from neuralake.measure.hardware import hardware_counter
from neuralake.queries.answers import Answer
from neuralake.queries.digest import digest
from neuralake.queries.plain import plain_batches
from neuralake.storage import one_line
from neuralake.workloads.table_faults import count_rows, miscounted, open_tables

TARGET = f"{__name__}:Executor"


@dataclass(frozen=True)
class Started:
    """An engine that runs.

    Attributes
    ----------
    works_elsewhere
        Whether its work is done by others, of whose CPU and memory nothing is known here.
    """

    execution: Execution
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    works_elsewhere: bool = False


@dataclass(frozen=True)
class Opened:
    """Tables that are registered, and the settings in effect now that they are.

    Attributes
    ----------
    faults
        Tables that cannot be opened, or of which the engine reads other rows than there are, with
        the reason.
    """

    execution: Execution
    settings: Mapping[str, Any]
    faults: Mapping[str, str]


@dataclass(frozen=True)
class Executed:
    """A query that returned."""

    execution: Execution
    rows: int
    digest: str


class Executor:
    """One engine and its session; its methods are called over the worker's pipe."""

    _engine: Engine
    _session: Session

    def __init__(self) -> None:
        self._counter = hardware_counter()  # before there are threads of an engine

    def start(self, spec: EngineSpec) -> Started:
        """Load the engine's library and start its runtime."""
        self._engine, execution = measure(lambda: start(spec), self._counter)
        execution = self._known(execution)
        elsewhere = works_elsewhere(self._engine)
        return Started(execution, self._engine.versions(), dict(self._engine.settings), elsewhere)

    def open(self, tables: Mapping[str, Table], count: bool = False) -> Opened:
        """Resolve snapshots and register the tables; one that cannot be opened is left out.

        Parameters
        ----------
        tables
            By the names that queries use.
        count
            Whether the engine is to count each table once, unmeasured.
        """
        opening = open_tables(self._engine, tables, one_line, self._counter)
        self._session, faults = opening.session, dict(opening.faults)
        settle()
        if count:
            name = self._engine.name
            opened = {table: found for table, found in tables.items() if table not in faults}
            counts, uncounted = count_rows(name, self._session, opened, one_line)
            faults |= {**uncounted, **miscounted(name, counts)}
        return Opened(self._known(opening.execution), dict(self._engine.settings), faults)

    def execute(
        self, sql: str, answer: Path, known: str | None, order_by: Sequence[str] = ()
    ) -> Executed:
        """Run a query once, and keep its result unless it is the known one.

        Parameters
        ----------
        sql
            Its text.
        answer
            File for the result (Arrow IPC).
        known
            Digest of an earlier result; one with the same digest is not kept again.
        order_by
            Names of the columns that the rows are ordered by.

        Raises
        ------
        ResultsError
            If the result cannot be kept, which is no fault of the engine.
        """
        execute = self._session.execute
        result, execution = measure(lambda: execute(sql), self._counter)
        fingerprint = digest(result, order_by)
        if fingerprint != known:
            write_answer(result, answer)
        return Executed(self._known(execution), result.num_rows, fingerprint)

    def explain(self, sql: str) -> str:
        """The engine's own plan for a query; nothing is measured."""
        return self._session.explain(sql)

    def _known(self, execution: Execution) -> Execution:
        """What is known of a call: of one whose work is done elsewhere, the elapsed time."""
        return execution.of_work_elsewhere() if works_elsewhere(self._engine) else execution

    def close(self) -> None:
        """Close what was opened."""
        if hasattr(self, "_session"):
            self._session.close()
        if hasattr(self, "_engine"):
            self._engine.close()


def write_answer(result: pa.Table, path: Path) -> None:
    """Keep a result in an Arrow IPC file, whole or absent, and on the disk.

    Its columns are plain there (:mod:`neuralake.queries.plain`): the file holds any type that an
    engine returns, and can be read whatever the version of Arrow.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    try:
        with temporary.open("wb") as file:
            batches = plain_batches(result)
            first = next(batches)
            with pa.ipc.new_file(file, first.schema, options=options) as writer:
                for batch in chain((first,), batches):
                    writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ResultsError(
            f"the answer {path} cannot be written: {error.strerror or error}"
        ) from error


def read_answer(path: Path) -> pa.Table:
    """A result kept by :func:`write_answer`.

    Raises
    ------
    ResultsError
        If it is not there, or damaged.
    """
    try:
        with pa.ipc.open_file(path) as reader:
            return reader.read_all()
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def open_answer(path: Path) -> Answer:
    """A result kept by :func:`write_answer`, read batch by batch whenever it is looked at.

    Raises
    ------
    ResultsError
        If it is not there, or damaged; when it is opened, or when it is read.
    """
    try:
        # mapped, so that batches are counted without being read
        with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
            schema = reader.schema
            count = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return Answer(schema, count, lambda: _batches(path))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.ipc.open_file(path) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ResultsError:
    return ResultsError(f"the answer {path} cannot be read: {reason_of(error)}")
