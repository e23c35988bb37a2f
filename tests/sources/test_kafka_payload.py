"""A message of Arrow's is one stream, and nothing beyond it."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest

from neuralake.sources.json_line import RowError
from neuralake.sources.kafka.payload import ArrowDecoder

BATCH = pa.record_batch({"id": [1, 2]})


def stream(batches: int = 1) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, BATCH.schema) as writer:
        for _ in range(batches):
            writer.write_batch(BATCH)
    return sink.getvalue()


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_all_batches_of_a_stream_are_its_rows(batches: int) -> None:
    reading = ArrowDecoder()
    assert reading.decode_one(stream(batches)).num_rows == 2 * batches
    found = reading.decode([stream(batches), stream(1)])
    assert found is not None
    assert found.num_rows == 2 * batches + 2


@pytest.mark.parametrize("more", [stream(), stream()[:40], b"x"])
def test_what_follows_a_stream_is_not_passed_over(more: bytes) -> None:
    reading = ArrowDecoder()
    assert reading.decode([stream() + more]) is None
    with pytest.raises(RowError, match=f"{len(more)} bytes follow the end of its stream"):
        reading.decode_one(stream() + more)
