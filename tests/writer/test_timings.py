"""How long each batch took, in a file that stops nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neuralake.sources.source import Delivery
from neuralake.writer.append import Writer
from neuralake.writer.appending import Appender
from neuralake.writer.batching import BatchLimits
from neuralake.writer.errors import WriterError
from neuralake.writer.metrics import Tally
from neuralake.writer.timings import Timings, check_place, read_timings
from tests.writer.conftest import events
from tests.writer.test_appending import Listed


def append(table: str, path: Path, *, numbers: range) -> list[str]:
    said: list[str] = []
    timings = Timings(path, said.append)
    batches = [Delivery(events(n, 1).to_batches()[0], application="a", sequence=n) for n in numbers]
    limits = BatchLimits(rows=2, age_s=3600)
    with Writer(table) as writer:
        appender = Appender(writer, Listed(batches), limits, Tally(), timings)
        assert appender.run().rows == len(numbers)
        appender.watch()
    timings.close()
    return said


def test_each_batch_has_a_line(make_table: Callable[..., str], tmp_path: Path) -> None:
    table, path, begin_ns = make_table(), tmp_path / "timings.json", time.monotonic_ns()
    assert append(table, path, numbers=range(1, 4)) == []
    assert append(table, path, numbers=range(4, 6)) == []  # whoever comes later adds to it
    found = read_timings(path)
    assert [t.version for t in found] == [1, 2, 3]
    assert [[a.sequence for a in t.arrivals] for t in found] == [[1, 2], [3], [4, 5]]
    for timing in found:
        assert (timing.application, timing.rows) == ("a", len(timing.arrivals))
        moments = [begin_ns, *(a.received_ns for a in timing.arrivals), timing.taken_ns]
        assert moments == sorted(moments)
        steps_ns = timing.encode_ns + timing.write_ns + timing.commit_ns
        assert 0 < steps_ns <= timing.durable_ns - timing.taken_ns
        assert timing.worked_ns
    path.write_bytes(path.read_bytes()[:-10])
    assert len(read_timings(path)) == 2


def test_a_full_device_is_told_once_and_stops_nobody(make_table: Callable[..., str]) -> None:
    said = append(make_table(), Path("/dev/full"), numbers=range(1, 4))
    assert said == [
        "timings cannot be kept in /dev/full: No space left on device; no more of them are"
    ]


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match=r"cannot be kept in .*: Is a directory$"):
        check_place(tmp_path)
    with pytest.raises(WriterError, match="No such file or directory"):
        check_place(tmp_path / "none" / "timings.json")
