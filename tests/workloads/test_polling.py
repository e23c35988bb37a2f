"""Polls at even distances, of which none is left out by a stall."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.polling import Polls
from tests.workloads.clock import ScriptedClock


@given(every_ns=st.integers(1, 100), took=st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_every_poll_is_taken_once_and_none_before_it_is_due(every_ns: int, took: list[int]) -> None:
    clock = ScriptedClock()
    polls = Polls(clock, start_ns=0, every_ns=every_ns)
    taken: list[int] = []
    for query_ns in took:
        now = polls.take()
        assert now == sorted(now)
        assert now[-1] <= clock.now_ns() < now[-1] + every_ns  # all that are due, at once
        taken += now
        clock.work(query_ns)
    assert taken == [number * every_ns for number in range(len(taken))]


def test_a_stall_is_in_the_latency_of_every_poll_that_it_delays() -> None:
    """A query of 100 takes as long for the poll that began it as a closed loop would say; the nine
    polls behind it have waited 90, 80, …, which a closed loop would not know of."""
    clock = ScriptedClock()
    polls = Polls(clock, start_ns=0, every_ns=10)
    latency = []
    for query_ns in (1, 1, 100, 1):
        due = polls.take()
        clock.work(query_ns)
        latency += [clock.now_ns() - due_ns for due_ns in due]
    assert latency == [1, 1, 100, *range(91, 0, -10)]
