"""Deliveries put together into what one append writes: by rows, by bytes or by age.

Those of one application are appended in their order, one append at a time: a number that is
committed makes every smaller one a repetition. Of the others several appends may be under way at
once, and the writer puts them into one commit where they wait for it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from neuralake.sources.source import Delivery
from neuralake.writer.pace import Pace

# Of a processor, that a writer whose batches have no age of their own takes for writing them early
SHARE = 0.4


@dataclass(frozen=True)
class BatchLimits:
    """When a batch is written, and how much may wait.

    Attributes
    ----------
    rows, size_bytes
        A batch is written as soon as it has as many rows, or as many bytes in memory. A delivery
        that is larger is a batch of its own: it is not divided, since it is acknowledged as one.
    age_s
        Or as soon as its oldest row has waited as long, in seconds.
    share
        Or earlier, while none is being written and the process takes no more than this share of a
        processor (:class:`Pace`). None waits for one of the others.
    waiting_bytes
        Bytes in memory of all rows that were read and are not durable. No further delivery is
        taken until there is room; one that is larger than this waits until it is the only one.
    """

    rows: int = 100_000
    size_bytes: int = 64 << 20
    age_s: float = 0.02
    share: float | None = None
    waiting_bytes: int = 256 << 20


@dataclass(frozen=True, eq=False)
class Group:
    """Deliveries that are appended together.

    Attributes
    ----------
    deliveries
        In the order in which they came; of one schema.
    application
        Whose they are; None where they have no numbers.
    taken_ns
        When they were put together, by the monotonic clock.
    """

    deliveries: tuple[Delivery, ...]
    application: str | None
    taken_ns: int = field(default_factory=time.monotonic_ns)

    @property
    def size_bytes(self) -> int:
        """Bytes in memory."""
        return sum(delivery.size_bytes for delivery in self.deliveries)

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return sum(delivery.batch.num_rows for delivery in self.deliveries)

    @property
    def sequence(self) -> int | None:
        """The greatest number, which is the last one's."""
        return self.deliveries[-1].sequence

    def rows(self) -> pa.RecordBatch | pa.Table:
        """All rows."""
        batches = [delivery.batch for delivery in self.deliveries]
        return batches[0] if len(batches) == 1 else pa.Table.from_batches(batches)

    def parts(self) -> Sequence[Group]:
        """Each delivery by itself."""
        return [Group((delivery,), self.application) for delivery in self.deliveries]


@dataclass
class _Lane:
    """What waits of one application, or of all that have none."""

    application: str | None
    waiting: deque[Delivery] = field(default_factory=deque)
    rows: int = 0
    size_bytes: int = 0
    is_under_way: bool = False
    is_called: bool = False  # before its age

    def add(self, delivery: Delivery) -> None:
        self.waiting.append(delivery)
        self.rows += delivery.batch.num_rows
        self.size_bytes += delivery.size_bytes

    def take(self, limits: BatchLimits) -> Group:
        """As much as a batch may have: of one schema, and of numbers that rise."""
        taken: list[Delivery] = []
        rows = size_bytes = 0
        while self.waiting:
            following = self.waiting[0]
            if taken and (
                rows + following.batch.num_rows > limits.rows
                or size_bytes + following.size_bytes > limits.size_bytes
                or not _follows(following, taken[-1])
            ):
                break
            taken.append(self.waiting.popleft())
            rows += following.batch.num_rows
            size_bytes += following.size_bytes
        self.rows -= rows
        self.size_bytes -= size_bytes
        self.is_called = False
        return Group(tuple(taken), self.application)


