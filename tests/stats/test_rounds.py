"""Ratios over rounds, and whether the last samples are slower than the first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.rounds import drift, paired_ratio

POSITIVE = st.floats(0.01, 1e4)


@given(pairs=st.lists(st.tuples(POSITIVE, st.floats(0.1, 10)), min_size=1, max_size=12))
def test_a_drift_of_the_disk_is_in_both_sides_and_not_in_the_ratio(
    pairs: list[tuple[float, float]],
) -> None:
    base = [speed for speed, _ in pairs]
    found = paired_ratio(base, [speed * factor for speed, factor in pairs])
    assert found is not None
    factors = sorted(factor for _, factor in pairs)
    assert found.median == pytest.approx(np.median(factors))
    assert factors[0] * (1 - 1e-9) <= found.low <= found.median * (1 + 1e-9)
    assert found.median * (1 - 1e-9) <= found.high <= factors[-1] * (1 + 1e-9)


def test_without_a_round_there_is_no_ratio_and_one_round_has_no_spread() -> None:
    assert paired_ratio([], []) is None
    (only,) = [paired_ratio([2.0], [3.0])]
    assert only is not None
    assert (only.median, only.low, only.high) == (1.5, 1.5, 1.5)


def test_the_interval_of_six_rounds_reaches_95_percent() -> None:
    found = paired_ratio([1.0] * 6, [1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    assert found is not None
    assert found.confidence > 0.95
    assert (found.low, found.high) == (1.0, 1.5)


def test_latency_that_grows_is_a_drift() -> None:
    random = np.random.default_rng(5)
    flat = random.lognormal(0, 0.2, 10_000)
    found = drift(flat, 1000)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high
    grown = drift(flat * np.linspace(1, 1.5, flat.size), 1000)
    assert grown is not None
    assert grown.is_clear
    assert grown.ratio == pytest.approx(1.45, rel=0.05)


def test_the_interval_knows_that_neighbours_are_alike() -> None:
    """One slow spell of a thousand in a row is no proof; a thousand slow ones anywhere are."""
    random = np.random.default_rng(6)
    intervals = []
    for spell in (1, 50):
        levels = np.repeat(random.lognormal(0, 0.5, 2000 // spell), spell)
        found = drift(levels * random.lognormal(0, 0.05, 2000), 1000)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        intervals.append(np.log(found.high / found.low))
    assert intervals[1] > 1.5 * intervals[0]


def test_first_and_last_must_not_overlap() -> None:
    assert drift([1.0] * 10, 6) is None
    assert drift([1.0] * 10, 0) is None
    assert drift([1.0] * 10, 5) is not None
