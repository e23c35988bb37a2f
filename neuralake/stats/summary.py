"""Summaries of latencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Interval:
    """A median with an interval for it.

    Attributes
    ----------
    median
        Sample median.
    low, high
        Ends of the interval; the smallest and greatest value if the sample is too small for the
        confidence asked for.
    confidence
        Confidence that the interval really has.
    """

    median: float
    low: float
    high: float
    confidence: float


def geometric_mean(values: npt.ArrayLike) -> float:
    """Geometric mean of positive values; nan if there is none.

    Raises
    ------
    ValueError
        If a value is not positive.
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        return float("nan")
    if not np.all(array > 0):
        raise ValueError("the geometric mean needs positive values")
    return float(np.exp(np.mean(np.log(array))))


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Median and the distribution-free interval between two order statistics.

    The interval between the k-th smallest and the k-th greatest of n values covers the median
    with probability 1 − 2·P(B < k), B binomial(n, ½) (David and Nagaraja, Order Statistics, 7.1).
    The narrowest interval of at least the confidence is given.

    Parameters
    ----------
    values
        One or more numbers.
    confidence
        Between 0 and 1.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = ordered.size
    if n == 0:
        raise ValueError("the median of nothing")
    k, reached = _order_statistic(n, confidence)
    return Interval(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[-k]), reached)


def median_of_known(values: Iterable[float | None]) -> float | None:
    """The median of the values that there are; None if there is none."""
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None


def pooled_log_sd(groups: Iterable[Sequence[float]]) -> float | None:
    """Standard deviation of the logarithms within groups, pooled over them.

    Parameters
    ----------
    groups
        Positive values of one kind each, such as the runs of one query; those of fewer than two
        say nothing.

    Returns
    -------
    float | None
        None if no group has two values.
    """
    squares, freedom = 0.0, 0
    for group in groups:
        logs = np.log(np.asarray(group, dtype=float))
        if logs.size > 1:
            squares += float(np.sum((logs - logs.mean()) ** 2))
            freedom += logs.size - 1
    return float(np.sqrt(squares / freedom)) if freedom else None


def typical_range(groups: Iterable[Sequence[float]], in_a_row: int = 3) -> float | None:
    """Greatest ÷ least of some values in a row: the median over all rows of all groups.

    Unlike the range of a group it does not grow with the number of its values, and unlike a
    standard deviation it is not moved by a few outliers.

    Parameters
    ----------
    groups
        Positive values in the order in which they were taken.
    in_a_row
        How many values a row has.

    Returns
    -------
    float | None
        None if no group has so many values.
    """
    ratios = [
        max(row) / min(row)
        for group in groups
        for row in (group[i : i + in_a_row] for i in range(len(group) - in_a_row + 1))
        if min(row) > 0
    ]
    return float(np.median(ratios)) if ratios else None


def _order_statistic(n: int, confidence: float) -> tuple[int, float]:
    """Rank of the interval's ends from either side, and the confidence that it has."""
    if n > 1000:  # 0.5 ** n leaves the range of a float; the normal approximation is good here
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        return max(int(n / 2 - z * np.sqrt(n) / 2), 1), confidence
    below, probability, k, reached = 0.0, 0.5**n, 0, 0.0
    while k < (n + 1) // 2:
        below += probability
        probability *= (n - k) / (k + 1)
        if k > 0 and 1 - 2 * below < confidence:
            break
        k += 1
        reached = max(1 - 2 * below, 0.0)
    return k, reached
