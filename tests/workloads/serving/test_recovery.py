"""When a server answers as before, told by samples that are made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from neuralake.workloads.serving.outcomes import Outcomes
from neuralake.workloads.serving.recovery import recovery_ns
from neuralake.workloads.serving.requests import Request

MS = 1_000_000
LOAD_NS, AFTER_NS = 1000 * MS, 2000 * MS


def samples(after: Callable[[int], int | None], *, before_ms: int | None = 2) -> Outcomes:
    """A request each 10 ms; after the load as the script says, None for a refusal."""
    outcomes = Outcomes(10_000 * MS)
    for at_ms in range(-500, 3000, 10):
        latency: int | None = 500
        if at_ms < 0:
            latency = before_ms
        elif at_ms >= 1000:
            latency = after(at_ms - 1000)
        number = outcomes.due(Request(0, 0), at_ms * MS)
        if latency is None:
            outcomes.answered(number, at_ms * MS, 429, b"")
        else:
            outcomes.answered(number, (at_ms + latency) * MS, 200, b"")
    return outcomes


@pytest.mark.parametrize(
    ("after", "expected_ms"),
    [
        (lambda _: 2, 0),
        (lambda _: 6, 0),  # three times
        (lambda _: 7, None),
        (lambda at: 500 if at < 320 else 2, 300),  # a median is not moved by two of ten
        (lambda at: None if at < 650 else 2, 700),
        (lambda at: None if at == 740 else 2, 0),  # five good windows came before
        (lambda at: None if at == 340 else 2, 400),
        (lambda at: 500 if at < 1550 else 2, None),  # too few windows are left
    ],
)
def test_recovery_is_the_first_half_second_of_good_windows(
    after: Callable[[int], int | None], expected_ms: int | None
) -> None:
    found = recovery_ns(samples(after), LOAD_NS, AFTER_NS)
    assert found == (None if expected_ms is None else expected_ms * MS)


def test_without_an_answer_before_the_load_nothing_can_be_as_before() -> None:
    assert recovery_ns(samples(lambda _: 2, before_ms=None), LOAD_NS, AFTER_NS) is None


def test_one_slow_request_of_many_does_not_make_a_window_bad() -> None:
    found = recovery_ns(samples(lambda at: 400 if at % 100 == 0 else 2), LOAD_NS, AFTER_NS)
    assert found == 0
