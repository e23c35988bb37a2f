"""A batch in the columns and types of its table, or what does not fit, by name.

What is said in another way is accepted: dictionaries, views, large and run-end encoded arrays, a
missing column that may be null, a wider or narrower integer whose values fit. What would change a
value, or guess at one, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.writer.errors import BatchError
from neuralake.writer.relabel import relabelled

_types = pa.types


def conform(batch: pa.RecordBatch | pa.Table, schema: pa.Schema) -> pa.Table:
    """A batch with just the columns of a table, in its order and with its types.

    Parameters
    ----------
    batch
        Any number of rows.
    schema
        Of the table.

    Raises
    ------
    BatchError
        If a column is missing, unknown, twice there, has a value that does not fit or a null where
        the table has none.
    """
    if _fits_as_it_is(batch, schema):  # as most do
        return pa.Table.from_arrays(batch.columns, schema=schema)
    names = batch.schema.names
    for name in names:
        if names.count(name) > 1:
            raise BatchError(f"the batch has two columns {name!r}")
        if schema.get_field_index(name) < 0:
            raise BatchError(_unknown(name, schema))
    columns = []
    for field in schema:
        if field.name in names:
            values = batch.column(field.name)
            chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
            columns.append(
                pa.chunked_array([fit(chunk, field, field.name) for chunk in chunks], field.type)
            )
        elif field.nullable:
            columns.append(pa.chunked_array([pa.nulls(batch.num_rows, field.type)]))
        else:
            raise BatchError(f"the batch lacks the column {field.name!r}, which may not be null")
    return pa.Table.from_arrays(columns, schema=schema)


def check_batch(batch: object) -> None:
    """Refuse what is no batch of Arrow.

    Raises
    ------
    BatchError
        If it is of another kind.
    """
    if not isinstance(batch, pa.RecordBatch | pa.Table):
        kind = type(batch)
        raise BatchError(
            f"the batch is a {kind.__module__.partition('.')[0]}.{kind.__qualname__}: "
            "expected a pyarrow.RecordBatch or pyarrow.Table"
        )


def fit(values: pa.Array, field: pa.Field, name: str) -> pa.Array:
    """Values in the type of a field.

    Parameters
    ----------
    values
        Of a column, or of what is within one.
    field
        Of the table.
    name
        For messages.

    Raises
    ------
    BatchError
        If one does not fit.
    """
    fitted = _fit(_decoded(values), field.type, name)
    if not field.nullable and fitted.null_count:
        raise BatchError(_null(name, fitted))
    return fitted


def _fit(values: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    given = values.type
    if _types.is_null(given):
        return pa.nulls(len(values), kind)
    if _types.is_struct(kind) and _types.is_struct(given):
        return _struct(values, kind, name)
    if _is_list(kind) and _is_list(given):
        if not _types.is_list(given) and not _is_view(given):
            values = values.cast(pa.list_(given.value_type))
        items = fit(values.flatten(), kind.value_field, f"{name}.element")
        return pa.ListArray.from_arrays(_offsets(values), items, kind)
    if _types.is_map(kind) and _types.is_map(given):
        return _map(values, kind, name)
    if given == kind:
        return values
    if not any(is_a(given) and is_a(kind) for is_a in _FAMILIES) or _mixes_zones(given, kind):
        raise BatchError(f"column {name!r} is {given}, and the table has {kind}")
    try:
        fitted = values.cast(kind)
        if _types.is_floating(kind) and kind.bit_width < given.bit_width:
            _check_exact(values, fitted, name)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise BatchError(f"column {name!r} has a value that is no {kind}: {reason}") from error
    return fitted


def _check_exact(values: pa.Array, fitted: pa.Array, name: str) -> None:
    """Refuse a float with more digits than the narrower type holds."""
    changed = pc.and_not(pc.not_equal(fitted.cast(values.type), values), pc.is_nan(values))
    if pc.any(changed).as_py():
        value = values[pc.index(changed, True).as_py()]
        raise BatchError(f"column {name!r} has {value}, which is no {fitted.type} exactly")


def _struct(values: pa.StructArray, kind: pa.StructType, name: str) -> pa.StructArray:
    present = [field.name for field in values.type]
    for extra in present:
        if kind.get_field_index(extra) < 0:
            raise BatchError(_unknown(f"{name}.{extra}", pa.schema(list(kind)), extra))
    nulls = values.is_null()
    children = values.flatten()  # with the struct's own nulls
    fitted = []
    for field in kind:
        path = f"{name}.{field.name}"
        if field.name in present:
            child = children[present.index(field.name)]
            # A null struct has no fields that could be null
            fitted.append(fit(child, field.with_nullable(True), path))
            if not field.nullable and pc.any(pc.and_not(child.is_null(), nulls)).as_py():
                raise BatchError(f"column {path!r} has a null, and may not")
        elif field.nullable:
            fitted.append(pa.nulls(len(values), field.type))
        else:
            raise BatchError(f"the batch lacks the column {path!r}, which may not be null")
    fields = [field.with_nullable(True) for field in kind]
    built = pa.StructArray.from_arrays(fitted, fields=fields, mask=nulls)
    return relabelled(built, kind)


def _map(values: pa.MapArray, kind: pa.MapType, name: str) -> pa.MapArray:
    plain = values.cast(pa.list_(pa.struct([values.type.key_field, values.type.item_field])))
    entries = plain.flatten()
    keys = fit(entries.field(0), kind.key_field, f"{name}.key")
    items = fit(entries.field(1), kind.item_field, f"{name}.value")
    return pa.MapArray.from_arrays(_offsets(plain), keys, items, kind)


def _decoded(values: pa.Array) -> pa.Array:
    """Values without what only encodes them."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if _types.is_dictionary(values.type):
        values = values.dictionary_decode()
    elif _types.is_run_end_encoded(values.type):
        ends = values.run_ends.to_numpy()
        places = np.arange(values.offset, values.offset + len(values))
        # which decodes values of any type, those that are encoded themselves, too
        runs = np.searchsorted(ends, places, side="right")
        values = _decoded(values.values.take(pa.array(runs)))
    return values