class Batcher:
    """Between who reads and who writes; safe for many threads on both sides.

    Parameters
    ----------
    limits
        Of batches, and of what waits.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._pace = None if limits.share is None else Pace(limits.share, limits.age_s)
        self._lanes: dict[str | None, _Lane] = {}
        self._under_way: set[Group] = set()
        self._held_bytes = 0  # waiting, or under way
        self._blocked = 0  # how many wait for room
        self._is_closed = False
        self._wakes_ns: float = math.inf  # when one of those who wait for work looks by itself
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._work = threading.Condition(lock)

    @property
    def waiting_bytes(self) -> int:
        """Bytes in memory of what was read and is not durable."""
        return self._held_bytes

    def oldest_ns(self) -> int | None:
        """When the oldest row that is not durable was received; None if all are."""
        with self._work:
            waiting = [lane.waiting[0] for lane in self._lanes.values() if lane.waiting]
            taken = [group.deliveries[0] for group in self._under_way]
        return min((delivery.received_ns for delivery in (*waiting, *taken)), default=None)

    def offer(self, delivery: Delivery) -> None:
        """Add a delivery, waiting until there is room for it."""
        size_bytes = delivery.size_bytes

        def has_room() -> bool:
            most = self._limits.waiting_bytes
            return not self._held_bytes or self._held_bytes + size_bytes <= most

        with self._room:
            if not has_room():
                self._blocked += 1
                self._work.notify_all()  # what waits for its age need not wait any longer
                self._room.wait_for(has_room)
                self._blocked -= 1
            self._held_bytes += size_bytes
            lane = self._lanes.setdefault(delivery.application, _Lane(delivery.application))
            lane.add(delivery)
            due_ns = lane.waiting[0].received_ns + self._limits.age_s * 1e9
            if due_ns < self._wakes_ns or self._blocked or self._is_full(lane):
                self._work.notify()

    def take(self) -> Group | None:
        """The next batch, waiting until one is due; None when it is closed and all are taken."""
        with self._work:
            while True:
                lane, wait_s = self._due()
                if lane is not None:
                    lane.is_under_way = True
                    group = lane.take(self._limits)
                    if self._pace is not None:
                        self._pace.begin(time.monotonic_ns(), group.num_rows)
                    self._under_way.add(group)
                    if self._is_closed or self._due() != (None, None):
                        self._work.notify()  # somebody else sees to what is left
                    return group
                if self._is_closed and not any(lane.waiting for lane in self._lanes.values()):
                    self._work.notify()
                    return None
                self._wait(wait_s)

    def done(self, group: Group) -> None:
        """A batch that was taken is durable, or has failed."""
        with self._room:
            self._held_bytes -= group.size_bytes
            self._under_way.discard(group)
            lane = self._lanes.get(group.application)
            if lane is not None:
                lane.is_under_way = False
                if not lane.waiting:
                    del self._lanes[group.application]
            self._room.notify_all()
            if self._is_closed or (lane is not None and lane.waiting) or self._may_be_early():
                self._work.notify()

    def close(self) -> None:
        """There will be no further delivery: whatever waits is due."""
        with self._work:
            self._is_closed = True
            self._work.notify_all()

    def _wait(self, longest_s: float | None) -> None:
        """Wait for work: one of many threads until it is due, the others until they are told.

        If all of them woke for each batch, more work would go into that than into a small batch.
        """
        wakes_ns = math.inf if longest_s is None else time.monotonic_ns() + longest_s * 1e9
        if wakes_ns >= self._wakes_ns:
            self._work.wait()
            return
        self._wakes_ns = wakes_ns
        self._work.wait(longest_s)
        if self._wakes_ns == wakes_ns:
            self._wakes_ns = math.inf

    def _due(self) -> tuple[_Lane | None, float | None]:
        """The lane that has waited longest of those that are due, or else how long to wait."""
        now_ns = time.monotonic_ns()
        due: _Lane | None = None
        wait_s: float | None = None
        if self._may_be_early():
            assert self._pace is not None  # noqa: S101 - without one there is no early
            wait_s = (self._pace.due_ns() - now_ns) / 1e9
            if wait_s <= 0:  # all go together: several appends may share a commit
                for lane in self._lanes.values():
                    lane.is_called = bool(lane.waiting)
        for lane in self._lanes.values():
            if not lane.waiting or (lane.application is not None and lane.is_under_way):
                continue
            left_s = self._limits.age_s - (now_ns - lane.waiting[0].received_ns) / 1e9
            is_due = lane.is_called or left_s <= 0 or self._is_full(lane)
            if is_due or self._is_closed or self._blocked:
                if due is None or lane.waiting[0].received_ns < due.waiting[0].received_ns:
                    due = lane
            else:
                wait_s = left_s if wait_s is None else min(wait_s, left_s)
        return due, wait_s

    def _may_be_early(self) -> bool:
        """Whether rows wait that need not wait for their age: nothing else is being written."""
        is_idle = self._pace is not None and not self._under_way
        return is_idle and any(lane.waiting for lane in self._lanes.values())

    def _is_full(self, lane: _Lane) -> bool:
        return lane.rows >= self._limits.rows or lane.size_bytes >= self._limits.size_bytes


def _follows(delivery: Delivery, previous: Delivery) -> bool:
    """Whether a delivery may be appended together with the one before it."""
    numbers = previous.sequence, delivery.sequence
    if numbers[0] is not None and numbers[1] is not None and numbers[1] <= numbers[0]:
        return False
    return bool(delivery.batch.schema.equals(previous.batch.schema))
