"""A power law is found again, and its interval is that of the textbook."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.scaling import fit_power_law

SIZES = [0.1, 1.0, 10.0, 100.0]


@given(st.floats(-1, 3), st.floats(1e-3, 1e3))
def test_an_exact_law_is_found_again(exponent: float, factor: float) -> None:
    law = fit_power_law(SIZES, [factor * size**exponent for size in SIZES])
    assert law.exponent == pytest.approx(exponent, abs=1e-9)
    assert law.factor == pytest.approx(factor)
    assert law(5.0) == pytest.approx(factor * 5.0**exponent)
    assert law.low == pytest.approx(exponent, abs=1e-6)


def test_two_sizes_have_an_exponent_and_no_interval() -> None:
    law = fit_power_law([1, 10, 10], [2.0, 20.0, 20.0])
    assert law.exponent == pytest.approx(1)
    assert (law.low, law.high, law.sizes) == (None, None, 2)


def test_the_interval_against_numpy() -> None:
    times = [0.11, 1.3, 9.0, 130.0]
    law = fit_power_law(SIZES, times)
    (slope, _), covariance = np.polyfit(np.log(SIZES), np.log(times), 1, cov=True)
    half = 4.302652729911275 * np.sqrt(covariance[0, 0])  # t of 0.975 and 2 degrees of freedom
    assert law.exponent == pytest.approx(slope)
    assert law.low == pytest.approx(slope - half)
    assert law.high == pytest.approx(slope + half)


@pytest.mark.parametrize(
    ("sizes", "times"),
    [([1.0], [1.0]), ([1.0, 1.0], [1.0, 2.0]), ([0.0, 1.0], [1.0, 2.0]), ([1.0, 2.0], [0.0, 1.0])],
)
def test_what_has_no_exponent_is_refused(sizes: list[float], times: list[float]) -> None:
    with pytest.raises(ValueError, match="exponent"):
        fit_power_law(sizes, times)
