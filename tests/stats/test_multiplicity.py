"""Many tests at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.multiplicity import benjamini_hochberg

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_the_example_of_the_paper() -> None:
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
    ]
    rejected, level = benjamini_hochberg(p_values, 0.05)
    assert sum(rejected) == 4
    assert level == 4 * 0.05 / 15


def test_nothing_rejected_leaves_the_level_of_bonferroni() -> None:
    assert benjamini_hochberg([0.5, 0.9], 0.05) == ((False, False), 0.025)


def test_no_hypothesis_at_all() -> None:
    assert benjamini_hochberg([], 0.05) == ((), 0.05)


@given(P_VALUES, st.floats(0.001, 0.2))
def test_it_rejects_what_bonferroni_does_and_nothing_above_the_rate(
    p_values: list[float], rate: float
) -> None:
    rejected, level = benjamini_hochberg(p_values, rate)
    for p, is_rejected in zip(p_values, rejected, strict=True):
        assert is_rejected or p > rate / len(p_values)
        assert not is_rejected or p <= level <= rate * (1 + 1e-12)
