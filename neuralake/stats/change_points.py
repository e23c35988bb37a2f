"""Where the level of a series changes: E-divisive, tested, pruned, and with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuralake.stats.energy import (
    SMALLEST_SIDE,
    Array,
    Split,
    clipped,
    permutation_p_value,
    strongest_split,
    strongest_splits,
)
from neuralake.stats.ratio import Ratio
from neuralake.stats.shift import ratio_of_levels

_MOST_PASSES = 50
_RESAMPLES = 500


@dataclass(frozen=True)
class ChangePoint:
    """The level of a series changes.

    Attributes
    ----------
    index
        Of the first value at the new level: the best estimate.
    earliest, latest
        Ends of its interval.
    p_value
        Of the permutation test between the neighbouring change points.
    change
        New level ÷ old level, with its interval.
    """

    index: int
    earliest: int
    latest: int
    p_value: float
    change: Ratio


def p_value_of_change(values: Sequence[float], permutations: int) -> float:
    """P-value of the hypothesis that a series has no change point; 1 if it is too short.

    Parameters
    ----------
    values
        Numbers in the order of time.
    permutations
        Random orders that are drawn at most.
    """
    split, p_value = _tested(_logarithms(values), permutations)
    return 1.0 if split is None else p_value


def find_change_points(
    values: Sequence[float],
    level: float,
    *,
    smallest_change: float = 0.0,
    confidence: float = 0.95,
    permutations: int = 999,
) -> tuple[ChangePoint, ...]:
    """Find the change points of a series.

    E-divisive (Matteson and James, 2014) splits the series, and its parts again, where the
    statistic of :func:`neuralake.stats.energy.strongest_splits` is significant. Then each change
    point is estimated and tested again between its neighbours (Bai, Estimating multiple breaks one
    at a time, Econometric Theory 13, 1997), and those that fail, or are smaller than what
    interests, are taken out, the weakest first (Fleming and others, Hunter, ICPE 2023).

    The interval of a place comes from drawing again from the values on either side of it, 500
    times with a fixed seed: the same values give the same answer.

    Parameters
    ----------
    values
        Positive numbers in the order of time.
    level
        Greatest p-value that is significant.
    smallest_change
        Least size that counts: 0.02 is a factor of 1.02, or of 1 ÷ 1.02.
    confidence
        Of the intervals.
    permutations
        Random orders that are drawn at most; at least 1 ÷ level − 1, or nothing is significant.

    Raises
    ------
    ValueError
        If a value is not positive, or the permutations are too few.
    """
    array = _logarithms(values)
    if (permutations + 1) * level < 1:
        raise ValueError(f"{permutations} permutations cannot reach a p-value of {level:g}")
    indices = _divide(array, 0, level, permutations)
    kept = _prune(array, indices, level, math.log1p(smallest_change), permutations)
    bounds = [0, *(index for index, _ in kept), array.size]
    return tuple(
        _described(array, bounds[i : i + 3], p_value, confidence)
        for i, (_, p_value) in enumerate(kept)
    )


def points_needed(level: float, after: int | None = None) -> int:
    """Fewest values with which a change point can be significant, however great it is.

    Of n values in random order, the k greatest or the k smallest are the last k with probability
    2 ÷ C(n, k): no p-value is less.

    Parameters
    ----------
    level
        Greatest p-value that is significant.
    after
        How many of the values lie after the change; None: half of them.
    """
    n = 2 * SMALLEST_SIDE if after is None else after + SMALLEST_SIDE
    while 2 / math.comb(n, n // 2 if after is None else after) > level:
        n += 1
    return n


def _logarithms(values: Sequence[float]) -> Array:
    array = np.asarray(values, dtype=float)
    if not np.all(array > 0):
        raise ValueError("change points need positive values")
    logarithms: Array = np.log(array)
    return logarithms


def _tested(
    values: Array, permutations: int, *, windows: bool = True
) -> tuple[Split | None, float]:
    """The strongest split of some values, outliers clipped, and its p-value."""
    plain = clipped(values) if values.size else values
    split = strongest_split(plain, windows=windows)
    if split is None:
        return None, 1.0
    return split, permutation_p_value(plain, split.statistic, permutations, windows=windows)


def _divide(values: Array, offset: int, level: float, permutations: int) -> list[int]:
    """Indices at which the values, and their parts, are split."""
    split, p_value = _tested(values, permutations)
    if split is None or p_value > level:
        return []
    at = split.index
    return [
        *_divide(values[:at], offset, level, permutations),
        offset + at,
        *_divide(values[at:], offset + at, level, permutations),
    ]


def _prune(
    values: Array, indices: Sequence[int], level: float, smallest: float, permutations: int
) -> list[tuple[int, float]]:
    """Index and p-value of each change point that holds between its neighbours."""
    kept = [(index, 0.0) for index in indices]
    for _ in range(_MOST_PASSES):
        before = [index for index, _ in kept]
        for i, (index, _) in enumerate(kept):
            start, stop = _neighbours(kept, i, values.size)
            split, p_value = _tested(values[start:stop], permutations, windows=False)
            kept[i] = (index if split is None else start + split.index, p_value)
        weakest = _weakest(values, kept, level, smallest)
        if weakest is not None:
            del kept[weakest]
        elif [index for index, _ in kept] == before:
            break
    return kept


def _weakest(
    values: Array, found: Sequence[tuple[int, float]], level: float, smallest: float
) -> int | None:
    """The change point to take out next: the least significant, or else the smallest."""
    if not found:
        return None
    p_values = [p_value for _, p_value in found]
    if max(p_values) > level:
        return p_values.index(max(p_values))
    shifts = []
    for i, (at, _) in enumerate(found):
        start, stop = _neighbours(found, i, values.size)
        shifts.append(abs(math.log(_ratio(values[start:at], values[at:stop]).ratio)))
    return shifts.index(min(shifts)) if min(shifts) < smallest else None


def _neighbours(found: Sequence[tuple[int, float]], i: int, size: int) -> tuple[int, int]:
    """Where the part begins and ends that has only the i-th change point in it."""
    return (
        found[i - 1][0] if i > 0 else 0,
        found[i + 1][0] if i + 1 < len(found) else size,
    )


def _ratio(before: Array, after: Array, confidence: float = 0.95) -> Ratio:
    return ratio_of_levels(np.exp(before).tolist(), np.exp(after).tolist(), confidence)


def _described(
    values: Array, bounds: Sequence[int], p_value: float, confidence: float
) -> ChangePoint:
    start, at, stop = bounds
    places = start + _resampled_places(values[start:stop], at - start)
    tail = (1 - confidence) / 2
    low, high = np.quantile(places, [tail, 1 - tail], method="inverted_cdf")
    return ChangePoint(
        index=at,
        earliest=min(int(low), at),
        latest=max(int(high), at),
        p_value=p_value,
        change=_ratio(values[start:at], values[at:stop], confidence),
    )


def _resampled_places(values: Array, at: int) -> Array:
    """Where the split is found in series drawn from the values on either side of it."""
    plain = clipped(values)
    generator = np.random.default_rng(plain.size)
    sides = [
        generator.choice(side, size=(side.size, _RESAMPLES)) for side in (plain[:at], plain[at:])
    ]
    return strongest_splits(np.concatenate(sides), windows=False)[1].astype(float)
