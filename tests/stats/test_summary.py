"""Summaries of latencies: what an interval promises, it keeps."""

from __future__ import annotations

from math import comb, exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.summary import (
    geometric_mean,
    median_interval,
    pooled_log_sd,
    typical_range,
)

LATENCIES = st.floats(1e-6, 1e6)


def coverage(n: int, k: int) -> float:
    """Probability that the median lies between the k-th smallest and k-th greatest of n."""
    return float(1 - 2 * sum(comb(n, i) for i in range(k)) / 2**n)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [*range(1, 40), 100, 999, 1000, 1001, 2000])
def test_the_interval_is_the_narrowest_that_covers_enough(n: int, confidence: float) -> None:
    interval = median_interval(list(range(1, n + 1)), confidence)
    k = round(interval.low)
    assert interval.high == n + 1 - k
    if coverage(n, 1) < confidence:
        assert k == 1
    else:
        assert coverage(n, k) >= confidence - 1e-12
        # beyond 1000 values a rank is rounded outwards
        assert 2 * (k + 1) > n + 1 or coverage(n, k + 2 if n > 1000 else k + 1) < confidence
    if n <= 1000:
        assert interval.confidence == pytest.approx(max(coverage(n, k), 0), abs=1e-12)


def test_known_ranks() -> None:
    # David and Nagaraja, Order Statistics, 7.1: n = 10, ranks 2 and 9 cover with 0.9785
    interval = median_interval(list(range(1, 11)))
    assert (interval.low, interval.high) == (2, 9)
    assert interval.confidence == pytest.approx(0.978515625)
    assert median_interval([3.0]).confidence == 0


def test_it_covers_the_median_of_a_skewed_distribution() -> None:
    random = np.random.default_rng(20260101)
    trials = 2000
    hits = 0
    for _ in range(trials):
        interval = median_interval(random.lognormal(0, 1, 15).tolist())
        hits += interval.low <= 1 <= interval.high
    assert hits / trials > 0.95 - 0.015


@given(st.lists(LATENCIES, min_size=1, max_size=50))
def test_the_median_lies_inside_and_order_is_no_matter(values: list[float]) -> None:
    interval = median_interval(values)
    assert interval.low <= interval.median <= interval.high
    assert interval.median == pytest.approx(np.median(values))
    assert interval == median_interval(values[::-1])
    assert 0 <= interval.confidence <= 1


def test_the_median_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="the median of nothing"):
        median_interval([])


@given(st.lists(LATENCIES, min_size=1, max_size=50), st.floats(1e-3, 1e3))
def test_the_geometric_mean_scales_and_stays_between(values: list[float], factor: float) -> None:
    mean = geometric_mean(values)
    assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
    assert geometric_mean([factor * value for value in values]) == pytest.approx(factor * mean)
    assert geometric_mean([1 / value for value in values]) == pytest.approx(1 / mean)
    assert log(mean) == pytest.approx(sum(map(log, values)) / len(values), abs=1e-9)


def test_the_geometric_mean_of_a_thousand_small_numbers_does_not_vanish() -> None:
    assert geometric_mean([exp(-10)] * 1000) == pytest.approx(exp(-10))


def test_the_geometric_mean_of_nothing_is_nan() -> None:
    assert np.isnan(geometric_mean([]))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_the_geometric_mean_needs_positive_values(value: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        geometric_mean([1.0, value])


def test_the_pooled_spread_is_that_within_the_groups() -> None:
    assert pooled_log_sd([]) is None
    assert pooled_log_sd([[1.0], [5.0]]) is None
    assert pooled_log_sd([[1.0, exp(2)], [100.0, 100.0]]) == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    groups = [list(scale * rng.lognormal(0, 0.2, 3)) for scale in np.geomspace(1e-3, 1e3, 2000)]
    assert pooled_log_sd(groups) == pytest.approx(0.2, rel=0.05)


@given(st.lists(st.lists(LATENCIES, max_size=9), max_size=5), st.floats(0.5, 2))
def test_the_typical_range_is_a_ratio_that_no_unit_moves(
    groups: list[list[float]], unit: float
) -> None:
    found = typical_range(groups)
    assert (found is None) == all(len(group) < 3 for group in groups)
    if found is not None:
        assert found >= 1
        assert typical_range([[x * unit for x in g] for g in groups]) == pytest.approx(found)


def test_the_typical_range_does_not_grow_with_the_number_of_values() -> None:
    assert typical_range([[1.0, 2.0, 4.0, 8.0, 16.0]]) == 4.0
    assert typical_range([[1.0, 2.0, 4.0], [1.0, 1.0, 1.0], [3.0, 3.0, 3.0]]) == 1.0
