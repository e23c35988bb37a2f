"""The factor between two samples, and an interval that covers it as often as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.shift import _mann_whitney_counts, ratio_of_levels

VALUES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30)


def test_the_ratio_is_the_median_of_all_ratios() -> None:
    assert ratio_of_levels([1.0, 2.0], [4.0]).ratio == pytest.approx(math.sqrt(8))


@given(VALUES, VALUES)
def test_the_ends_enclose_the_ratio_and_turn_round_with_it(
    base: list[float], other: list[float]
) -> None:
    there, back = ratio_of_levels(base, other), ratio_of_levels(other, base)
    assert there.low is not None
    assert there.high is not None
    assert back.low is not None
    assert 0 < there.low <= there.ratio * (1 + 1e-12)
    assert there.ratio <= there.high * (1 + 1e-12)
    assert there.high * back.low == pytest.approx(1)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (3, 3), (5, 8), (20, 20)])
def test_the_orders_are_all_counted(m: int, n: int) -> None:
    counts = _mann_whitney_counts(m, n)
    assert sum(counts) == math.comb(m + n, m)
    assert counts == counts[::-1]
    assert len(counts) == m * n + 1


def test_the_counts_are_those_of_the_tables() -> None:
    assert _mann_whitney_counts(3, 3) == (1, 1, 2, 3, 3, 3, 3, 2, 1, 1)


def test_a_small_sample_says_the_confidence_that_it_has() -> None:
    found = ratio_of_levels([1.0, 1.1, 1.2], [2.0, 2.1, 2.2], confidence=0.99)
    assert found.confidence == pytest.approx(0.9)
    assert found.low == pytest.approx(2.0 / 1.2)
    assert found.high == pytest.approx(2.2 / 1.0)


@pytest.mark.parametrize(("m", "n"), [(4, 6), (10, 10), (30, 30)])
def test_the_interval_covers_as_often_as_it_says(m: int, n: int) -> None:
    generator = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        base, other = np.exp(generator.standard_t(3, m)), 1.3 * np.exp(generator.standard_t(3, n))
        found = ratio_of_levels(base.tolist(), other.tolist(), confidence=0.9)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 1.3 <= found.high
    # 1,000 trials at 90 %: one standard deviation is 9.5
    assert 870 <= covered <= 970


@pytest.mark.parametrize("bad", [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [-1.0])])
def test_what_has_no_ratio_is_refused(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="positive values in both"):
        ratio_of_levels(*bad)
