"""By which factor one sample is greater than another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from neuralake.stats.ratio import Ratio

_EXACT_UP_TO = 40


def ratio_of_levels(
    base: Sequence[float], other: Sequence[float], confidence: float = 0.95
) -> Ratio:
    """Hodges-Lehmann estimate of the factor between two samples, with its interval.

    The median of all ratios of a value of ``other`` to one of ``base``. The interval lies between
    two of these ratios in order, counted off by the distribution of Mann and Whitney's statistic,
    and is free of any distribution where the samples differ by a factor (Hollander, Wolfe and
    Chicken, Nonparametric Statistical Methods, 4.3). Above 40 values in all the normal
    approximation counts them off.

    Parameters
    ----------
    base, other
        One or more positive numbers each.
    confidence
        Between 0 and 1. Samples too small for it have the least and the greatest ratio as ends,
        and the confidence that those really have.

    Raises
    ------
    ValueError
        If a sample is empty or a value is not positive.
    """
    first, second = (np.asarray(values, dtype=float) for values in (base, other))
    if not first.size or not second.size or not min(first.min(), second.min()) > 0:
        raise ValueError("a ratio of levels needs positive values in both samples")
    ratios = np.sort(np.subtract.outer(np.log(second), np.log(first)), axis=None)
    rank, reached = _rank(first.size, second.size, confidence)
    return Ratio(
        ratio=math.exp(float(np.median(ratios))),
        low=math.exp(float(ratios[rank - 1])),
        high=math.exp(float(ratios[-rank])),
        confidence=reached,
    )


def _rank(m: int, n: int, confidence: float) -> tuple[int, float]:
    """Rank of the interval's ends from either side, and the confidence that it has."""
    if m + n > _EXACT_UP_TO:
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        rank = m * n / 2 - z * math.sqrt(m * n * (m + n + 1) / 12)
        return max(int(rank), 1), confidence
    counts = _mann_whitney_counts(m, n)
    total = math.comb(m + n, m)
    outside, rank = 2 * counts[0], 1
    while rank < (m * n + 1) // 2:
        wider = outside + 2 * counts[rank]
        if 1 - wider / total < confidence:
            break
        outside, rank = wider, rank + 1
    return rank, max(1 - outside / total, 0.0)


@cache
def _mann_whitney_counts(m: int, n: int) -> tuple[int, ...]:
    """How many orders of m and n values have 0, 1, … m·n pairs in the wrong order.

    The coefficients of the Gaussian binomial (Mann and Whitney, 1947): the product of
    ``1 - q**(n+i)`` over i from 1 to m, divided by that of ``1 - q**i``.
    """
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for k in range(m * n, n + i - 1, -1):
            counts[k] -= counts[k - n - i]
        for k in range(i, m * n + 1):
            counts[k] += counts[k - i]
    return tuple(counts)
