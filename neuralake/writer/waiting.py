"""Batches that wait for a commit, and the queue that they wait in."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from neuralake.delta.actions import Transaction
from neuralake.delta.state import TableState
from neuralake.writer.encode import EncodedFile
from neuralake.writer.errors import SequenceError, WriterClosedError
from neuralake.writer.plan import Plan
from neuralake.writer.result import Commit, Steps

# A group ends with the batch that reaches this, so that a file and memory have a bound
_GROUP_ROWS = 1_048_576
# For how long a group waits for as many batches as the two before it had, as a part of the last
# commit's time, and at most
_PATIENCE = 0.5
_PATIENCE_S = 0.002


@dataclass(eq=False)
class Waiting:
    """A batch on its way into the table.

    Attributes
    ----------
    batch
        As it was given.
    application, sequence, after
        What it is remembered by, if it is, and the sequence that lies before all of it.
    deadline
        By the writer's monotonic clock.
    plan
        By which ``rows`` and ``files`` were made.
    rows
        The batch in the table's columns.
    files
        Of the batch, or of the group that it was written with.
    writing
        Wait for the files, as long as these may not be durable.
    encoded_ns
        When the files were encoded, by the performance counter.
    commit, error
        One of them, once it is done.
    woken
        Set when it is done, or its thread is to commit.
    """

    batch: pa.RecordBatch | pa.Table
    application: str | None
    sequence: int | None
    deadline: float
    plan: Plan
    rows: pa.Table
    after: int | None = None
    files: list[EncodedFile] = field(default_factory=list)
    writing: Sequence[Callable[[], None]] = ()
    conform_ns: int = 0
    queued_ns: int = 0
    encode_ns: int = 0
    encoded_ns: int = 0
    write_ns: int = 0
    commit: Commit | None = None
    error: BaseException | None = None
    woken: threading.Event = field(default_factory=threading.Event)

    @property
    def is_done(self) -> bool:
        """Whether it is in the table, or will not be."""
        return self.commit is not None or self.error is not None

    def is_repeated_in(self, state: TableState) -> bool:
        """Whether the table has the batch's sequence, or a later one of its application."""
        if self.sequence is None or self.application is None:
            return False
        known = state.transactions.get(self.application)
        return known is not None and self.sequence <= known.version

    def is_partly_in(self, state: TableState) -> bool:
        """Whether the table has some of the sequences that the batch was put together from."""
        if self.after is None or self.application is None:
            return False
        known = state.transactions.get(self.application)
        return known is not None and known.version > self.after

    def fail_partly(self, state: TableState) -> None:
        """It is written already in part."""
        known = state.transactions[self.application or ""].version
        self.fail(
            SequenceError(
                f"the table has the sequences of {self.application} up to {known}, and the batch "
                f"those from {self.after} to {self.sequence}: append what comes after {known}"
            )
        )

    def renew(self, plan: Plan) -> None:
        """Bring the batch into the columns of a table that has changed.

        Raises
        ------
        BatchError
            If it does not fit any more.
        """
        self.plan, self.rows, self.files = plan, plan.conform(self.batch), []

    def repeat(self, version: int) -> None:
        """It was written before."""
        steps = Steps(self.conform_ns, 0, 0, 0, 0)
        self.succeed(Commit(version, self.rows.num_rows, 0, True, 1, 0, steps))

    def succeed(self, commit: Commit) -> None:
        """It is in the table."""
        self.commit = commit
        self.woken.set()

    def fail(self, error: BaseException) -> None:
        """It is not, or nobody knows."""
        self.error = error
        self.woken.set()


