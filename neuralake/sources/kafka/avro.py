"""Records of Avro as rows of a table's schema.

A message is a record by itself, without the schema it was written with: that is in a file, or in a
registry under the number before the record. Values are decoded by fastavro. Source: Apache Avro
1.12, "Binary encoding"; Confluent, "Wire format".
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from neuralake.errors import SourceError, reason_of
from neuralake.sources.json_line import RowError
from neuralake.sources.json_rows import row_type
from neuralake.sources.kafka.avro_values import Convert, converter, with_exact_decimals

_MAGIC = 0
_HEADER = struct.Struct(">bI")


class Schemas(Protocol):
    """Where the schemas of messages are."""

    def split(self, value: bytes) -> tuple[int, int]:
        """Number of a message's schema, and where its record begins.

        Raises
        ------
        RowError
            If it has none.
        """

    def text(self, number: int) -> str:
        """A schema, as JSON.

        Raises
        ------
        RowError
            If there is none of that number.
        """


@dataclass(frozen=True)
class OneSchema:
    """The same schema for all messages, of which nothing is said in them.

    Attributes
    ----------
    json
        The schema.
    """

    json: str

    def split(self, value: bytes) -> tuple[int, int]:  # noqa: ARG002
        """Always the same."""
        return 0, 0

    def text(self, number: int) -> str:  # noqa: ARG002
        """Always the same."""
        return self.json


def framed(value: bytes) -> tuple[int, int]:
    """Number of the schema of a message that a registry's client has written.

    Raises
    ------
    RowError
        If the message does not begin so.
    """
    if len(value) < _HEADER.size or value[0] != _MAGIC:
        raise RowError("it does not begin with the number of a schema (a zero and four bytes)")
    return _HEADER.unpack_from(value)[1], _HEADER.size


class AvroDecoder:
    """One record of Avro a message.

    Parameters
    ----------
    schemas
        With what they were written.
    schema
        Of the table.
    """

    def __init__(self, schemas: Schemas, schema: pa.Schema) -> None:
        self._schemas = schemas
        self._schema = pa.schema(
            [pa.field(f.name, row_type(f.type), f.nullable) for f in schema.remove_metadata()]
        )
        self._writers: dict[int, _Writer | RowError] = {}

    def decode(self, values: Sequence[bytes]) -> pa.RecordBatch | None:
        """A row a message; None if one of them may be at fault."""
        try:
            return self._batch([self._record(value) for value in values])
        except RowError:
            return None

    def decode_one(self, value: bytes) -> pa.RecordBatch:
        """The row of one message.

        Raises
        ------
        RowError
            If it is none.
        """
        return self._batch([self._record(value)])

    def check(self, number: int) -> None:
        """Refuse a schema that is none, or of which no record is a row of the table.

        Raises
        ------
        SourceError
            With the reason.
        """
        writer = self._writers[number] = self._writer(number)
        if isinstance(writer, RowError):
            raise SourceError(f"no record can be read: {writer}")

    def _batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        try:
            array = pa.array(rows, pa.struct(list(self._schema)))
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise RowError(f"it does not fit the table: {reason_of(error)}") from error
        return pa.RecordBatch.from_arrays(array.flatten(), schema=self._schema)

    def _record(self, value: bytes) -> Mapping[str, Any]:
        number, start = self._schemas.split(value)
        writer = self._writers.get(number)
        if writer is None:
            writer = self._writers[number] = self._writer(number)
        if isinstance(writer, RowError):
            raise RowError(str(writer))
        return writer.read(value, start)

    def _writer(self, number: int) -> _Writer | RowError:
        text = self._schemas.text(number)
        try:
            return _Writer.of(text, self._schema)
        except SourceError as error:
            return RowError(str(error))


@dataclass(frozen=True)
class _Writer:
    """How records of one schema are read.

    Attributes
    ----------
    parsed
        As fastavro has parsed it.
    convert
        What makes a row of a record; None where it is one.
    """

    parsed: Any
    convert: Convert | None

    @classmethod
    def of(cls, text: str, schema: pa.Schema) -> _Writer:
        """Of a schema as JSON, for a table.

        Raises
        ------
        SourceError
            If it is none, or writes what the table does not take.
        """
        import json

        from fastavro import parse_schema

        names: dict[str, Any] = {}
        try:
            parsed = parse_schema(with_exact_decimals(json.loads(text)), named_schemas=names)
        except Exception as error:
            raise SourceError(f"its schema is none of Avro: {reason_of(error)}") from error
        if not isinstance(parsed, dict) or parsed.get("type") not in ("record", "error"):
            raise SourceError("its schema is of no record, which a row is made of")
        return cls(parsed, converter(parsed, pa.struct(list(schema)), names, ""))

    def read(self, value: bytes, start: int) -> Mapping[str, Any]:
        """The row of a message whose record begins somewhere.

        Raises
        ------
        RowError
            If there is no whole record, or more than one.
        """
        from fastavro import schemaless_reader

        content = io.BytesIO(value)
        content.seek(start)
        try:
            record: Any = schemaless_reader(content, self.parsed, None)
        except Exception as error:
            raise RowError(f"it is no record of its schema: {reason_of(error)}") from error
        if content.tell() != len(value):
            left = len(value) - content.tell()
            raise RowError(f"it is no record of its schema: {left} bytes follow one")
        row: Mapping[str, Any] = record if self.convert is None else self.convert(record)
        return row
