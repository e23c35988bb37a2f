"""Change points: found where they are, seldom where there are none, the same at every look."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.stats.change_points import (
    find_change_points,
    p_value_of_change,
    points_needed,
)
from tests.more import drawn


def made(levels: list[tuple[int, float]], noise: float = 0.02, seed: int = 1) -> list[float]:
    """A series of some levels, each with its length."""
    generator = np.random.default_rng(seed)
    return [
        level * math.exp(noise * generator.standard_normal())
        for length, level in levels
        for _ in range(length)
    ]


def test_a_step_is_found_with_its_place_its_size_and_its_p_value() -> None:
    (found,) = find_change_points(made([(20, 1.0), (12, 1.1)]), 0.01)
    assert found.index == 20
    assert found.earliest <= 20 <= found.latest
    assert found.change.low is not None
    assert found.change.high is not None
    assert 1.05 < found.change.low <= 1.1 <= found.change.high < 1.15
    assert found.p_value == 0.001


def test_a_change_that_was_undone_is_two_changes() -> None:
    series = made([(25, 1.0), (8, 1.2), (25, 1.0)])
    assert [c.index for c in find_change_points(series, 0.01)] == [25, 33]


def test_several_changes_are_found() -> None:
    series = made([(15, 1.0), (15, 1.2), (15, 0.9), (15, 1.05)])
    found = find_change_points(series, 0.005)
    assert [c.index for c in found] == [15, 30, 45]
    assert [c.change.ratio for c in found] == pytest.approx([1.2, 0.75, 1.167], rel=0.03)


def test_the_last_three_values_can_be_a_change() -> None:
    (found,) = find_change_points(made([(30, 1.0), (3, 1.3)]), 0.01)
    assert found.index == 30


def test_one_or_two_outliers_are_no_change() -> None:
    assert find_change_points(made([(20, 1.0), (2, 3.0), (20, 1.0)]), 0.01) == ()
    assert find_change_points(made([(30, 1.0), (1, 3.0)]), 0.01) == ()


def test_what_is_smaller_than_what_counts_is_left_out() -> None:
    series = made([(40, 1.0), (40, 1.015)], noise=0.005)
    assert len(find_change_points(series, 0.01)) == 1
    assert find_change_points(series, 0.01, smallest_change=0.02) == ()


def test_a_small_change_beside_a_large_one_is_left_out_alone() -> None:
    series = made([(30, 1.0), (30, 1.01), (30, 1.3)], noise=0.003)
    (found,) = find_change_points(series, 0.01, smallest_change=0.02)
    assert found.index == 60


@given(st.integers(0, 50), st.floats(1e-3, 1e3))
@settings(max_examples=drawn(15))
def test_the_unit_does_not_matter(seed: int, factor: float) -> None:
    series = made([(12, 1.0), (12, 1.06)], seed=seed)
    scaled = [factor * value for value in series]
    plain, other = (find_change_points(s, 0.05, permutations=199) for s in (series, scaled))
    assert [c.index for c in plain] == [c.index for c in other]
    assert [c.p_value for c in plain] == pytest.approx([c.p_value for c in other], abs=0.01)


@given(st.lists(st.floats(0.5, 2.0), max_size=40))
@settings(max_examples=drawn(25))
def test_what_is_found_is_in_order_and_holds(series: list[float]) -> None:
    found = find_change_points(series, 0.05, permutations=199)
    bounds = [0, *(c.index for c in found), len(series)]
    if found:
        assert min(later - earlier for earlier, later in pairwise(bounds)) >= 3
    for change in found:
        assert 0 < change.earliest <= change.index <= change.latest < len(series)
        assert change.p_value <= 0.05
    assert find_change_points(series, 0.05, permutations=199) == found


def test_noise_has_seldom_a_change() -> None:
    generator = np.random.default_rng(3)
    series = np.exp(0.05 * generator.standard_t(3, (300, 20)))
    alarms = sum(bool(find_change_points(s.tolist(), 0.05, permutations=199)) for s in series)
    # 300 trials at 5 %: 26 is 2.9 standard deviations above 15
    assert alarms <= 26


def test_few_values_cannot_be_significant_and_it_is_known_before() -> None:
    needed = points_needed(0.01)
    assert needed == 10
    for n in range(needed):
        step = [1.0 + i / 1000 for i in range(n // 2)] + [9.0 + i for i in range(n - n // 2)]
        assert p_value_of_change(step, 9999) > 0.01
    step = [*np.linspace(1, 1.01, 5), *np.linspace(9, 9.1, 5)]
    assert p_value_of_change(step, 9999) <= 0.02


def test_a_change_near_the_end_needs_more_values() -> None:
    assert points_needed(0.01, after=3) == 12
    assert points_needed(0.0001, after=3) > points_needed(0.0001, after=5) > points_needed(0.0001)


def test_a_short_series_has_no_change() -> None:
    assert p_value_of_change([1.0, 2.0], 99) == 1.0
    assert p_value_of_change([], 99) == 1.0
    assert find_change_points([], 0.05) == ()


def test_equal_values_have_no_change() -> None:
    assert p_value_of_change([2.0] * 30, 999) == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_what_has_no_logarithm_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        find_change_points([1.0, bad], 0.05)


def test_too_few_permutations_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot reach"):
        find_change_points([1.0] * 10, 0.001, permutations=99)


def test_the_interval_of_a_place_has_its_confidence_on_both_sides() -> None:
    series = made([(20, 1.0), (20, 1.03)], noise=0.02, seed=4)
    bounds = []
    for confidence in (0.5, 0.95, 0.999):
        (found,) = find_change_points(series, 0.05, confidence=confidence)
        assert found.earliest <= found.index <= found.latest
        bounds.append((found.earliest, found.latest))
    (early, late), (earlier, later), (earliest, latest) = bounds
    assert earliest < earlier < early
    assert late < later < latest


def test_places_cover_the_true_one_as_often_as_they_say_and_are_no_wider_than_they_must() -> None:
    covered, widths, trials = 0, [], 0
    for seed in range(60):
        series = made([(15, 1.0), (15, 1.04)], noise=0.02, seed=seed)
        for found in find_change_points(series, 0.05, confidence=0.8, permutations=199):
            trials += 1
            covered += found.earliest <= 15 <= found.latest
            widths.append(found.latest - found.earliest)
    assert trials >= 55
    # at 80 % of 60, one standard deviation is 3
    assert covered >= 0.8 * trials - 10
    assert 0 < np.mean(widths) < 10


def test_between_its_neighbours_a_place_is_estimated_and_compared() -> None:
    series = made([(20, 1.0), (20, 1.2), (20, 0.9)], noise=0.01)
    first, second = find_change_points(series, 0.01)
    assert (first.index, second.index) == (20, 40)
    assert first.change.ratio == pytest.approx(1.2, rel=0.01)
    assert second.change.ratio == pytest.approx(0.75, rel=0.01)
    assert second.earliest > first.latest
