"""A distribution by counts says what all its values would say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.distribution import Distribution
from neuralake.stats.percentiles import LEVELS, percentiles

# Far apart as well: then it sorts in place of counting
VALUES = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**40)), max_size=200)


@given(values=VALUES, unended=st.integers(0, 40))
def test_percentiles_are_those_of_the_values(values: list[int], unended: int) -> None:
    found = Distribution.of(values, unended)
    assert found.size == len(values) + unended
    assert found.percentiles() == percentiles(values, LEVELS, unended=unended)
    assert np.repeat(found.values, found.counts).tolist() == sorted(values)
    assert found.greatest == (max(values) if values else None)


@given(parts=st.lists(st.tuples(VALUES, st.integers(0, 5)), max_size=5))
def test_merged_is_as_if_all_had_been_counted_at_once(parts: list[tuple[list[int], int]]) -> None:
    merged = Distribution.merged(Distribution.of(*part) for part in parts)
    whole = Distribution.of(
        [value for values, _ in parts for value in values], sum(unended for _, unended in parts)
    )
    assert merged.values.tolist() == whole.values.tolist()
    assert merged.counts.tolist() == whole.counts.tolist()
    assert merged.unended == whole.unended
