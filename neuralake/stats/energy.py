"""The energy distance between the two sides of a split, with its permutation test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Fewer values on a side are an outlier or two, not a level
SMALLEST_SIDE = 3
_CLIP_DEVIATIONS = 5.0
_NORMAL_MAD = 0.6745
_BATCH = 200
_MOST_ENDS = 12
_EXCEEDANCES = 20


@dataclass(frozen=True)
class Split:
    """Where a series differs most from what precedes.

    Attributes
    ----------
    index
        Of the first value after the split.
    statistic
        How much the sides differ.
    """

    index: int
    statistic: float


def clipped(values: npt.ArrayLike) -> Array:
    """The values, none of them more than five robust standard deviations from the median.

    The standard deviation is the median absolute deviation ÷ 0.6745, which a change of level
    within the values makes greater too. The limits do not depend on the order of the values, so
    that a permutation test of clipped values is as exact as one of the values.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``.
    """
    array = np.asarray(values, dtype=float)
    middle = np.median(array)
    deviation = float(np.median(np.abs(array - middle))) / _NORMAL_MAD
    if deviation == 0:  # half of the values are equal: there is no scale to clip by
        return array
    reach = _CLIP_DEVIATIONS * deviation
    limited: Array = np.clip(array, middle - reach, middle + reach)
    return limited


def strongest_split(values: npt.ArrayLike, *, windows: bool = True) -> Split | None:
    """The split that :func:`strongest_splits` finds in one series, or None if it is too short.

    Parameters
    ----------
    values
        Numbers in time order, shape ``(n,)``.
    windows
        As of :func:`strongest_splits`.
    """
    array = np.asarray(values, dtype=float)
    if array.size < 2 * SMALLEST_SIDE:
        return None
    statistics, indices = strongest_splits(array[:, np.newaxis], windows=windows)
    return Split(int(indices[0]), float(statistics[0]))


def strongest_splits(values: Array, *, windows: bool = True) -> tuple[Array, npt.NDArray[np.int64]]:
    r"""Greatest statistic of E-divisive in each of several series, and where it is.

    Matteson and James, A nonparametric approach for multiple change point analysis of
    multivariate data (Journal of the American Statistical Association 109, 2014): the energy
    distance with exponent 1 between the values before a split and those between the split and an
    end, weighted with :math:`mn/(m+n)`, maximised over splits and ends. An end before the last
    value finds a change that was undone later. Distances within a side are averaged over all
    pairs, each value with itself included (Székely and Rizzo, Energy statistics, Journal of
    Statistical Planning and Inference 143, 2013), so that the statistic is not negative and short
    sides do not win by their noise.

    Parameters
    ----------
    values
        Shape ``(n, series)``, with n at least twice :data:`SMALLEST_SIDE`.
    windows
        Whether ends before the last value are tried; at most 12 of them, evenly spread.

    Returns
    -------
    tuple
        Statistics and indices of the first value after the split, each of shape ``(series,)``.
    """
    n, series = values.shape
    ends = _ends(n) if windows else frozenset((n,))
    sums = np.zeros((n, series))  # of the distances of each value to all others so far
    within = np.zeros((n + 1, series))  # sum of the distances among the first values
    greatest = np.full(series, -np.inf)
    place = np.zeros(series, dtype=np.int64)
    for last in range(n):
        distances = np.abs(values[:last] - values[last])
        sums[:last] += distances
        sums[last] = distances.sum(axis=0)
        end = last + 1
        within[end] = within[last] + sums[last]
        if end not in ends:
            continue
        m = np.arange(SMALLEST_SIDE, end - SMALLEST_SIDE + 1)[:, np.newaxis]
        left = within[m[:, 0]]
        across = np.cumsum(sums[: end - SMALLEST_SIDE], axis=0)[SMALLEST_SIDE - 1 :] - 2 * left
        right = within[end] - left - across
        k = end - m
        # mn/(m+n) (2/(mn) across - 2/m² left - 2/n² right), with the common factor taken out
        statistic = 2 / end * (across - left * (k / m) - right * (m / k))
        best = statistic.argmax(axis=0)
        found = statistic[best, np.arange(series)]
        better = found > greatest
        greatest[better] = found[better]
        place[better] = best[better] + SMALLEST_SIDE
    return greatest, place


def permutation_p_value(
    values: npt.ArrayLike, statistic: float, most: int, *, windows: bool = True
) -> float:
    """How often a random order of the values has a statistic as great, or greater.

    The test is exact for exchangeable values whatever their distribution, and allows for the
    choice of the split. It is sequential (Besag and Clifford, Sequential Monte Carlo p-values,
    Biometrika 78, 1991): it ends with the twentieth order that reaches the statistic. The random
    orders have a fixed seed, so that the same values have the same p-value.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``.
    statistic
        Of :func:`strongest_split`.
    most
        Orders that are drawn at most; no p-value is less than 1 ÷ (most + 1).
    windows
        As of :func:`strongest_splits`.
    """
    column = np.asarray(values, dtype=float)[:, np.newaxis]
    generator = np.random.default_rng(column.size)
    threshold = statistic * (1 - 1e-9)  # equal in theory, but for the order of the additions
    reached = drawn = 0
    while drawn < most:
        orders = generator.permuted(np.repeat(column, min(_BATCH, most - drawn), axis=1), axis=0)
        hits = np.flatnonzero(strongest_splits(orders, windows=windows)[0] >= threshold)
        if reached + hits.size >= _EXCEEDANCES:
            return _EXCEEDANCES / (drawn + int(hits[_EXCEEDANCES - reached - 1]) + 1)
        reached += hits.size
        drawn += orders.shape[1]
    return (reached + 1) / (most + 1)


def _ends(n: int) -> frozenset[int]:
    """The ends that are tried; the first leaves room for both sides."""
    first = 2 * SMALLEST_SIDE
    number = min(n - first + 1, _MOST_ENDS)
    return frozenset(np.linspace(first, n, number).round().astype(int).tolist())
