"""Arrow types as Spark holds them."""

from __future__ import annotations

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.errors import EngineError

_UNSIGNED = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
}
_MOST_DIGITS = 38


def spark_schema(table: str, schema: pa.Schema, engine: str = "Spark") -> pa.Schema:
    """A table's columns in the types in which Spark reads them.

    Unsigned integers become the next wider signed type, which is how Spark reads them from Parquet;
    encodings (views, dictionaries) are dropped.

    Parameters
    ----------
    table
        Its name.
    schema
        Its columns.
    engine
        With Spark's types, for messages.

    Raises
    ------
    EngineError
        If Spark has no type for a column: it names the table, the column and its type.
    """
    fields = []
    for field in schema:
        kind = _held(field.type)
        if kind is None:
            raise EngineError(
                f"table {table}: {engine} has no type for column {field.name}, "
                f"which is {field.type}"
            )
        fields.append(pa.field(field.name, kind, field.nullable))
    return pa.schema(fields)


def _held(kind: pa.DataType) -> pa.DataType | None:
    """The type in which Spark holds one of Arrow, or None."""
    types = pa.types
    kind = plain_type(kind)
    if types.is_run_end_encoded(kind):
        return _held(kind.value_type)
    if not types.is_nested(kind):
        return _held_scalar(kind)
    children = [_held(kind.field(i).type) for i in range(kind.num_fields)]
    if types.is_map(kind):
        children = [_held(kind.key_type), _held(kind.item_type)]
    if None in children:
        return None
    if types.is_map(kind):
        return pa.map_(*children)
    if types.is_struct(kind):
        return pa.struct([f.with_type(t) for f, t in zip(kind, children, strict=True)])
    is_list = types.is_list(kind) or types.is_fixed_size_list(kind)
    return pa.list_(children[0]) if is_list else None


def _held_scalar(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_float16(kind):
        return pa.float32()
    if types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale) if kind.precision <= _MOST_DIGITS else None
    if types.is_timestamp(kind) and kind.unit != "ns":
        return pa.timestamp("us", kind.tz)
    if types.is_duration(kind) and kind.unit != "ns":
        return pa.duration("us")
    if types.is_temporal(kind) and not types.is_date(kind):
        return None
    return _UNSIGNED.get(kind, kind)
