"""How often each value occurred: exact, and as small as there are values that differ.

Sixty million latencies in whole microseconds are a few hundred thousand different numbers. Kept as
these with their counts, they are merged, sliced and asked for percentiles as if each were there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from neuralake.stats.percentiles import LEVELS, rank_of

Whole = npt.NDArray[np.int64]
_MOST_BINS = 2**22


@dataclass(frozen=True, eq=False)
class Distribution:
    """Whole numbers with their counts.

    Attributes
    ----------
    values
        Each that occurred, once, smallest first, of shape (n,).
    counts
        How often, of shape (n,).
    unended
        Of what has no value since it never came to an end; it is greater than any that has.
    """

    values: Whole
    counts: Whole
    unended: int = 0

    @classmethod
    def of(cls, values: npt.ArrayLike, unended: int = 0) -> Self:
        """Of whole numbers in any order."""
        array = np.asarray(values, dtype=np.int64)
        least = int(array.min()) if array.size else 0
        if array.size and int(array.max()) - least < _MOST_BINS:  # counting beats sorting
            bins = np.bincount(array - least)
            found = np.flatnonzero(bins)
            return cls(found + least, bins[found], unended)
        found, counts = np.unique(array, return_counts=True)
        return cls(found, counts.astype(np.int64), unended)

    @classmethod
    def merged(cls, parts: Iterable[Distribution]) -> Self:
        """Of everything that is in some others."""
        every = list(parts)
        values = np.concatenate([np.empty(0, np.int64), *(part.values for part in every)])
        counts = np.concatenate([np.empty(0, np.int64), *(part.counts for part in every)])
        found, places = np.unique(values, return_inverse=True)
        summed = np.zeros(found.size, dtype=np.int64)
        np.add.at(summed, places, counts)
        return cls(found, summed, sum(part.unended for part in every))

    @property
    def size(self) -> int:
        """How many are counted, with those that never came to an end."""
        return int(self.counts.sum()) + self.unended

    @property
    def greatest(self) -> int | None:
        """The greatest value; None if there is none."""
        return int(self.values[-1]) if self.values.size else None

    def percentile(self, level: str) -> float | None:
        """As of :func:`neuralake.stats.percentiles.percentile`, of all that are counted."""
        rank = rank_of(self.size, level)
        if rank is None:
            return None
        place = int(np.searchsorted(self.counts.cumsum(), rank))
        return float(self.values[place]) if place < self.values.size else float("inf")

    def percentiles(self, levels: Sequence[str] = LEVELS) -> dict[str, float]:
        """Those of some percentiles that there is enough for."""
        found = {level: self.percentile(level) for level in levels}
        return {level: value for level, value in found.items() if value is not None}
