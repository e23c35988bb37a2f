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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from neuralake.delta.actions import Action
from neuralake.delta.commit import Clock, Committed, DeadlineError, UncommittedError, commit
from neuralake.delta.log import NotATableError
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState, follow, load_state
from neuralake.storage import one_line
from neuralake.version import __version__
from neuralake.writer.conform import check_batch
from neuralake.writer.encode import EncodedFile
from neuralake.writer.errors import (
    BatchError,
    UnsupportedTableError,
    WriterDeadlineError,
    WriterError,
    WriterStorageError,
)
from neuralake.writer.evolve import evolved, new_columns
from neuralake.writer.files import FileMaker
from neuralake.writer.numbers import checked
from neuralake.writer.plan import Plan
from neuralake.writer.result import Commit, Steps
from neuralake.writer.target import resolve
from neuralake.writer.waiting import (
    Queue,
    Waiting,
    distinct_files,
    fail_all,
    transactions_of,
)

if TYPE_CHECKING:
    from neuralake.catalog.delta import DeltaTable

DEADLINE_S = 30.0
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
        uri, self._options = resolve(table, storage_options)
        self._store = open_store(uri, self._options)
        self._queue = Queue()
        self._turn = Lock()  # of whoever commits
        self._files = FileMaker(self._store, self._failure)
        try:
            self._plan = Plan.of(load_state(self._store))
        except (OSError, ValueError) as error:
            raise self._failure(error) from error

    @property
    def state(self) -> TableState:
        """The newest state that this writer knows; others may have committed since."""
        return self._plan.state

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table, as batches have them."""
        return self._plan.layout.schema

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
            self._add_columns(batch, deadline)
        plan = self._plan
        rows = plan.conform(batch)
        waiting = Waiting(batch, application, sequence, deadline, plan, rows, after)
        waiting.conform_ns = time.perf_counter_ns() - begin
        if waiting.is_repeated_in(plan.state):
            waiting.repeat(plan.state.version)
        elif waiting.is_partly_in(plan.state):
            waiting.fail_partly(plan.state)
        else:
            if rows.num_rows >= _LARGE_ROWS:
                self._files.make([waiting], plan.state)
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
        return self._plan.conform(batch)

    def refresh(self) -> TableState:
        """Read the entries that others have made, and return the newest state.

        Raises
        ------
        WriterError
            If the table was replaced, or its storage fails.
        """
        with self._turn:
            try:
                self._plan = self._plan.at(follow(self._store, self._plan.state))
            except (OSError, ValueError) as error:
                raise self._failure(error) from error
            return self._plan.state

    def close(self) -> None:
        """Let what is under way end; no append begins after this."""
        self._queue.close()
        with self._turn:
            self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _add_columns(self, batch: pa.RecordBatch | pa.Table, deadline: float) -> None:
        """Add the columns of a batch that the table lacks, unless somebody else did meanwhile.

        One that does not fit the table that would be leaves it as it is.
        """

        def prepare(state: TableState, _missed: Sequence[Action] | None) -> list[Action]:
            self._plan = plan = self._plan.at(state)
            table = plan.layout.schema
            if not (fields := new_columns(batch.schema, table)):
                raise _ChangedError(state)
            metadata = evolved(state, table, fields)
            try:
                Plan.of(replace(state, metadata=metadata)).check(batch)
            except UnsupportedTableError as error:
                raise BatchError(f"{error}; no column is added") from error
            return [Action(metaData=metadata)]

        info = {"operation": "ADD COLUMNS", "engineInfo": f"neuralake/{__version__}"}
        with self._turn:
            try:
                made = commit(
                    *(self._store, self._plan.state, prepare, info),
                    deadline=deadline,
                    clock=self._clock,
                )
                self._plan = self._plan.at(made.state)
            except _ChangedError:
                return
            except (DeadlineError, OSError, ValueError) as error:
                raise self._failure(error) from error

    def _put(self, waiting: Waiting) -> None:
        """Queue a batch; one that is not taken leaves no file."""
        try:
            self._queue.put(waiting)
        except WriterError:
            self._files.discard([waiting])
            raise

    def _see_through(self, waiting: Waiting) -> None:
        """Wait until a batch is done: committed by this thread, or by another one."""
        while not waiting.done.is_set():
            left = waiting.deadline - self._clock.monotonic()
            if not self._turn.acquire(timeout=max(left, 0.0)):
                if self._queue.withdraw(waiting):
                    self._files.discard([waiting])
                    waiting.fail(WriterDeadlineError(f"{self._store.uri}: no commit in time"))
                else:
                    waiting.done.wait()
                return
            try:
                if not waiting.done.is_set():
                    self._commit(self._queue.take())
            finally:
                self._queue.end()
                self._turn.release()

    def _commit(self, group: list[Waiting]) -> None:
        """Commit a group: each of it is done afterwards."""
        begin = time.perf_counter_ns()
        try:
            while group := self._ready(group):
                try:
                    if self._try(group, begin):
                        return
                except DeadlineError as error:
                    self._expire(group, error)
        except Exception as error:  # noqa: BLE001 - raised by each append that it concerns
            fail_all(group, self._failure(error))
        except BaseException:
            fail_all(group, WriterError(f"{self._store.uri}: the commit was interrupted"))
            raise

    def _ready(self, group: Sequence[Waiting]) -> list[Waiting]:
        """Those of a group that are to be committed, their files written; others are done."""
        ready = [waiting for waiting in group if not waiting.done.is_set()]
        for waiting in ready:
            if waiting.is_repeated_in(self._plan.state):
                self._files.discard([waiting])
                waiting.repeat(self._plan.state.version)
            elif waiting.is_partly_in(self._plan.state):
                self._files.discard([waiting])
                waiting.fail_partly(self._plan.state)
            elif not waiting.plan.holds_in(self._plan.state):
                self._files.discard([waiting])
                try:
                    waiting.renew(self._plan)
                except BatchError as error:
                    waiting.fail(error)
        ready = [waiting for waiting in ready if not waiting.done.is_set()]
        firsts = _without_twins(ready)
        if unwritten := [waiting for waiting in firsts if not waiting.files]:
            self._files.make(unwritten, self._plan.state)
        return [waiting for waiting in ready if not waiting.done.is_set()]

    def _try(self, group: Sequence[Waiting], begin: int) -> bool:
        """Commit a group's files; False if the table has changed, so that they are made anew."""
        started = time.perf_counter_ns()
        plan = self._plan
        files = distinct_files(group)
        transactions = transactions_of(group, self._now_ms())
        attempts = 0
        if files or transactions:
            applications = [txn.app_id for txn in transactions]

            def prepare(state: TableState, _missed: Sequence[Action] | None) -> list[Action]:
                if state is not plan.state and (
                    not plan.holds_in(state) or _was_used(applications, plan.state, state)
                ):
                    raise _ChangedError(state)
                now = self._now_ms()
                adds = (Action(add=file.add(now, data_change=True)) for file in files)
                return [*(Action(txn=txn) for txn in transactions), *adds]

            try:
                made = self._commit_entry(plan, prepare, files, group)
            except _ChangedError as changed:
                self._files.discard(group)
                self._plan = plan.at(changed.state)
                return False
            self._plan = plan.at(made.state)
            attempts = made.attempts
        self._tell(group, attempts, begin, time.perf_counter_ns() - started)
        return True

    def _commit_entry(
        self, plan: Plan, prepare: Any, files: Sequence[EncodedFile], group: Sequence[Waiting]
    ) -> Committed:
        try:
            return commit(
                self._store,
                plan.state,
                prepare,
                _info(plan, files),
                deadline=min(waiting.deadline for waiting in group),
                seen=self._files.seen,
                clock=self._clock,
            )
        except (DeadlineError, NotATableError, UncommittedError):
            self._files.discard(group)
            raise

    def _expire(self, group: Sequence[Waiting], error: DeadlineError) -> None:
        """Fail those of a group whose time is over; the others are tried again."""
        now = self._clock.monotonic()
        for waiting in group:
            if waiting.deadline <= now:
                waiting.fail(WriterDeadlineError(f"{self._store.uri}: {error}"))

    def _tell(self, group: Sequence[Waiting], attempts: int, begin: int, commit_ns: int) -> None:
        size = sum(file.content.size for file in distinct_files(group))
        version = self._plan.state.version
        firsts = set(map(id, _without_twins(group)))
        for waiting in group:
            wait_ns = max(0, begin - waiting.queued_ns)
            parts = waiting.encode_ns, waiting.write_ns, commit_ns
            waiting.succeed(
                Commit(
                    version=version,
                    rows=waiting.rows.num_rows,
                    size_bytes=size,
                    is_repeated=id(waiting) not in firsts,
                    appends=len(group),
                    attempts=attempts,
                    steps=Steps(waiting.conform_ns, wait_ns, *parts),
                )
            )

    def _failure(self, error: BaseException) -> BaseException:
        """What an append raises for a fault of the store."""
        if isinstance(error, DeadlineError):
            return WriterDeadlineError(f"{self._store.uri}: {error}")
        if isinstance(error, OSError | ValueError):
            # a table that is gone, or another one, is not there again later
            is_storage = isinstance(error, OSError) and not isinstance(error, NotATableError)
            failure = WriterStorageError if is_storage else WriterError
            return failure(f"{self._store.uri} cannot be written: {one_line(error, self._options)}")
        return error

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)


