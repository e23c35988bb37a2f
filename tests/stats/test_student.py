"""Tails of Student's t, against published tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.student import normal_equivalent, t_quantile, t_tail


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


@given(st.floats(-40, 40), st.integers(1, 200))
def test_tails_of_both_sides_make_one(t: float, df: int) -> None:
    assert float(t_tail(t, df)) + float(t_tail(-t, df)) == pytest.approx(1)


@given(st.floats(0, 6), st.integers(1, 300))
def test_the_normal_equivalent_has_the_same_tail(t: float, df: int) -> None:
    from statistics import NormalDist

    z = float(normal_equivalent(np.array([t]), df)[0])
    tail = float(t_tail(t, df))
    assert NormalDist().inv_cdf(1 - tail) == pytest.approx(z, abs=1e-3)
    assert z <= t + 1e-3


def test_the_normal_equivalent_is_odd_and_bounded() -> None:
    values = np.array([-1e9, -2.0, 0.0, 2.0, 1e9])
    found = normal_equivalent(values, 5)
    assert list(found) == pytest.approx(list(-found[::-1]))
    assert 7 < found[-1] < 8
