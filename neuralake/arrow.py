"""Arrow types without the choice of their encoding: what is one type to whoever reads a table."""

from __future__ import annotations

import pyarrow as pa


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """A schema with every type plain (:func:`plain_type`), without metadata."""
    return pa.schema([pa.field(f.name, plain_type(f.type), f.nullable) for f in schema])


def plain_type(dtype: pa.DataType) -> pa.DataType:
    """A type without the choice of its encoding: one string, one binary and one list type.

    Names and nullability inside a list or map are the writer's habit (``item``, ``element``), and
    are dropped likewise.
    """
    types = pa.types
    if types.is_large_string(dtype) or types.is_string_view(dtype):
        return pa.string()
    if types.is_large_binary(dtype) or types.is_binary_view(dtype):
        return pa.binary()
    if types.is_dictionary(dtype):
        return plain_type(dtype.value_type)
    if types.is_map(dtype):
        return pa.map_(plain_type(dtype.key_type), plain_type(dtype.item_type))
    if types.is_fixed_size_list(dtype):
        return pa.list_(plain_type(dtype.value_type), dtype.list_size)
    if types.is_list(dtype) or types.is_large_list(dtype) or _is_list_view(dtype):
        return pa.list_(plain_type(dtype.value_type))
    if types.is_struct(dtype):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in dtype])
    return dtype


def _is_list_view(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype))
