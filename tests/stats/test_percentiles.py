"""A percentile is an order statistic, and needs ten samples beyond it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.percentiles import (
    LEAST_BEYOND,
    LEVELS,
    can_tell,
    percentile,
    percentiles,
    samples_beyond,
)

VALUES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=3000)


@pytest.mark.parametrize(
    ("level", "least"),
    [("50", 20), ("90", 100), ("99", 1000), ("99.5", 2000), ("99.9", 10_000), ("99.99", 100_000)],
)
def test_a_percentile_is_told_from_just_so_many_samples_on(level: str, least: int) -> None:
    assert can_tell(least, level)
    assert not can_tell(least - 1, level)
    assert samples_beyond(least, level) == LEAST_BEYOND


@given(values=VALUES, level=st.sampled_from(LEVELS))
def test_it_is_the_least_value_that_its_share_does_not_exceed(
    values: list[float], level: str
) -> None:
    found = percentiles(values, [level]).get(level)
    if found is None:
        assert not can_tell(len(values), level)
        return
    share = float(level) / 100
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)
    assert sum(value > found for value in values) <= samples_beyond(len(values), level)


@given(values=VALUES, unended=st.integers(0, 3000), level=st.sampled_from(LEVELS))
def test_what_never_ended_is_slower_than_anything_that_did(
    values: list[float], unended: int, level: str
) -> None:
    ordered = np.sort(values)
    told = percentile(ordered, level, unended=unended)
    as_if = percentile(np.append(ordered, [math.inf] * unended), level)
    assert told == as_if


@pytest.mark.parametrize("level", ["0", "100", "-1", "101"])
def test_what_is_no_percentile_is_refused(level: str) -> None:
    with pytest.raises(ValueError, match="expected a number above 0 and below 100"):
        can_tell(10, level)