def _offsets(values: pa.Array) -> pa.Array:
    """Offsets into the list's ``flatten()``, with a null where the list is null."""
    lengths = pc.fill_null(pc.list_value_length(values), 0)
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    if not values.null_count:
        return offsets
    absent = pa.concat_arrays([values.is_null(), pa.array([False])])
    return pc.if_else(absent, pa.scalar(None, pa.int32()), offsets)


def _null(name: str, values: pa.Array | pa.ChunkedArray) -> str:
    row = pc.index(values.is_null(), True).as_py()
    return f"column {name!r} has a null in row {row}, and may not"


def _fits_as_it_is(batch: pa.RecordBatch | pa.Table, schema: pa.Schema) -> bool:
    return (
        batch.schema.equals(schema)
        and not any(map(_has_inner_bounds, schema.types))
        and not any(
            values.null_count
            for field, values in zip(schema, batch.columns, strict=True)
            if not field.nullable
        )
    )


def _has_inner_bounds(kind: pa.DataType) -> bool:
    """Whether something within values of a type may not be null, which no count tells."""
    fields = [kind.field(i) for i in range(kind.num_fields)]
    return any(not field.nullable or _has_inner_bounds(field.type) for field in fields)


def _unknown(name: str, schema: pa.Schema, leaf: str | None = None) -> str:
    close = get_close_matches(leaf or name, schema.names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f": it has {', '.join(schema.names)}"
    return f"the table has no column {name!r}{hint}"


def _mixes_zones(given: pa.DataType, kind: pa.DataType) -> bool:
    """Whether one is a moment, and the other what a clock on some wall shows."""
    both = _types.is_timestamp(given) and _types.is_timestamp(kind)
    return both and (given.tz is None) != (kind.tz is None)


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        _types.is_list(kind)
        or _types.is_large_list(kind)
        or _types.is_fixed_size_list(kind)
        or _is_view(kind)
    )


def _is_view(kind: pa.DataType) -> bool:
    return bool(_types.is_list_view(kind) or _types.is_large_list_view(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        _types.is_string(kind) or _types.is_large_string(kind) or _types.is_string_view(kind)
    )


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        _types.is_binary(kind)
        or _types.is_large_binary(kind)
        or _types.is_binary_view(kind)
        or _types.is_fixed_size_binary(kind)
    )


# Types within one of these are cast where no value changes
_FAMILIES: Sequence[Callable[[pa.DataType], bool]] = (
    _types.is_integer,
    _types.is_decimal,
    _types.is_date,
    _types.is_timestamp,
    _is_text,
    _is_bytes,
    _types.is_floating,
)
