"""The Arrow IPC stream: every value just as the engine has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def encode(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """An answer piece by piece; the schema is the first."""
    sink = _Pieces()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield from sink.take()
        for batch in batches:
            writer.write_batch(batch)
            yield from sink.take()
    yield from sink.take()


class _Pieces:
    """A file that is written, whose content is taken piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: pa.Buffer | bytes) -> int:
        """Keep what is written."""
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> Iterator[bytes]:
        """What was written since."""
        pieces, self._pieces = self._pieces, []
        if pieces:
            yield b"".join(pieces)
