"""Figures of a pipeline: rates and latencies of the last seconds, from sums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.pipeline.figures import Counted, Reading, Window, quantile
from neuralake.writer.metrics import BUCKETS_S, Histogram


def histogram(*durations_s: float) -> Histogram:
    made = Histogram()
    for duration_s in durations_s:
        made.add(duration_s)
    return made


def counted(at_s: float, rows: float, durations: Histogram | None = None, sent: int = 0) -> Counted:
    return Counted(
        at_s=at_s,
        counters={"rows": rows, "commits": rows / 10},
        gauges={"version": rows / 10, "files": 3.0},
        durations=durations,
        sent=sent,
        late=0,
    )


def test_rates_are_those_of_the_last_five_seconds() -> None:
    window = Window(100.0)
    # A first minute of 1,000 rows a second, then 100 a second
    for second in range(1, 61):
        window.figures(counted(100.0 + second, 1000.0 * second, sent=1000 * second), [])
    for second in range(1, 11):
        at_s, rows = 160.0 + second, 60_000.0 + 100 * second
        figures = window.figures(counted(at_s, rows, sent=int(rows)), [])
    assert figures.rows == 61_000
    assert figures.elapsed_s == pytest.approx(70)
    assert figures.rows_per_s == pytest.approx(100)
    assert figures.commits_per_s == pytest.approx(10)
    assert figures.sent_per_s == pytest.approx(100)


def test_rates_of_the_first_second_are_those_since_the_start() -> None:
    figures = Window(7.0).figures(counted(7.5, 500.0, sent=500), [])
    assert figures.rows_per_s == pytest.approx(1000)
    assert figures.sent_per_s == pytest.approx(1000)


def test_without_a_producer_nothing_is_said_of_what_was_sent() -> None:
    figures = Window(0.0).figures(Counted(1.0, {"rows": 5.0}), [])
    assert (figures.sent, figures.sent_per_s, figures.late) == (None, None, None)


def test_durations_are_those_of_the_last_seconds_and_not_of_the_start() -> None:
    window = Window(0.0)
    slow = histogram(*[0.4] * 1000)
    window.figures(counted(1.0, 1.0, slow), [])
    for second in range(2, 10):
        window.figures(counted(float(second), 1.0, slow), [])
    both = histogram(*[0.4] * 1000, *[0.0019] * 99, 0.09)
    figures = window.figures(counted(10.0, 1.0, both), [])
    assert figures.durable_p50_s == 0.002
    assert figures.durable_p99_s == 0.002
    assert quantile(histogram(*[0.0019] * 98, 0.09, 0.09), 0.99) == 0.1


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_bound_of_the_bucket_that_has_it(
    durations_s: list[float], share: float
) -> None:
    found = quantile(histogram(*durations_s), share)
    assert found is not None
    within = sum(duration_s <= found for duration_s in durations_s)
    assert within >= share * len(durations_s)
    below = max((bound for bound in BUCKETS_S if bound < found), default=-1.0)
    assert sum(duration_s <= below for duration_s in durations_s) < share * len(durations_s)


def test_nothing_has_no_quantile() -> None:
    assert quantile(None, 0.5) is None
    assert quantile(Histogram(), 0.5) is None


def test_the_age_of_answers_is_that_of_the_last_seconds() -> None:
    window = Window(0.0)
    readings = [Reading(0.9, 1.0, 1, age_s=9.0)]
    readings += [Reading(9.0 + i / 10, 9.05 + i / 10, 1, age_s=0.01 * i) for i in range(5)]
    figures = window.figures(counted(10.0, 1.0), readings)
    assert figures.age_p50_s == pytest.approx(0.02)
    assert figures.age_max_s == pytest.approx(0.04)
    assert figures.query_p50_s == pytest.approx(0.05)


def test_answers_of_which_none_tells_an_age() -> None:
    figures = Window(0.0).figures(counted(1.0, 1.0), [Reading(0.5, 0.6, 4)])
    assert (figures.age_p50_s, figures.age_max_s) == (None, None)
    assert figures.query_p50_s == pytest.approx(0.1)