class Queue:
    """Batches in the order of their commits; safe for many threads.

    One of those that wait leads: its thread commits the next group. Then the first of those that
    have come meanwhile does, and only that one is woken for it: a batch that is done is told at
    once, and its thread need not get past a commit that is not its own.

    Threads that append in turn with others come back as soon as they are told: whoever leads waits
    for them a little. Half of them would else wait for the commit of the other half, always.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._gathered = threading.Condition(self._mutex)
        self._queue: deque[Waiting] = deque()
        self._under_way: list[Waiting] = []
        self._leader: Waiting | None = None
        self._sizes: deque[int] = deque([1, 1], maxlen=2)  # of the last groups
        self._expected = 0  # batches for which whoever leads waits; none if 0
        self._taken_ns = self._last_ns = 0
        self._is_closed = False

    def put(self, waiting: Waiting) -> None:
        """Queue a batch.

        Raises
        ------
        SequenceError
            If one of its application with a greater sequence waits, or is being committed.
        WriterClosedError
            If the queue was closed.
        """
        with self._mutex:
            if self._is_closed:
                raise WriterClosedError("the writer was closed")
            later = _later(waiting, [*self._under_way, *self._queue])
            if later is not None:
                raise SequenceError(
                    f"sequence {waiting.sequence} of {waiting.application} comes after {later}, "
                    f"which waits for its commit: append them in their order"
                )
            waiting.queued_ns = time.perf_counter_ns()
            self._queue.append(waiting)
            if self._leader is None:
                self._leader = waiting
            if self._expected and len(self._queue) >= self._expected:
                self._gathered.notify()

    def leads(self, waiting: Waiting) -> bool:
        """Whether its thread is to commit what waits."""
        return self._leader is waiting

    def take(self) -> list[Waiting]:
        """The batches of the next commit."""
        group: list[Waiting] = []
        rows = 0
        with self._mutex:
            self._gather()
            while self._queue and (not group or rows < _GROUP_ROWS):
                group.append(self._queue.popleft())
                rows += group[-1].rows.num_rows
            self._under_way = list(group)
            self._sizes.append(len(group))
            self._taken_ns = time.perf_counter_ns()
        return group

    def _gather(self) -> None:
        """Wait a little for those that came to the last groups."""
        expected = max(self._sizes)
        if len(self._queue) < expected and not self._is_closed:
            self._expected = expected
            self._gathered.wait(min(_PATIENCE_S, _PATIENCE * self._last_ns / 1e9))
            self._expected = 0

    def leave(self, waiting: Waiting) -> bool:
        """Its thread waits no more, and leads no more.

        To be called once for each that was put, whatever has become of it.

        Returns
        -------
        bool
            Whether it waited still, for a commit that is without it now.
        """
        with self._mutex:
            if waited := waiting in self._queue:
                self._queue.remove(waiting)
            if self._leader is waiting:
                self._under_way = []
                self._last_ns = time.perf_counter_ns() - self._taken_ns
                self._leader = self._queue[0] if self._queue else None
                if self._leader is not None:
                    self._leader.woken.set()
            return waited

    def close(self) -> None:
        """Let in no more."""
        with self._mutex:
            self._is_closed = True


def fail_all(group: Iterable[Waiting], error: BaseException) -> None:
    """Fail those of a group that are not done."""
    for waiting in group:
        if not waiting.is_done:
            waiting.fail(error)


def distinct_files(group: Iterable[Waiting]) -> list[EncodedFile]:
    """The files of a group; those that were made together are shared."""
    return list({file.path: file for waiting in group for file in waiting.files}.values())


def transactions_of(group: Iterable[Waiting], now_ms: int) -> list[Transaction]:
    """What a commit remembers of a group: the greatest sequence of each application."""
    newest: dict[str, int] = {}
    for waiting in group:
        if waiting.application is not None and waiting.sequence is not None:
            known = newest.get(waiting.application, waiting.sequence)
            newest[waiting.application] = max(known, waiting.sequence)
    return [
        Transaction(app_id=application, version=version, last_updated=now_ms)
        for application, version in newest.items()
    ]


def _later(waiting: Waiting, others: Sequence[Waiting]) -> int | None:
    """A greater sequence of the same application, or None."""
    if waiting.sequence is None:
        return None
    return next(
        (
            other.sequence
            for other in others
            if other.application == waiting.application
            and other.sequence is not None
            and other.sequence > waiting.sequence
        ),
        None,
    )
