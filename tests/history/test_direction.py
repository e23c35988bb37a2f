"""Which direction is worse."""

from __future__ import annotations

import pytest

from neuralake.history.direction import is_higher_better


@pytest.mark.parametrize(
    ("unit", "name", "higher"),
    [
        ("seconds", "streams.Latency.track_latency", False),
        ("s", "x", False),
        ("ms", "x", False),
        ("bytes", "streams.Memory.track_peak_rss", False),
        ("MiB", "x", False),
        ("seconds per query", "x", False),
        ("s/query", "x", False),
        ("queries/hour", "streams.Throughput.track_queries_per_hour", True),
        ("queries per hour", "x", True),
        ("bytes/second", "generator.Generation.track_bytes_per_second", True),
        ("MB/s", "x", True),
        ("rows_per_second", "x", True),
        ("QphH@1", "x", True),
        ("qps", "x", True),
        # the unit decides, not the name
        ("seconds", "streams.Throughput.track_seconds", False),
        ("bytes/second", "x.time_something", True),
        # a unit that says nothing: the name does
        ("unit", "x.Y.track_throughput", True),
        ("unit", "x.Y.track_rows_per_second", True),
        ("unit", "x.Y.trackThroughput", True),
        ("unit", "x.Y.track_cache_hits", True),
        ("unit", "x.Y.track_bytes_per_row", False),
        ("unit", "x.Y.track_performance", False),
        ("unit", "throughput.Y.track_pauses", False),
        ("bytes/row", "x", False),
        ("", "x", False),
    ],
)
def test_the_unit_decides_and_else_the_name(unit: str, name: str, higher: bool) -> None:
    assert is_higher_better(unit, name) is higher