class _ChangedError(Exception):
    """The table has another schema, protocol or sequence than what was prepared for."""

    def __init__(self, state: TableState) -> None:
        super().__init__()
        self.state = state


def _without_twins(group: Sequence[Waiting]) -> list[Waiting]:
    """A group without batches of the same application and sequence as one before."""
    seen: set[tuple[str, int]] = set()
    firsts = []
    for waiting in group:
        if waiting.application is not None and waiting.sequence is not None:
            key = waiting.application, waiting.sequence
            if key in seen:
                continue
            seen.add(key)
        firsts.append(waiting)
    return firsts


def _was_used(applications: Sequence[str], before: TableState, now: TableState) -> bool:
    """Whether somebody else wrote under one of some applications meanwhile."""
    return any(now.transactions.get(a) != before.transactions.get(a) for a in applications)


def _info(plan: Plan, files: Sequence[EncodedFile]) -> dict[str, Any]:
    """What the log says of a commit, as other writers say it."""
    names = ",".join(f'"{name}"' for name in plan.layout.partition_columns)
    return {
        "operation": "WRITE",
        "operationParameters": {"mode": "Append", "partitionBy": f"[{names}]"},
        "readVersion": plan.state.version,
        "isBlindAppend": True,
        "operationMetrics": {
            "numFiles": str(len(files)),
            "numOutputRows": str(sum(file.rows for file in files)),
            "numOutputBytes": str(sum(file.content.size for file in files)),
        },
        "engineInfo": f"neuralake/{__version__}",
    }
