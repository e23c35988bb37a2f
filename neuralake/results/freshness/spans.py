"""The plan of a round in time: a warm-up, and pieces with records between pauses without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neuralake.results.freshness.records import Load

_S = 1_000_000_000
_SETTLING_S = 1.0  # of a pause, in which the last records come in sight and are compacted
_LONG_S, _SLICE_S = 180.0, 60.0
_SHORT_SLICES = 6


@dataclass(frozen=True)
class Spans:
    """When records are due, in nanoseconds from the start.

    *Loaded time* leaves the pauses out: the moments of arrivals are drawn in it, so that pauses
    change nothing else.

    Attributes
    ----------
    warm_up_ns
        How long records are due before the first piece.
    piece_ns
        Length of a piece.
    pause_ns
        Length of a pause, before each piece and after the last; 0 is none at all.
    pieces
        How many.
    """

    warm_up_ns: int
    piece_ns: int
    pause_ns: int
    pieces: int

    @classmethod
    def of(cls, load: Load) -> Spans:
        """Of a round with a load."""
        return cls(
            warm_up_ns=round(load.warm_up_s * _S),
            piece_ns=round(load.duration_s * _S / load.pieces),
            pause_ns=round(load.pause_s * _S),
            pieces=load.pieces,
        )

    @property
    def loaded_ns(self) -> int:
        """Loaded time of a round, with its warm-up."""
        return self.warm_up_ns + self.pieces * self.piece_ns

    @property
    def end_ns(self) -> int:
        """When a round ends, its last pause included."""
        return self.loaded_ns + (self.pieces + 1) * self.pause_ns

    @property
    def slice_ns(self) -> int:
        """Of loaded time, for what is told over time: a minute, or a sixth of a shorter round."""
        measured_ns = self.pieces * self.piece_ns
        if measured_ns >= _LONG_S * _S:
            return round(_SLICE_S * _S)
        return max(measured_ns // _SHORT_SLICES, 1)

    def moments(self, loaded_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Moments in time of moments in loaded time."""
        pieces = np.clip((loaded_ns - self.warm_up_ns) // self.piece_ns, -1, self.pieces - 1)
        shifted: npt.NDArray[np.int64] = loaded_ns + (pieces + 1) * self.pause_ns
        return shifted

    def slices(self, moments_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The slice, from 0, of moments at which records are due; of the warm-up it is -1.

        A last slice that would be shorter than half of another one belongs to the one before it.
        """
        since = moments_ns - self.warm_up_ns - self.pause_ns
        pieces = np.maximum(since // (self.piece_ns + self.pause_ns), 0)
        measured = since - pieces * self.pause_ns
        measured_ns = self.pieces * self.piece_ns
        count = max(round(measured_ns / self.slice_ns), 1)
        found = np.minimum(measured // self.slice_ns, count - 1)
        return np.where(moments_ns < self.warm_up_ns, -1, found)

    def beside(self) -> Iterator[tuple[int, int]]:
        """Begin and end of each piece."""
        begin = self.warm_up_ns + self.pause_ns
        for number in range(self.pieces):
            at = begin + number * (self.piece_ns + self.pause_ns)
            yield at, at + self.piece_ns

    def alone(self) -> Iterator[tuple[int, int]]:
        """Begin and end of each pause, without the time in which it settles."""
        if not self.pause_ns:
            return
        settling = min(round(_SETTLING_S * _S), self.pause_ns // 2)
        yield self.warm_up_ns + settling, self.warm_up_ns + self.pause_ns
        for _, end in self.beside():
            yield end + settling, end + self.pause_ns

    def is_beside(self, moments_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Of which moments records are due beside them, and the warm-up is over."""
        return _within(moments_ns, self.beside())

    def is_alone(self, moments_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which moments are in a pause that has settled."""
        return _within(moments_ns, self.alone())


def _within(
    moments_ns: npt.NDArray[np.int64], spans: Iterator[tuple[int, int]]
) -> npt.NDArray[np.bool_]:
    found = np.zeros(moments_ns.shape, dtype=bool)
    for begin, end in spans:
        found |= (moments_ns >= begin) & (moments_ns < end)
    return found
