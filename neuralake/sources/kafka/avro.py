"""Records of Avro as rows of a table's schema.

A message is a record by itself, without the schema it was written with: that is in a file, or in a
registry under the number before the record. Whether a column takes what a schema writes is found
out once a schema; values are decoded by fastavro. Source: Apache Avro 1.12, "Binary encoding",
"Logical types"; Confluent, "Wire format".
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import pyarrow as pa

from neuralake.errors import SourceError, reason_of
from neuralake.sources.json_line import RowError
from neuralake.sources.json_rows import row_type

Convert: TypeAlias = Callable[[Any], Any]
_MAGIC = 0
_DIGITS = Context(prec=1000)
_UUID_BYTES = 16
_HEADER = struct.Struct(">bI")
_types = pa.types
# fastavro rounds to the schema's precision, so that it is given decimals as bytes
_EXACT = "exact-decimal"
_LONGEST_DECIMAL = 256  # bytes; 16 are as much as a column can hold, and more may be padding
# What columns of a kind take, by what Avro calls it
_TAKES: Mapping[str, Callable[[pa.DataType], bool]] = {
    "boolean": _types.is_boolean,
    "int": _types.is_integer,
    "long": _types.is_integer,
    "float": _types.is_floating,
    "double": _types.is_float64,
    "string": _types.is_string,
    "enum": _types.is_string,
    "bytes": _types.is_binary,
    "fixed": _types.is_binary,
    "uuid": _types.is_string,
    _EXACT: _types.is_decimal,
    "date": _types.is_date32,
    "timestamp-millis": lambda kind: _types.is_timestamp(kind) and kind.tz is not None,
    "timestamp-micros": lambda kind: _types.is_timestamp(kind) and kind.tz is not None,
    "local-timestamp-millis": lambda kind: _types.is_timestamp(kind) and kind.tz is None,
    "local-timestamp-micros": lambda kind: _types.is_timestamp(kind) and kind.tz is None,
}
_LOGICAL = {
    _EXACT: ("bytes", "fixed"),
    "uuid": ("string", "fixed"),
    "date": ("int",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
}
# Which fastavro makes into what no column takes
_TIMES = ("time-millis", "time-micros")


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
            parsed = parse_schema(_with_exact_decimals(json.loads(text)), named_schemas=names)
        except Exception as error:
            raise SourceError(f"its schema is none of Avro: {reason_of(error)}") from error
        if not isinstance(parsed, dict) or parsed.get("type") not in ("record", "error"):
            raise SourceError("its schema is of no record, which a row is made of")
        return cls(parsed, _converter(parsed, pa.struct(list(schema)), names, ""))

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


def _converter(
    avro: Any, arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert | None:
    """What makes a value of a column of what fastavro reads; None where it is one.

    Raises
    ------
    SourceError
        If the column does not take what the schema writes.
    """
    if isinstance(avro, list):
        return _of_union(avro, arrow, names, where)
    if isinstance(avro, str):
        if avro in names:
            return _converter(names[avro], arrow, names, where)
        return _of_plain(avro, arrow, where)
    kind, logical = avro["type"], avro.get("logicalType")
    if logical in _TIMES:
        raise _misfit(where, logical, arrow)
    if logical in _LOGICAL and kind in _LOGICAL[logical]:
        return _of_logical(logical, avro, arrow, where)
    if kind in ("record", "error"):
        return _of_record(avro, arrow, names, where)
    if kind == "array":
        return _of_array(avro, arrow, names, where)
    if kind == "map":
        return _of_map(avro, arrow, names, where)
    return (
        _converter(kind, arrow, names, where)
        if kind not in _TAKES
        else _of_plain(kind, arrow, where)
    )


def _of_logical(
    name: str, avro: Mapping[str, Any], arrow: pa.DataType, where: str
) -> Convert | None:
    _check_takes(name, arrow, where)
    if name == _EXACT:
        return _decimal_of(avro.get("scale", 0))
    if name == "uuid":
        return str if avro["type"] == "string" else _uuid_of
    return None


def _of_plain(name: str, arrow: pa.DataType, where: str) -> Convert | None:
    if name != "null":
        _check_takes(name, arrow, where)
    return None


def _check_takes(name: str, arrow: pa.DataType, where: str) -> None:
    if not _TAKES.get(name, lambda _: False)(arrow):
        raise _misfit(where, "decimal" if name == _EXACT else name, arrow)


def _with_exact_decimals(schema: Any) -> Any:
    """A schema as JSON, with its decimals by the name under which they are not rounded."""
    if isinstance(schema, list):
        return [_with_exact_decimals(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_exact_decimals(part) for key, part in schema.items()}
    if found.get("logicalType") == "decimal" and found.get("type") in _LOGICAL[_EXACT]:
        scale, precision = found.get("scale", 0), found.get("precision")
        if type(scale) is type(precision) is int and 0 <= scale <= precision and precision > 0:
            found["logicalType"] = _EXACT
        else:  # which is to be ignored
            del found["logicalType"]
    return found


def _decimal_of(scale: int) -> Convert:
    def convert(value: bytes) -> Decimal:
        if len(value) > _LONGEST_DECIMAL:
            raise RowError(f"it has a decimal of {len(value)} bytes")
        return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _DIGITS)

    return convert


def _uuid_of(value: bytes) -> str:
    if len(value) != _UUID_BYTES:
        raise RowError(f"it has a uuid of {len(value)} bytes: expected {_UUID_BYTES}")
    return str(UUID(bytes=value))


def _of_union(
    avro: list[Any], arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert | None:
    branches = [branch for branch in avro if branch != "null"]
    converters = [_converter(branch, arrow, names, where) for branch in branches]
    if all(converter is None for converter in converters):
        return None
    if len(converters) > 1:
        raise SourceError(f"its schema has several kinds for {where}, of which one is a map")
    convert = converters[0]
    assert convert is not None  # noqa: S101 - not all are None
    return lambda value: None if value is None else convert(value)


def _of_record(
    avro: Mapping[str, Any], arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert | None:
    if not _types.is_struct(arrow) or not avro["fields"]:
        raise _misfit(where, "record", arrow)
    known = {field.name: field.type for field in arrow}
    converters = {}
    for field in avro["fields"]:
        name = field["name"]
        inner = f"{where}.{name}" if where else name
        if name not in known:
            raise SourceError(f"its schema has {inner}, of which the table has no column")
        converter = _converter(field["type"], known[name], names, inner)
        if converter is not None:
            converters[name] = converter
    if not converters:
        return None

    def convert(record: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**record, **{name: make(record[name]) for name, make in converters.items()}}

    return convert


def _of_array(
    avro: Mapping[str, Any], arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert | None:
    # Of what takes no bytes a short message could hold any number
    if not _types.is_list(arrow) or avro["items"] == "null":
        raise _misfit(where, "array", arrow)
    convert = _converter(avro["items"], arrow.value_type, names, f"{where}[]")
    return None if convert is None else lambda values: [convert(value) for value in values]


def _of_map(
    avro: Mapping[str, Any], arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert:
    if not _types.is_map(arrow) or not _types.is_string(arrow.key_type):
        raise _misfit(where, "map", arrow)
    convert = _converter(avro["values"], arrow.item_type, names, f"{where}[]")
    if convert is None:
        return lambda values: list(values.items())
    return lambda values: [(key, convert(value)) for key, value in values.items()]


def _misfit(where: str, name: str, arrow: pa.DataType) -> SourceError:
    return SourceError(f"its schema has {name} for {where or 'a row'}, which is {arrow}")
