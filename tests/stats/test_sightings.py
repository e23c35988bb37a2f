"""When records were reached, against a model that looks at each record and each observation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neuralake.stats.sightings import NEVER, reached

OBSERVATIONS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 1000)), max_size=30, unique_by=lambda o: o[1]
)


def brute(observations: list[tuple[int, int]], record: int, unknown_ns: int) -> tuple[int, int]:
    """The last observation before the first one that has the record, and that one."""
    ordered = sorted(observations, key=lambda o: o[1])
    for place, (end, at_ns) in enumerate(ordered):
        if end > record:
            before = ordered[place - 1][1] if place else unknown_ns
            return max(before, unknown_ns), at_ns
    return NEVER, NEVER


@given(observations=OBSERVATIONS, first=st.integers(0, 20), count=st.integers(0, 20))
def test_each_record_has_the_interval_that_looking_at_all_gives(
    observations: list[tuple[int, int]], first: int, count: int
) -> None:
    found = reached([end for end, _ in observations], [at for _, at in observations])
    without, within = found.intervals(first, first + count, unknown_ns=0)
    expected = [brute(observations, record, 0) for record in range(first, first + count)]
    assert list(zip(without.tolist(), within.tolist(), strict=True)) == expected


@given(
    visible_ns=st.lists(st.integers(0, 1000), min_size=1, max_size=30),
    answers=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 50)), max_size=40),
)
def test_what_came_in_sight_did_so_within_its_interval(
    visible_ns: list[int], answers: list[tuple[int, int]]
) -> None:
    """Queries that take a snapshot some time before their answers, of records in their order."""
    moments = np.maximum.accumulate(visible_ns)
    ends, at, now = [], [], 0
    for apart, query in answers:
        snapshot = now + apart
        now = snapshot + query
        ends.append(int(np.searchsorted(moments, snapshot, side="right")))
        at.append(now)
    without, within = reached(ends, at).intervals(0, len(moments), unknown_ns=0)
    for moment, low, high in zip(moments.tolist(), without.tolist(), within.tolist(), strict=True):
        if high != NEVER:
            assert moment <= high
            # the answer before had its snapshot earlier, and not the record
            assert low == 0 or low < high
        else:
            assert not at or moment > at[-1] - answers[-1][1]


def test_a_moment_that_is_known_to_a_tick_is_an_interval_of_its_own() -> None:
    without, within = reached([2, 3], [10, 20], unsure_ns=4).intervals(0, 4, unknown_ns=0)
    assert without.tolist() == [10, 10, 20, NEVER]
    assert within.tolist() == [14, 14, 24, NEVER]
