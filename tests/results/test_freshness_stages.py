"""The stages of records' ways, of those that came to the writer together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from neuralake.results.freshness.records import Load, Parts
from neuralake.results.freshness.samples import WAYS
from neuralake.results.freshness.spans import Spans
from neuralake.results.freshness.stages import STAGES, stages
from neuralake.results.parts import SAMPLES, Part, PartWriter

MS = 1_000_000
LOAD = Load(duration_s=10.0, warm_up_s=1.0, pieces=1, pause_s=0.0)


def of(directory: Path, ways: Sequence[tuple[int, int, int | None]]) -> Parts:
    """A way of each: due in so many milliseconds, so many records, which waited so long."""
    writer = PartWriter(directory / SAMPLES, "ways", WAYS)
    writer.write(
        (number, 0, records, due_ms * MS, *(MS for _ in STAGES[1:]), MS, 2 * MS, delayed_ns)
        for number, (due_ms, records, delayed_ns) in enumerate(ways)
    )
    none = Part("none", 0)
    return Parts(none, none, none, none, none, ways=writer.finish())


def test_records_of_the_warm_up_are_left_out(tmp_path: Path) -> None:
    assert stages(tmp_path, [of(tmp_path, [(500, 9000, 0)])], Spans.of(LOAD)) == {}


def test_a_delay_that_nobody_tells_is_not_told(tmp_path: Path) -> None:
    found = stages(tmp_path, [of(tmp_path, [(2000, 9000, None)])], Spans.of(LOAD))
    assert tuple(found) == STAGES


def test_the_latest_are_told_where_many_came_together(tmp_path: Path) -> None:
    """Two of a hundred records came at once, and last: none lies beyond p99."""
    ways = [(2000, 9800, 0), (3000, 200, 0)]
    parts = of(tmp_path, ways)
    late = PartWriter(tmp_path / SAMPLES, "late", WAYS)
    late.write([(2, 0, 300, 4000 * MS, 90 * MS, *(MS for _ in STAGES[1:]), 0, 0)])
    none = Part("none", 0)
    more = Parts(none, none, none, none, none, ways=late.finish())
    found = stages(tmp_path, [parts, more], Spans.of(LOAD))
    assert found["send"].late_ms == pytest.approx(90)
    assert found["send"].mean_ms == pytest.approx((10_000 + 300 * 90) / 10_300)
    assert found["encode"].late_ms == pytest.approx(1)
