"""Columns in the one encoding of their logical type, whichever an engine chose.

Dictionaries, run ends, views, 32-bit offsets and extension types are how values are stored and
not what they are. Here they are taken off, at every depth, so that whatever reads a result needs
to know few types. What is left: null, bool, integers, floats, decimal128 and 256, large_string,
large_binary, date32, time64[ns], timestamp, duration, month_day_nano_interval, large_list, struct
and map.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.errors import QueryError

ROWS_A_BATCH = 1 << 18
# Types that pyarrow can carry but not open.
_CLOSED = ("month_interval", "day_time_interval")


def plain(array: pa.Array) -> pa.Array:
    """The values of an array in the one encoding of their logical type.

    Parameters
    ----------
    array
        Of any type, sliced or not. A UUID becomes its text, a union a struct of which one field at
        most has a value, and an unknown extension type its storage.
    """
    dtype = array.type
    if isinstance(dtype, pa.BaseExtensionType):
        return _without_extension(array)
    if pa.types.is_dictionary(dtype):
        return plain(array.dictionary).take(array.indices)
    if pa.types.is_run_end_encoded(dtype):
        logical = np.arange(array.offset, array.offset + len(array))
        runs = np.searchsorted(array.run_ends.to_numpy(), logical, side="right")
        return plain(array.values).take(pa.array(runs, pa.int64()))
    if pa.types.is_union(dtype):
        return _struct_of_union(array)
    if pa.types.is_struct(dtype):
        return _struct(array)
    if pa.types.is_map(dtype):
        return _map(array)
    if pa.types.is_nested(dtype):
        return _large_list(array)
    target = _plain_type(dtype)
    return array if target == dtype else array.cast(target, safe=False)


def plain_batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows of a table in plain columns, batch by batch; one batch at least.

    Raises
    ------
    QueryError
        If a column is of a type that pyarrow cannot open.
    """
    for field in table.schema:
        if str(field.type) in _CLOSED:
            raise QueryError(
                f"column {field.name} is of type {field.type}, which pyarrow cannot read: "
                f"expected an interval of months, days and nanoseconds, or a duration"
            )
    batches = table.to_batches(max_chunksize=ROWS_A_BATCH)
    if not batches:
        empty = [pa.nulls(0, dtype) for dtype in table.schema.types]
        batches = [pa.RecordBatch.from_arrays(empty, names=table.column_names)]
    for batch in batches:
        yield plain_batch(batch)


def plain_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of a batch in plain columns, of the same names."""
    columns = [plain(column) for column in batch.columns]
    fields = [pa.field(n, c.type) for n, c in zip(batch.schema.names, columns, strict=True)]
    if not fields:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * batch.num_rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _plain_type(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_string(dtype) or pa.types.is_string_view(dtype):
        return pa.large_string()
    if (
        pa.types.is_binary(dtype)
        or pa.types.is_binary_view(dtype)
        or pa.types.is_fixed_size_binary(dtype)
    ):
        return pa.large_binary()
    if pa.types.is_decimal(dtype) and dtype.scale < 0:
        return pa.decimal256(min(dtype.precision - dtype.scale, 76), 0)
    if pa.types.is_decimal32(dtype) or pa.types.is_decimal64(dtype):
        return pa.decimal128(dtype.precision, dtype.scale)
    if pa.types.is_date64(dtype):
        return pa.date32()
    if pa.types.is_time(dtype):
        return pa.time64("ns")
    return dtype


def _without_extension(array: pa.ExtensionArray) -> pa.Array:
    name = array.type.extension_name
    values = plain(array.storage)
    if name == "arrow.bool8":
        return values.cast(pa.bool_())
    if name == "arrow.uuid":
        texts = [None if v is None else _uuid(v) for v in values.to_pylist()]
        return pa.array(texts, pa.large_string())
    return values


def _uuid(value: bytes) -> str:
    digits = value.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _struct(array: pa.StructArray) -> pa.Array:
    children = [plain(child) for child in array.flatten()]
    names = [array.type.field(i).name for i in range(array.type.num_fields)]
    return _make_struct(children, names, array.is_null())


def _make_struct(children: list[pa.Array], names: list[str], mask: pa.Array) -> pa.Array:
    if not children:
        return (
            pa.nulls(len(mask), pa.struct([]))
            if pc.all(mask).as_py()
            else pa.array([None if null else {} for null in mask.to_pylist()], pa.struct([]))
        )
    fields = [pa.field(name, child.type) for name, child in zip(names, children, strict=True)]
    return pa.StructArray.from_arrays(children, fields=fields, mask=mask)


def _struct_of_union(array: pa.UnionArray) -> pa.Array:
    """One field of each row has its value, the others have none."""
    dtype = array.type
    # pyarrow's own accessors tell the codes and offsets of the first rows, whatever the slice
    rows = slice(array.offset, array.offset + len(array))
    buffers = array.buffers()
    codes = np.frombuffer(buffers[1], np.int8)[rows]
    dense = dtype.mode == "dense"
    places = np.frombuffer(buffers[2], np.int32)[rows] if dense else np.arange(len(array))
    children = []
    for position, code in enumerate(dtype.type_codes):
        indices = pa.array(places.astype(np.int64), mask=codes != code)
        children.append(plain(array.field(position)).take(indices))
    names = [dtype.field(i).name for i in range(dtype.num_fields)]
    return _make_struct(children, names, pa.array(np.zeros(len(array), np.bool_)))


def _offsets(lists: pa.Array) -> pa.Array:
    """Where each row's values begin in the flattened array; a null row has none."""
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    lengths = np.where(lists.is_valid().to_numpy(zero_copy_only=False), lengths, 0)
    return pa.array(np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))))


def _large_list(array: pa.Array) -> pa.Array:
    values = plain(array.flatten())
    made = pa.LargeListArray.from_arrays(_offsets(array), values, mask=array.is_null())
    return made.cast(pa.large_list(pa.field("item", values.type)))


def _map(array: pa.MapArray) -> pa.Array:
    key, value = array.type.key_field, array.type.item_field
    entry = pa.struct([key.with_name("key"), value.with_name("value")])
    lists = array.cast(pa.large_list(entry))
    keys, values = (plain(child) for child in lists.flatten().flatten())
    offsets = _offsets(lists).cast(pa.int32())
    return pa.MapArray.from_arrays(offsets, keys, values, mask=lists.is_null())
