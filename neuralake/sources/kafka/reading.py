"""Messages divided into rows that fit the table, and letters that nobody could read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from neuralake.errors import NeuralakeError
from neuralake.sources.json_line import RowError
from neuralake.sources.kafka.payload import Decoder, one_batch

if TYPE_CHECKING:
    from confluent_kafka import Message

Fit: TypeAlias = Callable[[pa.RecordBatch], pa.Table]
TOMBSTONE = "it has no value (a tombstone)"


@dataclass(frozen=True)
class Letter:
    """A message that is no row of the table.

    Attributes
    ----------
    topic, partition, offset
        Where it is.
    timestamp_ms
        Its own, in milliseconds since 1970; None where it has none.
    key, value
        As they came.
    reason
        What is wrong with it.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    reason: str


class Reading:
    """Reads messages for a table.

    Parameters
    ----------
    decoder
        Of their payload.
    fit
        What brings rows into the table's columns and holds them against its constraints; it raises
        a ``NeuralakeError`` for those that do not fit.
    schema
        Of the table.
    """

    def __init__(self, decoder: Decoder, fit: Fit, schema: pa.Schema) -> None:
        self._decoder = decoder
        self._fit = fit
        self._none = pa.RecordBatch.from_pylist([], schema)

    def read(
        self, messages: Sequence[Message], refused: Mapping[int, str]
    ) -> tuple[pa.RecordBatch, list[Letter]]:
        """The rows of consecutive messages, and those that are none.

        A message that is at fault costs the others of its batch the fast way, and nothing else.

        Parameters
        ----------
        messages
            Of one partition; there may be none.
        refused
            Offsets of messages that the table has refused already, and why.
        """
        if not messages:
            return self._none, []
        if refused:
            return self._one_by_one(messages, refused)
        values = [message.value() for message in messages]
        batch = None if None in values else self._decode(values)  # type: ignore[arg-type]
        if batch is not None:
            return batch, []
        return self._one_by_one(messages, refused)

    def _decode(self, values: Sequence[bytes]) -> pa.RecordBatch | None:
        batch = self._decoder.decode(values)
        if batch is None:
            return None
        try:
            return one_batch(self._fit(batch))
        except NeuralakeError:
            return None

    def _one_by_one(
        self, messages: Sequence[Message], refused: Mapping[int, str]
    ) -> tuple[pa.RecordBatch, list[Letter]]:
        batches: list[pa.RecordBatch] = []
        letters: list[Letter] = []
        for message in messages:
            value = message.value()
            reason = TOMBSTONE if value is None else refused.get(int(message.offset() or 0))
            if value is None or reason is not None:
                letters.append(_letter(message, reason or TOMBSTONE))
                continue
            try:
                batches.append(one_batch(self._fit(self._decoder.decode_one(value))))
            except (RowError, NeuralakeError) as error:
                letters.append(_letter(message, str(error)))
        if not batches:
            return self._none, letters
        return one_batch(pa.Table.from_batches(batches)), letters


def _letter(message: Message, reason: str) -> Letter:
    from confluent_kafka import TIMESTAMP_NOT_AVAILABLE

    kind, timestamp_ms = message.timestamp()
    return Letter(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        timestamp_ms=None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp_ms,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        reason=reason,
    )


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
