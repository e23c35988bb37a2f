"""Variances that tests estimate together: what is shared is found, and what stands out is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.moderated import FEWEST_TESTS, MOST, log_chi_squared_moments, moderate
from tests.stats import handbook


def variances(spread: np.ndarray, df: int, seed: int = 1) -> np.ndarray:
    """Estimated with ``df`` degrees of freedom where the true ones are ``spread``."""
    return spread * np.random.default_rng(seed).chisquare(df, spread.shape) / df


@pytest.mark.parametrize("df", [1, 2, 3, 7, 40, MOST - 1, MOST])
def test_the_moments_of_the_logarithm_are_the_handbook_s(df: int) -> None:
    mean, variance = log_chi_squared_moments()
    expected = handbook.digamma_of_half(df) - math.log(df / 2)
    assert mean[df] == pytest.approx(expected, rel=0, abs=1e-12)
    assert variance[df] == pytest.approx(handbook.trigamma_of_half(df), rel=0, abs=1e-12)


def test_the_moments_of_the_logarithm_are_those_of_a_sample() -> None:
    logs = np.log(np.random.default_rng(1).chisquare(5, 200_000) / 5)
    mean, variance = log_chi_squared_moments()
    assert (mean[5], variance[5]) == pytest.approx((logs.mean(), logs.var()), abs=0.008)


def test_tests_that_agree_know_their_variance_as_one() -> None:
    expected = np.linspace(1, 9, 200)
    found = moderate(variances(1.7 * expected, 10), expected, 10, 200, is_told_above=True)
    ratios = found.variance / expected
    assert (found.df >= MOST // 2).mean() > 0.95
    drawn = ratios <= np.median(ratios)
    assert ratios[drawn] == pytest.approx(1.7, rel=0.1)


def test_what_is_above_by_chance_keeps_its_variance_and_is_known_as_well() -> None:
    own = variances(np.ones(22), 6, seed=4)
    found = moderate(own, np.ones(22), 6, 22, is_told_above=True)
    greatest = np.argmax(own)
    assert found.variance[greatest] == own[greatest] > 1.5
    assert found.df[greatest] > 20


def test_the_more_one_stands_out_the_less_the_others_tell_of_it() -> None:
    told = []
    for own_of_one in (2.0, 4.0, 8.0, 30.0):
        own = variances(np.ones(22), 6, seed=4)
        own[int(np.argmax(own))] = own_of_one
        found = moderate(own, np.ones(22), 6, 22, is_told_above=True)
        assert found.variance.max() == own_of_one
        told.append(int(found.df[np.argmax(own)]) - 6)
    assert told == sorted(told, reverse=True)
    assert told[0] > 20
    assert told[-1] == 0


def test_as_far_as_they_do_not_agree_they_keep_their_own() -> None:
    rng = np.random.default_rng(2)
    truth = 1.5 * 8 / rng.chisquare(8, 40000)  # the prior: scale 1.5, 8 degrees of freedom
    own = variances(truth, 12)
    found = moderate(own, np.ones(40000), 12, 40000)
    assert found.df.max() == pytest.approx(12 + 8, abs=1)
    below = own < 1.4
    assert found.variance[below] == pytest.approx((8 * 1.5 + 12 * own[below]) / 20, rel=0.02)
    errors = [np.mean(np.log(v[below] / truth[below]) ** 2) for v in (found.variance, own)]
    assert errors[0] < 0.8 * errors[1]


def test_what_stands_out_is_left_alone() -> None:
    own = variances(np.ones(22), 15)
    own[7] = 30
    found = moderate(own, np.ones(22), 15, 22)
    assert found.variance[7] == 30
    assert found.df[7] == 15
    assert set(found.df[own > 1.5]) == {15}  # unless it is asked how far chance explains it
    assert np.all(found.variance[own < 0.7] > own[own < 0.7])


def test_families_do_not_know_of_one_another() -> None:
    one, other = variances(np.ones(8), 9), variances(np.full(8, 5.0), 9, seed=3)
    both = moderate(np.concatenate([one, other]), np.ones(16), 9, 8)
    for part, alone in ((slice(0, 8), one), (slice(8, 16), other)):
        found = moderate(alone, np.ones(8), 9, 8)
        assert both.variance[part] == pytest.approx(found.variance)
        assert list(both.df[part]) == list(found.df)


@pytest.mark.parametrize(
    ("own", "expected", "family"),
    [
        (np.ones(FEWEST_TESTS - 1) * 2, np.ones(FEWEST_TESTS - 1), FEWEST_TESTS - 1),
        (np.array([0.0, *[2.0] * 7]), np.ones(8), 8),
        (np.ones(8) * 2, np.array([0.0, *[1.0] * 7]), 8),
    ],
    ids=["too few tests", "equal values", "nothing expected"],
)
def test_without_peers_a_variance_is_its_own(
    own: np.ndarray, expected: np.ndarray, family: int
) -> None:
    found = moderate(own, expected, 5, family)
    assert list(found.variance) == list(own)
    assert set(found.df) == {5}


@given(
    st.lists(st.floats(0.01, 100), min_size=FEWEST_TESTS, max_size=12),
    st.integers(3, 60),
    st.floats(1e-6, 1e6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_units_and_order_do_not_matter(ratios, df, scale, above, random) -> None:  # type: ignore[no-untyped-def]
    own = np.array(ratios)
    found = moderate(own, np.ones(own.size), df, own.size, is_told_above=above)
    order = list(range(own.size))
    random.shuffle(order)
    other = moderate(own[order] * scale, np.ones(own.size), df, own.size, is_told_above=above)
    assert other.variance == pytest.approx(found.variance[order] * scale, rel=1e-6)
    assert np.all(np.abs(other.df - found.df[order]) <= 1)
    assert np.all((df <= found.df) & (found.df <= max(MOST, df)))
