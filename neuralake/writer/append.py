"""Appends batches to a Delta table: durable when they return, at a cost that does not grow.

An append of rows conflicts with nothing but a change of the table itself, so that it needs neither
the list of files nor the entries that others made, unless a race for the next entry is lost; then
it reads those, and only those.

Many threads may append at once. What waits while a commit is under way goes into the next one
(group commit): the small batches of a group become one file a partition, and all of it one entry.
Large batches are encoded and written by their own threads before they wait.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from neuralake.delta.commit import Clock
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState
from neuralake.writer.committing import DEADLINE_S, Committer
from neuralake.writer.conform import check_batch
from neuralake.writer.errors import WriterDeadlineError, WriterError
from neuralake.writer.evolve import new_columns
from neuralake.writer.numbers import checked
from neuralake.writer.result import Commit
from neuralake.writer.target import resolve
from neuralake.writer.waiting import Queue, Waiting

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable

# A batch of so many rows is a file of its own, made by the thread that appends it
_LARGE_ROWS = 65_536


class Writer:
    """Appends to one table; safe for many threads, and for many writers on one table.

    Parameters
    ----------
    table
        A table of the catalog, resolved, or the path or URI of one.
    application
        Under which sequences are remembered in the table (``txn``); an append may name another.
    storage_options
        Options of object_store that reach the table, before those of the environment, where
        ``table`` is a URI.
    deadline_s
        For how long an append tries when other writers are first.
    evolve
        Whether columns that a batch has beyond the table are added to it, in an entry of their
        own; otherwise such a batch is refused.
    clock
        The time; a test has its own.

    Raises
    ------
    WriterError
        If there is no such table, or its storage fails.
    UnsupportedTableError
        If it has a feature or a constraint that would not be kept.

    Examples
    --------
    >>> with Writer("/data/events", application="rig-7") as writer:
    ...     commit = writer.append(batch, sequence=41)
    ...     print(commit.version, commit.rows)
    """

    def __init__(
        self,
        table: DeltaTable | str | os.PathLike[str],
        application: str | None = None,
        *,
        storage_options: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
        evolve: bool = False,
        clock: Clock = time,
    ) -> None:
        self.application = application
        self._evolve = evolve
        self._deadline_s = deadline_s
        self._clock = clock
        uri, options = resolve(table, storage_options)
        self._queue = Queue()
        self._turn = Lock()  # of whoever commits
        self._committer = Committer(open_store(uri, options), options, clock)

    @property
    def state(self) -> TableState:
        """The newest state that this writer knows; others may have committed since."""
        return self._committer.plan.state

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table, as batches have them."""
        return self._committer.plan.layout.schema

    def append(
        self,
        batch: pa.RecordBatch | pa.Table,
        *,
        sequence: int | None = None,
        after: int | None = None,
        application: str | None = None,
        deadline_s: float | None = None,
    ) -> Commit:
        """Append a batch; it is durable, and seen by every reader, when this returns.

        Parameters
        ----------
        batch
            Any number of rows; columns are found by their names.
        sequence
            Number of the batch among those of its application, each greater than the one before.
            One that is not greater than the last in the table was written before, and is not
            written again: also after a restart, or by another process.
        after
            Of a batch that has been put together from several, the number before the first of
            them: if the table has some of them already, none is written.
        application
            In place of the writer's own.
        deadline_s
            In place of the writer's own.

        Raises
        ------
        BatchError
            If the batch does not fit the table.
        SequenceError
            If a batch of the application with a greater sequence waits for its commit already, or
            the table's last one lies between ``after`` and ``sequence``.
        WriterDeadlineError
            If others were first until the deadline; nothing was written.
        WriterError
            If the table was made anew, or its storage fails. After a failure of remote storage
            nobody knows whether the rows are there; to append again with the same sequence is safe.
        """
        application = self.application if application is None else application
        application, sequence, after = checked(application, sequence, after)
        check_batch(batch)
        begin = time.perf_counter_ns()
        patience_s = self._deadline_s if deadline_s is None else deadline_s
        deadline = self._clock.monotonic() + patience_s
        if self._evolve and new_columns(batch.schema, self.schema):
            with self._turn:
                self._committer.add_columns(batch, deadline)
        plan = self._committer.plan
        rows = plan.conform(batch)
        waiting = Waiting(batch, application, sequence, deadline, plan, rows, after)
        waiting.conform_ns = time.perf_counter_ns() - begin
        if waiting.is_repeated_in(plan.state):
            waiting.repeat(plan.state.version)
        elif waiting.is_partly_in(plan.state):
            waiting.fail_partly(plan.state)
        else:
            if rows.num_rows >= _LARGE_ROWS:
                self._committer.files.make([waiting], plan.state)
            if waiting.error is None:
                self._put(waiting)
                self._see_through(waiting)
        if waiting.error is not None:
            raise waiting.error
        assert waiting.commit is not None  # noqa: S101 - done without an error
        return waiting.commit

    def conform(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """A batch in the columns of the table as this writer knows it, its constraints verified.

        Raises
        ------
        BatchError
            If it does not fit.
        """
        return self._committer.plan.conform(batch)

    def refresh(self) -> TableState:
        """Read the entries that others have made, and return the newest state.

        Raises
        ------
        WriterError
            If the table was replaced, or its storage fails.
        """
        with self._turn:
            return self._committer.follow()

    def close(self) -> None:
        """Let what is under way end; no append begins after this."""
        self._queue.close()
        with self._turn:
            self._committer.files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _put(self, waiting: Waiting) -> None:
        """Queue a batch; one that is not taken leaves no file."""
        try:
            self._queue.put(waiting)
        except WriterError:
            self._committer.files.discard([waiting])
            raise

    def _see_through(self, waiting: Waiting) -> None:
        """Wait until a batch is done: committed by this thread, or by another one."""
        is_in_time = True
        try:
            while is_in_time and not waiting.is_done:
                if self._queue.leads(waiting):
                    is_in_time = self._lead(waiting)
                else:
                    is_in_time = waiting.woken.wait(self._left_s(waiting))
        finally:
            if is_withdrawn := self._queue.leave(waiting):
                self._committer.files.discard([waiting])
        if is_withdrawn:
            waiting.fail(WriterDeadlineError(f"{self._committer.uri}: no commit in time"))
        while not waiting.is_done:  # by the thread that took it
            waiting.woken.wait()

    def _lead(self, waiting: Waiting) -> bool:
        """Commit what waits, of which this is the first; False if others use the table too long."""
        if not self._turn.acquire(timeout=self._left_s(waiting)):
            return False
        try:
            self._committer.commit(self._queue.take())
        finally:
            self._turn.release()
        return True

    def _left_s(self, waiting: Waiting) -> float:
        return max(0.0, waiting.deadline - self._clock.monotonic())
