"""Commits batches to a table in groups: their files, then one entry of the log for all of them.

Whoever commits knows the newest state, and makes anew what no longer holds when somebody else was
first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from neuralake.delta.actions import ENGINE_INFO, Action
from neuralake.delta.commit import (
    Clock,
    Committed,
    DeadlineError,
    UncommittedError,
    commit,
)
from neuralake.delta.log import NotATableError
from neuralake.delta.state import TableState, follow, load_state
from neuralake.delta.store import Store
from neuralake.storage import one_line
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
from neuralake.writer.plan import Plan
from neuralake.writer.result import Commit, Steps
from neuralake.writer.waiting import Waiting, distinct_files, fail_all, transactions_of

DEADLINE_S = 30.0


class Committer:
    """Commits to one table; each method but :meth:`failure` is for one thread at a time.

    Parameters
    ----------
    store
        Of the table.
    options
        That reach it, and are shown to nobody.
    clock
        The time.

    Attributes
    ----------
    plan
        For the newest state that is known; others may have committed since.
    files
        Makes the files of batches.

    Raises
    ------
    WriterError
        If there is no such table, or its storage fails.
    UnsupportedTableError
        If it has a feature or a constraint that would not be kept.
    """

    def __init__(self, store: Store, options: Mapping[str, str], clock: Clock) -> None:
        self._store = store
        self._options = options
        self._clock = clock
        self.files = FileMaker(store, self.failure)
        try:
            self.plan = Plan.of(load_state(store))
        except (OSError, ValueError) as error:
            raise self.failure(error) from error

    @property
    def uri(self) -> str:
        """Of the table."""
        return self._store.uri

    def follow(self) -> TableState:
        """Read the entries that others have made, and return the newest state.

        Raises
        ------
        WriterError
            If the table was replaced, or its storage fails.
        """
        try:
            self.plan = self.plan.at(follow(self._store, self.plan.state))
        except (OSError, ValueError) as error:
            raise self.failure(error) from error
        return self.plan.state

    def add_columns(self, batch: pa.RecordBatch | pa.Table, deadline: float) -> None:
        """Add the columns of a batch that the table lacks, unless somebody else did meanwhile.

        One that does not fit the table that would be leaves it as it is.
        """

        def prepare(state: TableState, _missed: Sequence[Action] | None) -> list[Action]:
            self.plan = plan = self.plan.at(state)
            table = plan.layout.schema
            if not (fields := new_columns(batch.schema, table)):
                raise _ChangedError(state)
            metadata = evolved(state, table, fields)
            try:
                Plan.of(replace(state, metadata=metadata)).check(batch)
            except UnsupportedTableError as error:
                raise BatchError(f"{error}; no column is added") from error
            return [Action(metaData=metadata)]

        info = {"operation": "ADD COLUMNS", "engineInfo": ENGINE_INFO}
        try:
            made = commit(
                *(self._store, self.plan.state, prepare, info),
                deadline=deadline,
                clock=self._clock,
            )
            self.plan = self.plan.at(made.state)
        except _ChangedError:
            return
        except (DeadlineError, OSError, ValueError) as error:
            raise self.failure(error) from error

    def commit(self, group: list[Waiting]) -> None:
        """Commit a group: each of it is done afterwards."""
        begin = time.perf_counter_ns()
        left = group
        try:
            while left := self._ready(left):
                try:
                    if self._try(left, begin):
                        return
                except DeadlineError as error:
                    self._expire(left, error)
        except Exception as error:  # noqa: BLE001 - raised by each append that it concerns
            self.files.end(group)
            fail_all(group, self.failure(error))
        except BaseException:
            self.files.end(group)
            fail_all(group, WriterError(f"{self._store.uri}: the commit was interrupted"))
            raise

    def _ready(self, group: Sequence[Waiting]) -> list[Waiting]:
        """Those of a group that are to be committed, their files under way; others are done."""
        ready = [waiting for waiting in group if not waiting.is_done]
        for waiting in ready:
            if waiting.is_repeated_in(self.plan.state):
                self.files.discard([waiting])
                waiting.repeat(self.plan.state.version)
            elif waiting.is_partly_in(self.plan.state):
                self.files.discard([waiting])
                waiting.fail_partly(self.plan.state)
            elif not waiting.plan.holds_in(self.plan.state):
                self.files.discard([waiting])
                try:
                    waiting.renew(self.plan)
                except BatchError as error:
                    waiting.fail(error)
        ready = [waiting for waiting in ready if not waiting.is_done]
        firsts = _without_twins(ready)
        if unwritten := [waiting for waiting in firsts if not waiting.files]:
            self.files.make(unwritten, self.plan.state, is_beside=True)
        return [waiting for waiting in ready if not waiting.is_done]

    def _try(self, group: Sequence[Waiting], begin: int) -> bool:
        """Commit a group's files; False if the table has changed, so that they are made anew."""
        started = time.perf_counter_ns()
        plan = self.plan
        files = distinct_files(group)
        transactions = transactions_of(group, self._now_ms())
        attempts = 0

        def ready() -> None:
            nonlocal started
            if any(waiting.writing for waiting in group):
                try:
                    self.files.wait(group)
                except OSError as error:
                    raise _UnwrittenError(error) from error
                started = time.perf_counter_ns()  # the rest is the entry's own

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
                made = self._commit_entry(plan, prepare, ready, group)
            except _ChangedError as changed:
                self.files.discard(group)
                self.plan = plan.at(changed.state)
                return False
            self.plan = plan.at(made.state)
            attempts = made.attempts
        self._tell(group, attempts, begin, time.perf_counter_ns() - started)
        return True

    def _commit_entry(
        self, plan: Plan, prepare: Any, ready: Callable[[], None], group: Sequence[Waiting]
    ) -> Committed:
        try:
            return commit(
                self._store,
                plan.state,
                prepare,
                _info(plan, distinct_files(group)),
                deadline=min(waiting.deadline for waiting in group),
                ready=ready,
                seen=self.files.seen,
                clock=self._clock,
            )
        except (DeadlineError, NotATableError, UncommittedError):
            self.files.discard(group)
            raise
        except _UnwrittenError as failure:
            self.files.discard(group)
            raise failure.error from None

    def _expire(self, group: Sequence[Waiting], error: DeadlineError) -> None:
        """Fail those of a group whose time is over; the others are tried again."""
        now = self._clock.monotonic()
        for waiting in group:
            if waiting.deadline <= now:
                waiting.fail(WriterDeadlineError(f"{self._store.uri}: {error}"))

    def _tell(self, group: Sequence[Waiting], attempts: int, begin: int, commit_ns: int) -> None:
        size = sum(file.content.size for file in distinct_files(group))
        version = self.plan.state.version
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

    def failure(self, error: BaseException) -> BaseException:
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


class _UnwrittenError(Exception):
    """A data file could not be written, so that there is no entry."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


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
        "engineInfo": ENGINE_INFO,
    }
