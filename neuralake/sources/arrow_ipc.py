"""Arrow's streaming format on standard input: what any Arrow library writes into a pipe.

Source: Arrow Columnar Format, "IPC Streaming Format", "Encapsulated message format".
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa

from neuralake.errors import SourceError, reason_of
from neuralake.sources.pipe import Pipe
from neuralake.sources.source import Delivery

_CONTINUATION = b"\xff\xff\xff\xff"  # with which every message begins
_FILE_MAGIC = b"ARROW1"
_READ_BYTES = 1 << 20
_EXPECTED = "expected the streaming format, such as pyarrow.ipc.new_stream writes"


class ArrowStream:
    """Batches of an Arrow stream, or of several, one after another, as ``cat`` puts them together.

    Parameters
    ----------
    pipe
        Where it comes from.
    name
        What it is called in messages.
    """

    address: str | None = None
    is_repeatable = False
    rejected = 0

    def __init__(self, pipe: Pipe, name: str = "standard input") -> None:
        self._pipe = pipe
        self._name = name

    def batches(self) -> Iterator[Delivery]:
        """The batches of the stream; one without rows is passed over.

        Raises
        ------
        SourceError
            If it is no Arrow stream, it breaks off within a batch, or something else follows it:
            the batches before were delivered.
        """
        self._check_beginning()
        content = io.BufferedReader(self._pipe, _READ_BYTES)
        whole = 0
        try:
            is_more = True
            while is_more:
                for batch in pa.ipc.open_stream(content):
                    batch.validate(full=True)
                    whole += 1
                    if batch.num_rows:
                        yield Delivery(batch)
                is_more = self._has_another(content, whole)
        except (pa.ArrowException, OSError) as error:
            if self._pipe.is_stopped:  # the end that it saw was ours
                return
            raise SourceError(
                f"{self._name} breaks off or is damaged in batch {whole + 1} of its Arrow stream, "
                f"after {whole} whole ones: {reason_of(error)}"
            ) from error

    def close(self) -> None:
        """Read nothing more."""
        self._pipe.stop()

    def _has_another(self, content: io.BufferedReader[Pipe], whole: int) -> bool:
        """Whether another stream follows the end of one."""
        first = content.peek(len(_CONTINUATION))[: len(_CONTINUATION)]
        if not first or self._pipe.is_stopped:
            return False
        if not _CONTINUATION.startswith(first):
            raise SourceError(
                f"{self._name} goes on after the end of its Arrow stream, {whole} batches in all, "
                f"with {first!r}: expected its end, or another stream"
            )
        return True

    def _check_beginning(self) -> None:
        """Refuse what cannot be an Arrow stream.

        Arrow takes the first bytes for a length whatever they are, and would wait for two gigabytes
        of a text.
        """
        first = self._pipe.peek(len(_FILE_MAGIC))
        if first.startswith(_CONTINUATION) or self._pipe.is_stopped:
            return
        if not first:
            raise SourceError(f"{self._name} is empty, which is no Arrow stream: {_EXPECTED}")
        begins = "it is an Arrow file" if first == _FILE_MAGIC else f"it begins with {first!r}"
        raise SourceError(f"{self._name} is no Arrow stream, {begins}: {_EXPECTED}")
