"""The energy statistic is what its definition says, and its test is exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.energy import (
    SMALLEST_SIDE,
    Array,
    clipped,
    permutation_p_value,
    strongest_split,
    strongest_splits,
)
from tests.more import few

SERIES = st.lists(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=6, max_size=16)


def by_definition(values: Array, windows: bool) -> float:
    """The greatest weighted energy distance over all splits and ends."""

    def mean_distance(first: Array, second: Array) -> float:
        return float(np.abs(np.subtract.outer(first, second)).mean())

    found = []
    for end in range(2 * SMALLEST_SIDE if windows else values.size, values.size + 1):
        for at in range(SMALLEST_SIDE, end - SMALLEST_SIDE + 1):
            left, right = values[:at], values[at:end]
            across = 2 * mean_distance(left, right)
            distance = across - mean_distance(left, left) - mean_distance(right, right)
            found.append(at * (end - at) / end * distance)
    return max(found)


@given(SERIES, st.booleans())
def test_the_statistic_is_that_of_the_definition(series: list[float], windows: bool) -> None:
    split = strongest_split(series, windows=windows)
    assert split is not None
    expected = by_definition(np.array(series), windows)
    assert split.statistic == pytest.approx(expected, abs=1e-9)
    assert SMALLEST_SIDE <= split.index <= len(series) - SMALLEST_SIDE


@given(st.lists(SERIES.map(lambda s: s[:6]), min_size=2, max_size=5))
def test_many_series_at_once_are_as_one_by_one(many: list[list[float]]) -> None:
    statistics, _ = strongest_splits(np.array(many).T)
    for series, statistic in zip(many, statistics, strict=True):
        one = strongest_split(series)
        assert one is not None
        assert one.statistic == pytest.approx(statistic)


def test_a_series_without_room_for_two_sides_has_no_split() -> None:
    assert strongest_split([1, 2, 3, 4, 5]) is None


def test_the_p_value_is_that_of_all_orders() -> None:
    series = [0.1, -0.3, 0.2, 2.0, 1.7, 1.2]
    split = strongest_split(series)
    assert split is not None
    orders = np.array(list(itertools.permutations(series))).T
    exact = float(np.mean(strongest_splits(orders)[0] >= split.statistic * (1 - 1e-9)))
    # 2 of 20 ways to choose three: these three are the greatest, or the smallest
    assert exact == pytest.approx(0.1)
    assert permutation_p_value(series, split.statistic, 20_000) == pytest.approx(exact, rel=0.8)


def test_no_p_value_is_less_than_the_orders_can_tell() -> None:
    series = [*np.linspace(0, 1, 12), *np.linspace(10, 11, 12)]
    split = strongest_split(series)
    assert split is not None
    assert permutation_p_value(series, split.statistic, 999) == 1 / 1000


@pytest.mark.parametrize("noise", few(["normal", "cauchy", "ties"], "cauchy", "ties"))
def test_p_values_of_noise_are_seldom_small(noise: str) -> None:
    generator = np.random.default_rng(5)
    p_values = []
    for _ in range(400):
        series = generator.standard_normal(14)
        if noise == "cauchy":
            series = generator.standard_cauchy(14)
        elif noise == "ties":
            series = generator.integers(0, 3, 14).astype(float)
        plain = clipped(series)
        split = strongest_split(plain)
        assert split is not None
        p_values.append(permutation_p_value(plain, split.statistic, 199))
    # 400 trials at 10 %: 56 is 2.7 standard deviations above 40
    assert sum(p <= 0.1 for p in p_values) <= 56
    assert sum(p <= 0.5 for p in p_values) >= 150


@given(SERIES)
def test_clipping_keeps_all_but_what_is_far_away(series: list[float]) -> None:
    plain = clipped([*series, 1e9])
    middle = np.median([*series, 1e9])
    deviation = np.median(np.abs(np.array([*series, 1e9]) - middle)) / 0.6745
    if deviation > 0:
        assert np.abs(plain - middle).max() <= 5 * deviation * (1 + 1e-9) + 1e-9
    near = np.abs(np.array(series) - middle) <= 5 * deviation
    assert np.array_equal(plain[:-1][near], np.array(series)[near])
