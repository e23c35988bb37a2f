"""Percentiles of latencies, and how many samples each of them needs.

A percentile is an order statistic: the smallest value that at least its share of all samples do not
exceed (the nearest rank; Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996,
definition 1). One that has but a few samples beyond it says more of these few than of the
distribution, so that at least ten are asked for: p99 from 1,000 samples on, p99.9 from 10,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

LEAST_BEYOND = 10
LEVELS = ("50", "75", "90", "95", "99", "99.5", "99.9", "99.99")


def samples_beyond(samples: int, level: str) -> int:
    """How many of some samples lie beyond a percentile's rank.

    Parameters
    ----------
    samples
        Their number.
    level
        In percent, such as ``"99.9"``: a text, since no float is that number.
    """
    return samples - _rank(samples, level)


def can_tell(samples: int, level: str) -> bool:
    """Whether a number of samples is enough for a percentile."""
    return samples_beyond(samples, level) >= LEAST_BEYOND


def percentile(ordered: npt.NDArray[np.float64], level: str, *, unended: int = 0) -> float | None:
    """A percentile of sorted samples, or None if they are too few.

    Parameters
    ----------
    ordered
        Values, smallest first, of shape (n,).
    level
        In percent, as of :func:`samples_beyond`.
    unended
        Samples that never came to an end, such as batches that were due and never begun: they are
        longer than any other, however long that was. What lies among them is infinite.
    """
    rank = rank_of(ordered.size + unended, level)
    if rank is None:
        return None
    return float(ordered[rank - 1]) if rank <= ordered.size else float("inf")


def rank_of(samples: int, level: str) -> int | None:
    """The rank, from 1, of a percentile among some samples, or None if they are too few."""
    return max(_rank(samples, level), 1) if can_tell(samples, level) else None


def percentiles(
    values: npt.ArrayLike, levels: Sequence[str] = LEVELS, *, unended: int = 0
) -> dict[str, float]:
    """Those of some percentiles that samples in any order are enough for."""
    ordered = np.sort(np.asarray(values, dtype=float))
    found = {level: percentile(ordered, level, unended=unended) for level in levels}
    return {level: value for level, value in found.items() if value is not None}


def _rank(samples: int, level: str) -> int:
    """The least rank, from 1, at which a share of the samples is reached."""
    share = Fraction(level) / 100
    if not 0 < share < 1:
        raise ValueError(f"percentile {level!r}: expected a number above 0 and below 100")
    return -((-samples * share.numerator) // share.denominator)
