"""Whether a column takes what a schema of Avro writes, and what makes its values of it.

Source: Apache Avro 1.12, "Schema Declaration", "Logical types".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any, TypeAlias
from uuid import UUID

import pyarrow as pa

from neuralake.errors import SourceError
from neuralake.sources.json_line import RowError

Convert: TypeAlias = Callable[[Any], Any]
_DIGITS = Context(prec=1000)
_UUID_BYTES = 16
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


def converter(
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
            return converter(names[avro], arrow, names, where)
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
        converter(kind, arrow, names, where)
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


def with_exact_decimals(schema: Any) -> Any:
    """A schema as JSON, with its decimals by the name under which they are not rounded."""
    if isinstance(schema, list):
        return [with_exact_decimals(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: with_exact_decimals(part) for key, part in schema.items()}
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
    converters = [converter(branch, arrow, names, where) for branch in branches]
    if all(convert is None for convert in converters):
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
        inner_convert = converter(field["type"], known[name], names, inner)
        if inner_convert is not None:
            converters[name] = inner_convert
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
    convert = converter(avro["items"], arrow.value_type, names, f"{where}[]")
    return None if convert is None else lambda values: [convert(value) for value in values]


def _of_map(
    avro: Mapping[str, Any], arrow: pa.DataType, names: Mapping[str, Any], where: str
) -> Convert:
    if not _types.is_map(arrow) or not _types.is_string(arrow.key_type):
        raise _misfit(where, "map", arrow)
    convert = converter(avro["values"], arrow.item_type, names, f"{where}[]")
    if convert is None:
        return lambda values: list(values.items())
    return lambda values: [(key, convert(value)) for key, value in values.items()]


def _misfit(where: str, name: str, arrow: pa.DataType) -> SourceError:
    return SourceError(f"its schema has {name} for {where or 'a row'}, which is {arrow}")
