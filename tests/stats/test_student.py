"""Student's t against published tables, and against the series of a handbook."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.student import normal_equivalent, t_quantile, t_tail
from tests.stats import handbook

# Nearer to 0 SciPy's tail of one degree of freedom is off, by up to 2e-9, which is no matter here
VALUES = st.just(0.0) | st.floats(1e-3, 40)


@pytest.mark.parametrize(
    ("probability", "df", "value"),
    [  # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 5, 2.571),
        (0.975, 30, 2.042),
        (0.999, 3, 10.215),
        (0.999, 10, 4.144),
        (0.9995, 4, 8.610),
        (0.95, 100, 1.660),
    ],
)
def test_quantiles_are_the_table_s(probability: float, df: int, value: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(value, abs=0.0006)
    assert float(t_tail(value, df)) == pytest.approx(1 - probability, rel=2e-3)


@given(VALUES, st.integers(1, 300))
def test_tails_are_the_handbook_s(t: float, df: int) -> None:
    assert float(t_tail(t, df)) == pytest.approx(handbook.t_tail(t, df), rel=0, abs=1e-12)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 15, 40, 111, 300])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995, 0.9999])
def test_quantiles_are_the_handbook_s(probability: float, df: int) -> None:
    found = t_quantile(probability, df)
    assert found == pytest.approx(handbook.t_quantile(probability, df), rel=1e-11, abs=0)
    assert float(t_tail(found, df)) == pytest.approx(1 - probability, rel=0, abs=1e-12)


@given(st.floats(-40, 40), st.integers(1, 200))
def test_tails_of_both_sides_make_one(t: float, df: int) -> None:
    assert float(t_tail(t, df)) + float(t_tail(-t, df)) == pytest.approx(1)


@given(VALUES, st.integers(1, 300))
def test_the_normal_equivalent_has_the_same_tail(t: float, df: int) -> None:
    z = float(normal_equivalent(t, df))
    assert NormalDist().cdf(-z) == pytest.approx(handbook.t_tail(t, df), rel=0, abs=1e-12)
    assert z <= t + 1e-12


def test_each_value_has_the_degrees_of_freedom_beside_it() -> None:
    values, df = np.array([2.0, 2.0, -3.0]), np.array([3, 30, 30])
    found = normal_equivalent(values, df)
    one_by_one = [float(normal_equivalent(v, n)) for v, n in zip(values, df, strict=True)]
    assert list(found) == pytest.approx(one_by_one)
    assert found[0] < found[1]


@pytest.mark.parametrize("df", [1, 5, 240])
def test_the_normal_equivalent_is_odd_and_bounded(df: int) -> None:
    values = np.array([-1e300, -1e9, -2.0, 0.0, 2.0, 1e9, 1e300])
    found = normal_equivalent(values, df)
    assert list(found) == pytest.approx(list(-found[::-1]))
    assert np.all(np.diff(found) >= 0)
    assert found[-1] < 38
