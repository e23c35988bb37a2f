"""When records are due: the same in every process, whoever asks for which part."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.results.freshness.records import EventArrivals, Load
from neuralake.results.freshness.spans import Spans
from neuralake.workloads.freshness.moments import Records
from tests.more import drawn

S = 1_000_000_000
LOAD = Load(duration_s=6.0, warm_up_s=1.0, pieces=3, pause_s=0.5, producers=1)


@given(
    arrivals=st.sampled_from(["constant", "poisson"]),
    rate=st.sampled_from([0.7, 50.0, 333.3, 20_000.0]),
    producers=st.integers(1, 4),
    cuts=st.lists(st.integers(0, 1000), max_size=5),
)
@settings(max_examples=drawn(50), deadline=None)
def test_parts_are_the_whole_and_producers_share_all_records(
    arrivals: EventArrivals, rate: float, producers: int, cuts: list[int]
) -> None:
    load = replace(LOAD, arrivals=arrivals, producers=producers)
    records = Records(load, rate)
    counts = [records.of_producer(producer) for producer in range(producers)]
    assert sum(counts) == records.count
    every = []
    for producer, count in enumerate(counts):
        whole = records.due_ns(producer, 0, count)
        assert whole.size == count
        assert (np.diff(whole) >= 0).all()
        edges = sorted({0, count, *(cut % (count + 1) for cut in cuts)})
        parts = [records.due_ns(producer, a, b) for a, b in pairwise(edges)]
        assert np.concatenate([np.empty(0, np.int64), *parts]).tolist() == whole.tolist()
        every.append(whole)
    alone = Records(replace(load, producers=1), rate)
    assert sorted(np.concatenate(every).tolist()) == alone.due_ns(0, 0, alone.count).tolist()


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_as_many_are_due_as_are_offered_and_none_in_a_pause(arrivals: EventArrivals) -> None:
    load = replace(LOAD, arrivals=arrivals)
    records = Records(load, 10_000.0)
    assert records.count == pytest.approx(70_000, rel=0.03)
    due = records.due_ns(0, 0, records.count)
    spans = Spans.of(load)
    assert due[0] >= 0
    assert due[-1] < spans.end_ns
    assert not spans.is_alone(due).any()
    is_warm_up = due < spans.warm_up_ns
    assert (is_warm_up | spans.is_beside(due)).all()
    pieces = [int(((due >= a) & (due < b)).sum()) for a, b in spans.beside()]
    assert pieces == pytest.approx([20_000] * 3, rel=0.05)


def test_a_round_is_a_warm_up_and_pieces_between_pauses() -> None:
    spans = Spans.of(LOAD)
    assert list(spans.beside()) == [
        (int(1.5 * S), int(3.5 * S)),
        (4 * S, 6 * S),
        (int(6.5 * S), int(8.5 * S)),
    ]
    assert spans.end_ns == 9 * S
    assert [end for _, end in spans.alone()] == [int(1.5 * S), 4 * S, int(6.5 * S), 9 * S]
    assert all(begin < end for begin, end in spans.alone())


def test_slices_are_of_the_time_in_which_records_are_due() -> None:
    spans = Spans.of(LOAD)
    moments = np.array([0.5, 1.5, 2.4, 2.6, 3.4, 4.0, 5.1, 8.49]) * S
    assert spans.slices(moments.astype(np.int64)).tolist() == [-1, 0, 0, 1, 1, 2, 3, 5]


def test_a_long_round_is_told_by_minutes() -> None:
    spans = Spans.of(Load(duration_s=600, warm_up_s=2, pieces=1, pause_s=0))
    assert spans.slice_ns == 60 * S
    assert spans.slices(np.array([2 * S, 61 * S, 62 * S, 601 * S])).tolist() == [0, 0, 1, 9]
    assert not list(spans.alone())
