"""When batches or requests are due: at moments of their own, whatever became of those before.

In a closed loop a producer's next batch is due when the one before is done: a slow system is
offered less, and its worst moments are seen once each. In an open loop batches are due at moments
of their own; one that nobody could come to in time has waited, and that counts. Leaving it out is
what Gil Tene named coordinated omission.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from neuralake.results.records import Arrivals

_S = 1_000_000_000
_BLOCK = 1024


class Clock(Protocol):
    """A clock that never goes back, the same in all processes of the machine."""

    def now_ns(self) -> int:
        """Nanoseconds from some moment on."""
        ...

    def sleep_until(self, moment_ns: int) -> None:
        """Return at a moment, or at once if it is past."""
        ...


class MonotonicClock:
    """The machine's own (clock_gettime(2), ``CLOCK_MONOTONIC``)."""

    def now_ns(self) -> int:
        """Nanoseconds since some moment in the past."""
        return time.monotonic_ns()

    def sleep_until(self, moment_ns: int) -> None:
        """Sleep, and be woken up a few tens of microseconds late, as the kernel does."""
        left = moment_ns - time.monotonic_ns()
        if left > 0:
            time.sleep(left / _S)


def arrivals(kind: Arrivals, per_second: float, seed: int) -> Iterator[int]:
    """Moments at which something is due, in nanoseconds from the start, without end.

    Parameters
    ----------
    kind
        ``constant``: at even distances. ``poisson``: independent of one another, the distances
        exponential.
    per_second
        How many on average.
    seed
        Of the random ones.
    """
    if kind == "closed":
        raise ValueError("in a closed loop no batch is due before a producer is free")
    if kind == "constant":
        # of the number, and not a sum of distances, whose errors would add up
        yield from (round(number * _S / per_second) for number in itertools.count())
    random = np.random.default_rng((seed, 0xA221))
    at = 0.0
    while True:
        for distance in random.exponential(_S / per_second, _BLOCK):
            yield round(at)
            at += float(distance)
