"""The ratio to a fixed commit measured beside each."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from neuralake.history.anchor import against_anchors, anchor_of
from neuralake.history.records import Key, Measurement, Omission
from neuralake.stats.summary import Interval, median_interval

LATENCY, ANCHOR = "streams.Latency.track_latency", "streams.Anchor.track_latency"


def measured(
    benchmark: str, samples: Sequence[float], commit: str = "c", query: str = "q01"
) -> Measurement:
    interval = median_interval(samples)
    key = Key(benchmark, "polars", query, machine="desk", definition=benchmark)
    return Measurement(key, commit, interval.median, interval, tuple(samples), "seconds")


@pytest.mark.parametrize(
    ("name", "anchor"),
    [
        (LATENCY, ANCHOR),
        ("streams.Throughput.track_seconds", "streams.AnchorThroughput.track_seconds"),
        ("streams.Throughput.track_queries_per_hour", None),
        ("other.Latency.track_latency", None),
        (ANCHOR, None),
        ("streams.AnchorThroughput.track_seconds", None),
        ("track_latency", None),
        ("streams.track_latency", None),
    ],
)
def test_the_name_tells_the_anchor(name: str, anchor: str | None) -> None:
    known = frozenset({LATENCY, ANCHOR, "streams.AnchorThroughput.track_seconds", name})
    assert anchor_of(name, known) == anchor


def test_values_of_the_same_rounds_are_divided_round_by_round() -> None:
    own, other = measured(LATENCY, [1.0, 4.0, 9.0]), measured(ANCHOR, [1.0, 2.0, 3.0])
    (ratio,), anchored, omitted = against_anchors([own, other])
    assert ratio.samples == (1.0, 2.0, 3.0)
    assert (ratio.value, ratio.unit) == (2.0, "÷ anchor")
    assert anchored == {own.key: ANCHOR}
    assert omitted == []


def test_without_the_same_rounds_the_values_are_divided() -> None:
    own, other = measured(LATENCY, [1.0, 2.0, 4.0]), measured(ANCHOR, [0.5, 1.0])
    (ratio,), _, _ = against_anchors([own, other])
    assert ratio.value == pytest.approx(2.0 / 0.75)
    assert isinstance(ratio.interval, Interval)
    assert ratio.interval.low < ratio.value < ratio.interval.high


def test_an_interval_of_a_quotient_is_wider_than_either() -> None:
    own, other = measured(LATENCY, [1.0, 2.0, 4.0]), measured(ANCHOR, [1.0, 2.0, 4.0, 2.0])
    (ratio,), _, _ = against_anchors([own, other])
    assert ratio.interval is not None
    assert ratio.interval.low == pytest.approx(0.5**2**0.5)
    assert ratio.interval.high == pytest.approx(2**2**0.5)


def test_a_value_without_its_anchor_is_left_out_and_said() -> None:
    measurements = [
        measured(LATENCY, [1.0]),
        measured(ANCHOR, [1.0]),
        measured(LATENCY, [1.0], commit="d"),
    ]
    kept, _, omitted = against_anchors(measurements)
    assert [m.commit for m in kept] == ["c"]
    assert omitted == [Omission(f"values of {LATENCY} without one of {ANCHOR} beside them", 1)]


def test_a_series_that_never_had_an_anchor_is_analysed_as_it_is() -> None:
    measurements = [
        measured(LATENCY, [3.0], query="q02"),
        measured(LATENCY, [1.0]),
        measured(ANCHOR, [1.0]),
    ]
    kept, anchored, omitted = against_anchors(measurements)
    assert [(m.key.query, m.unit) for m in kept] == [("q02", "seconds"), ("q01", "÷ anchor")]
    assert len(anchored) == 1
    assert omitted == []
