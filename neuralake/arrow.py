"""Arrow types without the choice of their encoding: what is one type to whoever reads a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

DECIMAL_DIGITS = 38  # of a decimal of 128 bits: all that most engines have


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """A schema with every type plain (:func:`plain_type`), without metadata."""
    return pa.schema([pa.field(f.name, plain_type(f.type), f.nullable) for f in schema])


def without_metadata(schema: pa.Schema) -> pa.Schema:
    """A schema without metadata, its own and that of its columns."""
    return pa.schema([pa.field(f.name, f.type, f.nullable) for f in schema])


def plain_type(dtype: pa.DataType) -> pa.DataType:  # noqa: PLR0911 - a table of types
    """A type without the choice of its encoding: one string, binary, list, date and decimal type.

    Names and nullability inside a list or map are the writer's habit (``item``, ``element``), and
    are dropped likewise.
    """
    types = pa.types
    if types.is_large_string(dtype) or types.is_string_view(dtype):
        return pa.string()
    if types.is_large_binary(dtype) or types.is_binary_view(dtype):
        return pa.binary()
    if types.is_dictionary(dtype) or types.is_run_end_encoded(dtype):
        return plain_type(dtype.value_type)
    if types.is_date64(dtype):
        return pa.date32()
    if types.is_decimal(dtype) and dtype.precision <= DECIMAL_DIGITS and dtype.scale >= 0:
        return pa.decimal128(dtype.precision, dtype.scale)
    if types.is_map(dtype):
        return pa.map_(plain_type(dtype.key_type), plain_type(dtype.item_type))
    if types.is_fixed_size_list(dtype):
        return pa.list_(plain_type(dtype.value_type), dtype.list_size)
    if types.is_list(dtype) or types.is_large_list(dtype) or _is_list_view(dtype):
        return pa.list_(plain_type(dtype.value_type))
    if types.is_struct(dtype):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in dtype])
    return dtype


def types_in(kind: pa.DataType) -> Iterator[pa.DataType]:
    """A type, and those within it."""
    yield kind
    if pa.types.is_dictionary(kind):
        yield from types_in(kind.value_type)
    for position in range(kind.num_fields):
        yield from types_in(kind.field(position).type)


def _is_list_view(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype))


def encoding(footer: pq.FileMetaData) -> tuple[object, ...]:
    """What tells the columns of Parquet files apart beyond their types.

    To Arrow two maps are of one type whatever their entries are called, and a large string is one
    of its own; to a reader that merges the schemas of files it may be otherwise.
    """
    schema = footer.schema
    leaves = [schema.column(i) for i in range(len(schema.names))]
    stored = tuple((leaf.path, leaf.physical_type, str(leaf.logical_type)) for leaf in leaves)
    return stored, bytes(schema.to_arrow_schema().remove_metadata().serialize())


def int96_columns(footer: pq.FileMetaData) -> frozenset[str]:
    """Columns of a Parquet file, by their paths, that are stored as INT96: times of old."""
    schema = footer.schema
    leaves = (schema.column(i) for i in range(len(schema.names)))
    return frozenset(leaf.path for leaf in leaves if leaf.physical_type == "INT96")


def stored_schema(footer: pq.FileMetaData) -> pa.Schema:
    """Schema of a Parquet file, INT96 as microseconds.

    Arrow takes INT96 for nanoseconds, in which there is no time before 1677 or after 2262; Spark,
    which writes it by default, has microseconds.
    """
    schema = footer.schema.to_arrow_schema()
    for path in int96_columns(footer):
        position = next(i for i, n in enumerate(schema.names) if holds_leaf(schema.field(i), path))
        field = schema.field(position)
        schema = schema.set(position, field.with_type(with_times(field.type, pa.timestamp("us"))))
    return schema


def holds_leaf(field: pa.Field, path: str) -> bool:
    """Whether a path of Parquet, ``a.list.element``, is of a column: a name may have dots, too."""
    if pa.types.is_nested(field.type):
        return path.startswith(f"{field.name}.")
    return bool(path == field.name)


def with_times(kind: pa.DataType, time: pa.DataType) -> pa.DataType:
    """A type with every timestamp in it replaced by another."""
    return _with_each_time(kind, lambda _: time)


def in_utc(schema: pa.Schema) -> pa.Schema:
    """A schema whose moments are told in UTC, whatever zone they were told in.

    A zone changes no moment, but its day and its hour, which some engines take by the zone of the
    column, and others by that of the session: UTC.
    """
    return pa.schema([f.with_type(_with_each_time(f.type, _told_in_utc)) for f in schema])


def _told_in_utc(kind: pa.DataType) -> pa.DataType:
    return kind if kind.tz is None else pa.timestamp(kind.unit, "UTC")


def _with_each_time(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    types = pa.types
    if types.is_timestamp(kind):
        return change(kind)
    if types.is_struct(kind):
        return pa.struct([f.with_type(_with_each_time(f.type, change)) for f in kind])
    if types.is_map(kind):
        parts = (_with_each_time(part, change) for part in (kind.key_type, kind.item_type))
        return pa.map_(*parts)
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_with_each_time(kind.value_type, change)))
    return kind
