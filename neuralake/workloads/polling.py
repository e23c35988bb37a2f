"""Polls at even distances: each counts from the moment at which it is due, whoever is free then.

A poll that could not be asked in time waits, and whoever is free next asks once for all that wait:
they have the same question, so that one answer is that of each. Their latencies count from their
own moments. So no queue grows that would outlive a stall, and none of the polls that a stall has
delayed is left out: leaving them out is what Gil Tene named coordinated omission.
"""

from __future__ import annotations

import threading

from neuralake.workloads.schedule import Clock


class Polls:
    """Polls that are due, shared by whoever asks.

    Parameters
    ----------
    clock
        Of the machine.
    start_ns
        Its reading at the moment 0, at which the first poll is due.
    every_ns
        From one poll to the next.
    """

    def __init__(self, clock: Clock, start_ns: int, every_ns: int) -> None:
        self._clock, self._start_ns, self._every_ns = clock, start_ns, every_ns
        self._lock = threading.Lock()
        self._next = 0

    def take(self) -> list[int]:
        """Wait for the next poll, and take it with all others that are due by then.

        Returns
        -------
        list
            When each was due, in nanoseconds from the moment 0, the earliest first.
        """
        with self._lock:
            taken = [self._next * self._every_ns]
            self._next += 1
        self._clock.sleep_until(self._start_ns + taken[0])
        with self._lock:
            now_ns = self._clock.now_ns() - self._start_ns
            while self._next * self._every_ns <= now_ns:
                taken.append(self._next * self._every_ns)
                self._next += 1
        return taken
