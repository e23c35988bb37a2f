"""The moments at which records are due, by their numbers: the same in every process.

Nobody keeps sixty million moments: they are computed where they are needed, a block at a time, by
the producer that waits for them, and by whoever says afterwards how long each record took.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from neuralake.results.freshness.records import Load
from neuralake.results.freshness.spans import Spans

Moments = npt.NDArray[np.int64]
_S = 1_000_000_000
_BLOCK = 65_536


class _Arrivals(Protocol):
    """Moments in loaded time, by the number of a record among all."""

    count: int

    def between(self, first: int, end: int) -> Moments: ...


class Records:
    """The records of a round: who sends which, and when each is due.

    Records are dealt out to the producers in turn: of all records in the order in which they are
    due, number *k* of producer *p* is the one at *k · producers + p*.

    Parameters
    ----------
    load
        What is offered.
    rate
        Records per second.

    Attributes
    ----------
    count
        How many there are in all.
    producers
        Who send them.
    """

    def __init__(self, load: Load, rate: float) -> None:
        self.spans = Spans.of(load)
        self.producers = load.producers
        loaded_ns = self.spans.loaded_ns
        self._arrivals: _Arrivals = (
            _Constant(rate, loaded_ns)
            if load.arrivals == "constant"
            else _Poisson(rate, loaded_ns, load.seed)
        )
        self.count = self._arrivals.count

    def of_producer(self, producer: int) -> int:
        """How many a producer sends."""
        return max(-(-(self.count - producer) // self.producers), 0)

    def due_ns(self, producer: int, first: int, end: int) -> Moments:
        """When records of a producer are due, from number ``first`` up to, but without, ``end``."""
        if end <= first:
            return np.empty(0, np.int64)
        step = self.producers
        loaded = self._arrivals.between(first * step + producer, (end - 1) * step + producer + 1)
        return self.spans.moments(loaded[::step])


class _Constant:
    """At even distances; of the number, and not a sum of distances, whose errors would add up."""

    def __init__(self, rate: float, loaded_ns: int) -> None:
        self._rate = rate
        count = round(rate * loaded_ns / _S)
        while count and self._at(count - 1) >= loaded_ns:
            count -= 1
        self.count = count

    def between(self, first: int, end: int) -> Moments:
        return np.round(np.arange(first, end) * (_S / self._rate)).astype(np.int64)

    def _at(self, number: int) -> int:
        return int(self.between(number, number + 1)[0])


class _Poisson:
    """Independent of one another: distances are exponential, and drawn a block at a time."""

    def __init__(self, rate: float, loaded_ns: int, seed: int) -> None:
        self._rate, self._seed = rate, seed
        self._begins: list[float] = [0.0]
        while self._begins[-1] < loaded_ns:
            block = self._distances(len(self._begins) - 1)
            self._begins.append(self._begins[-1] + float(block.sum()))
        last = len(self._begins) - 2
        within = np.searchsorted(self._block(last), loaded_ns) if last >= 0 else 0
        self.count = max(last, 0) * _BLOCK + int(within)

    def between(self, first: int, end: int) -> Moments:
        blocks = range(first // _BLOCK, (end - 1) // _BLOCK + 1)
        found = np.concatenate([self._block(number) for number in blocks])
        begin = blocks[0] * _BLOCK
        return found[first - begin : end - begin]

    def _block(self, number: int) -> Moments:
        moments = self._begins[number] + np.cumsum(self._distances(number))
        return np.round(moments).astype(np.int64)

    def _distances(self, number: int) -> npt.NDArray[np.float64]:
        random = np.random.default_rng((self._seed, 0xF5E5, number))
        return random.exponential(_S / self._rate, _BLOCK)
