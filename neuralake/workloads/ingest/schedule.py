"""Who takes the batches that are due, and how long each took from then on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from neuralake.workloads.schedule import Clock


@dataclass(frozen=True)
class Due:
    """A batch that a producer takes.

    Attributes
    ----------
    number
        From 0, in the order in which they are due.
    offset_ns
        When it is due, from the start; None in a closed loop.
    """

    number: int
    offset_ns: int | None


class Queue:
    """The batches that are due, shared by the producers of a process.

    Parameters
    ----------
    moments
        From :func:`neuralake.workloads.schedule.arrivals`, or None for a closed loop.
    share, shares
        Which of how many processes takes them: it gets every ``shares``-th batch.
    commits
        Batches over all processes, or None.
    duration_ns
        Time in which batches are due, or None.
    grace_ns
        After the duration: time in which those are begun that were due and had to wait. What is
        left then was never begun.
    """

    def __init__(
        self,
        moments: Iterator[int] | None,
        *,
        share: int = 0,
        shares: int = 1,
        commits: int | None = None,
        duration_ns: int | None = None,
        grace_ns: int = 0,
    ) -> None:
        numbered: Iterator[tuple[int, int | None]]
        numbered = zip(itertools.count(), itertools.repeat(None) if moments is None else moments)
        if commits is not None:
            numbered = itertools.islice(numbered, commits)
        if duration_ns is not None:
            most = duration_ns
            numbered = itertools.takewhile(lambda due: due[1] is None or due[1] < most, numbered)
        self._numbered = itertools.islice(numbered, share, None, shares)
        self._is_open = moments is not None
        self._duration_ns = duration_ns
        self._grace_ns = grace_ns
        self._lock = threading.Lock()
        self._is_over = False

    def take(self, now_ns: int) -> Due | None:
        """The next batch, or None if there is none left for anybody.

        Parameters
        ----------
        now_ns
            Since the start.
        """
        with self._lock:
            if self._is_over or self._is_late(now_ns):
                self._is_over = True
                return None
            found = next(self._numbered, None)
            if found is None:
                self._is_over = True
                return None
            return Due(*found)

    def unstarted(self) -> int:
        """How many were due and are never begun, once :meth:`take` has returned None."""
        with self._lock:
            if not self._is_open:
                return 0
            return sum(1 for _ in self._numbered)

    def _is_late(self, now_ns: int) -> bool:
        if self._duration_ns is None:
            return False
        grace_ns = self._grace_ns if self._is_open else 0
        return now_ns >= self._duration_ns + grace_ns


def produce(
    clock: Clock,
    start_ns: int,
    queue: Queue,
    prepare: Callable[[int], Callable[[], None]],
    keep: Callable[[Due, int, int, int], None],
) -> None:
    """Append batches, one after another, until none is left: what each producer thread does.

    Parameters
    ----------
    clock
        Of the machine.
    start_ns
        Its reading at the start of the round.
    queue
        Shared by the producers.
    prepare
        Makes a batch ready, and returns what appends it; of these only the latter is timed.
    keep
        Is given each batch and, in nanoseconds from the start: when it was due, when its append
        began, and when it was durable. In a closed loop it is due when it begins.
    """
    while (due := queue.take(clock.now_ns() - start_ns)) is not None:
        append = prepare(due.number)
        if due.offset_ns is not None:
            clock.sleep_until(start_ns + due.offset_ns)
        started_ns = clock.now_ns() - start_ns
        append()
        done_ns = clock.now_ns() - start_ns
        keep(due, started_ns if due.offset_ns is None else due.offset_ns, started_ns, done_ns)
