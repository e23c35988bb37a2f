"""What messages hold, as rows: many messages at once, or one by one where one is at fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa

from neuralake.sources.json_line import RowError
from neuralake.sources.json_rows import RowDecoder
from neuralake.sources.kafka.avro import AvroDecoder, OneSchema
from neuralake.sources.kafka.options import KafkaOptions, Security
from neuralake.sources.kafka.registry import Registry


class Decoder(Protocol):
    """Makes rows of messages' values.

    Its two methods agree: what the one refuses is at fault in the other, which says why.
    """

    def decode(self, values: Sequence[bytes]) -> pa.RecordBatch | None:
        """Rows of several messages, in their order; None if one of them may be at fault."""

    def decode_one(self, value: bytes) -> pa.RecordBatch:
        """Rows of one message.

        Raises
        ------
        RowError
            If it is none; the message says why.
        """


class JsonDecoder:
    """One JSON object a message, as :mod:`neuralake.sources.json_rows` reads them.

    Parameters
    ----------
    schema
        Of the table.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._rows = RowDecoder(schema)

    def decode(self, values: Sequence[bytes]) -> pa.RecordBatch | None:
        """A row a message; None if one of them may be at fault."""
        return self._rows.decode_documents(values)

    def decode_one(self, value: bytes) -> pa.RecordBatch:
        """The row of one message.

        Raises
        ------
        RowError
            If it is none.
        """
        return self._rows.batch([self._rows.decode_line(value)])


class ArrowDecoder:
    """One stream of Arrow IPC a message, of any number of rows."""

    def decode(self, values: Sequence[bytes]) -> pa.RecordBatch | None:
        """The rows of several messages of one schema; None if one of them may be at fault."""
        batches: list[pa.RecordBatch] = []
        try:
            for value in values:
                batches += _batches(value)
            table = pa.Table.from_batches(batches)
            table.validate(full=True)
        except (pa.ArrowException, RowError, OSError):
            return None
        return one_batch(table)

    def decode_one(self, value: bytes) -> pa.RecordBatch:
        """The rows of one message.

        Raises
        ------
        RowError
            If it is no stream, or a damaged one.
        """
        try:
            batches = _batches(value)
            table = pa.Table.from_batches(batches)
            table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise RowError(f"it is no stream of Arrow IPC: {error}") from error
        return one_batch(table)


def open_decoder(
    options: KafkaOptions,
    security: Security,
    schema: pa.Schema,
    tell: Callable[[str], None],
    stopped: threading.Event,
) -> Decoder:
    """The decoder of a topic's payload.

    Parameters
    ----------
    options, security
        What messages hold, and what lets in at a registry.
    schema
        Of the table.
    tell
        Told in a line of what troubles.
    stopped
        Set when nobody waits any more.

    Raises
    ------
    SourceError
        If the schema that is given is none.
    """
    if options.payload == "arrow":
        return ArrowDecoder()
    if options.payload == "json":
        return JsonDecoder(schema)
    if options.registry is not None:
        registry = Registry(options.registry, security.registry_user, tell, stopped)
        return AvroDecoder(registry, schema)
    decoder = AvroDecoder(OneSchema(options.avro_schema or ""), schema)
    decoder.check(0)
    return decoder


def _batches(value: bytes) -> list[pa.RecordBatch]:
    content = pa.BufferReader(value)
    with pa.ipc.open_stream(content) as reader:
        batches = list(reader)
        if content.tell() != len(value):
            raise RowError(f"{len(value) - content.tell()} bytes follow the end of its stream")
        return batches or [pa.RecordBatch.from_pylist([], reader.schema)]


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table as one record batch."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
