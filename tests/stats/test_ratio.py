"""The ratio of two medians: its interval covers as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.ratio import Ratio, ratio_of_medians

LATENCIES = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=30)


def test_the_ratio_is_that_of_the_medians() -> None:
    assert ratio_of_medians([1, 2, 3], [5, 4, 6]).ratio == 2.5


@given(LATENCIES, LATENCIES)
def test_the_ends_enclose_the_ratio_and_turn_round_with_it(
    base: list[float], other: list[float]
) -> None:
    there, back = ratio_of_medians(base, other), ratio_of_medians(other, base)
    assert there.low is not None
    assert there.high is not None
    assert back.low is not None
    assert 0 < there.low <= there.ratio <= there.high
    assert there.high * back.low == pytest.approx(1)


def test_a_unit_does_not_matter() -> None:
    seconds = ratio_of_medians([1.0, 1.1, 1.3], [2.0, 2.3, 2.2])
    nanoseconds = ratio_of_medians([1.0e9, 1.1e9, 1.3e9], [2.0e9, 2.3e9, 2.2e9])
    assert seconds.low == pytest.approx(nanoseconds.low)


@pytest.mark.parametrize(("base", "other"), [([1.0], [2.0, 2.1]), ([1.0, 1.1], [2.0])])
def test_one_value_has_no_interval(base: list[float], other: list[float]) -> None:
    ratio = ratio_of_medians(base, other)
    assert (ratio.low, ratio.high) == (None, None)
    assert not ratio.is_clear


def test_clear_is_an_interval_without_one() -> None:
    assert Ratio(1.2, 1.1, 1.3, 0.95).is_clear
    assert not Ratio(1.2, 0.9, 1.3, 0.95).is_clear


@pytest.mark.parametrize(("base", "other"), [([], [1.0]), ([0.0, 1.0], [1.0]), ([1.0], [-1.0])])
def test_what_has_no_ratio_is_refused(base: list[float], other: list[float]) -> None:
    with pytest.raises(ValueError, match="positive values"):
        ratio_of_medians(base, other)


@pytest.mark.parametrize("n", [3, 5, 9, 30, 1500])
def test_the_interval_covers_what_it_promises(n: int) -> None:
    """Log-normal latencies of equal median: at least 92 of 100 intervals contain 1."""
    dice = np.random.default_rng(20260101)
    repeats = 400
    covered = 0
    for _ in range(repeats):
        base, other = dice.lognormal(0, 0.3, (2, n))
        covered += not ratio_of_medians(base.tolist(), other.tolist()).is_clear
    assert covered / repeats >= 0.92
