"""How soon the next batch may be written: by the work that it is, and the rows that there are."""

from __future__ import annotations

import pytest

from neuralake.writer.pace import LEAST_NS, MANY, Pace

_MS = 1_000_000
_AGE_NS = 20 * _MS


def test_the_distance_follows_the_work() -> None:
    worked = 0
    pace = Pace(0.25, 0.02, lambda: worked)
    pace.begin(7 * _MS, 1)
    assert pace.due_ns() == 7 * _MS + LEAST_NS
    worked = 3 * _MS
    assert pace.due_ns() == (7 + 12) * _MS
    pace.begin(50 * _MS, 1)  # what was worked before counts no more
    worked = 7 * _MS
    assert pace.due_ns() == (50 + 16) * _MS


def test_the_work_of_this_process_counts() -> None:
    pace = Pace(1e-6, 0.02)
    pace.begin(0, 1)
    while pace.due_ns() == LEAST_NS:
        sum(range(1000))
    assert pace.due_ns() > LEAST_NS


@pytest.mark.parametrize(
    ("rate", "distance_ns"), [(1000, LEAST_NS), (MANY // 2, _AGE_NS // 2), (5 * MANY, _AGE_NS)]
)
def test_the_distance_follows_the_rows(rate: int, distance_ns: int) -> None:
    pace = Pace(1.0, 0.02, lambda: 0)
    pace.begin(0, 0)
    at_ns = 3600 * 1000 * _MS  # a pause is forgotten soon
    for _ in range(50):
        at_ns += _AGE_NS
        pace.begin(at_ns, rate // 50)
    assert pace.due_ns() - at_ns == pytest.approx(distance_ns, rel=0.01)
