"""JSON: an array of objects, one a row.

Integers are numbers with all their digits, 64-bit ones too; decimals are strings, since most
readers of JSON would make floats of numbers; dates, times and bytes are strings, and so are floats
that JSON has no number for. A map is an array of objects with ``key`` and ``value``. Source:
RFC 8259; for the strings, the JSON mapping of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import isfinite

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.serving.answers import RefusedError
from neuralake.serving.formats.text import (
    characters,
    is_text,
    joined,
    plain_text,
    simplified,
)

MEDIA_TYPE = "application/json"
_ROWS_AT_ONCE = 16_384
_FEW_ROWS = 32
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_DIGITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}


def encode(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """An answer piece by piece.

    Raises
    ------
    RefusedError
        If two columns have one name: an object cannot have both.
    """
    names = schema.names
    for name in names:
        if names.count(name) > 1:
            raise RefusedError(
                f"two columns of the answer are named {name}: name one otherwise (AS), or ask for "
                "CSV or Arrow"
            )
    before = b"["
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            rows = _objects(batch.slice(start, _ROWS_AT_ONCE))
            yield before + rows
            before = b",\n"
    yield (b"[]" if before == b"[" else b"]") + b"\n"


def _objects(batch: pa.RecordBatch) -> bytes:
    """Rows as objects with commas between them."""
    if batch.num_rows <= _FEW_ROWS:
        return _few_objects(batch)
    parts: list[pa.Array | str] = []
    before = "{"
    for field, column in zip(batch.schema, batch.columns, strict=True):
        parts += [f"{before}{_quoted(field.name)}:", fragments(column)]
        before = ","
    if not parts:
        return b",\n".join([b"{}"] * batch.num_rows)
    rows = joined([*parts, "}"])
    offsets = pa.array([0, len(rows)], pa.int32())
    whole = pc.binary_join(pa.ListArray.from_arrays(offsets, rows), ",\n")
    return bytes(whole[0].as_buffer())


def _few_objects(batch: pa.RecordBatch) -> bytes:
    """The same, by value: for a row or two each call of Arrow's costs more than it saves."""
    columns = [_few_values(column) for column in batch.columns]
    names = batch.schema.names
    rows = zip(*columns, strict=True) if columns else [()] * batch.num_rows
    return b",\n".join(msgspec.json.encode(dict(zip(names, row, strict=True))) for row in rows)


def _few_values(values: pa.Array) -> list[object]:
    """Values that msgspec writes as :func:`fragments` would, or those as they are to be written."""
    kind, types = values.type, pa.types
    if types.is_integer(kind) or types.is_boolean(kind) or is_text(kind) or types.is_date32(kind):
        return list(values.to_pylist())
    if types.is_float64(kind):
        return [v if v is None or isfinite(v) else _NO_NUMBERS[str(v)] for v in values.to_pylist()]
    if types.is_decimal(kind):
        return [None if v is None else format(v, "f") for v in values.to_pylist()]
    if types.is_timestamp(kind) and kind.unit in _DIGITS:
        with suppress(ValueError, OverflowError):  # of a year that Python does not have
            return _few_times(values, kind)
    return [msgspec.Raw(text.encode()) for text in fragments(values).to_pylist()]


def _few_times(values: pa.Array, kind: pa.TimestampType) -> list[object]:
    """Points in time, in UTC where they have a zone."""
    times = values.view(pa.int64()).view(pa.timestamp(kind.unit)).to_pylist()
    zone = "Z" if kind.tz else ""
    digits = _DIGITS[kind.unit]
    return [None if v is None else f"{v.isoformat(timespec=digits)}{zone}" for v in times]


def fragments(values: pa.Array) -> pa.Array:
    """Each value as JSON; no nulls are left."""
    values = simplified(values)
    kind, types = values.type, pa.types
    if is_text(kind):
        found = joined(['"', _escaped(values), '"'])
    elif types.is_struct(kind):
        found = _structs(values)
    elif types.is_map(kind):
        found = _maps(values)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        found = _lists(values, fragments(_items(values)))
    elif types.is_integer(kind) or types.is_boolean(kind):
        found = values.cast(pa.string())
    elif types.is_floating(kind):
        text = plain_text(values)
        found = pc.if_else(pc.is_finite(values), text, joined(['"', text, '"']))
    else:
        found = joined(['"', plain_text(values), '"'])
    return pc.fill_null(found, "null") if found.null_count else found


def _structs(values: pa.StructArray) -> pa.Array:
    parts: list[pa.Array | str] = []
    before = "{"
    for field, child in zip(values.type, values.flatten(), strict=True):
        parts += [f"{before}{_quoted(field.name)}:", fragments(child)]
        before = ","
    text = joined([*parts, "}"]) if parts else pa.repeat("{}", len(values))
    return pc.if_else(pc.is_valid(values), text, pa.scalar(None, pa.string()))


def _maps(values: pa.MapArray) -> pa.Array:
    start = values.offsets[0].as_py()
    size = values.offsets[-1].as_py() - start
    keys, items = values.keys.slice(start, size), values.items.slice(start, size)
    entries = joined(['{"key":', fragments(keys), ',"value":', fragments(items), "}"])
    return _lists(values, entries)


def _items(values: pa.Array) -> pa.Array:
    """Items of lists, those of nulls not left out."""
    if pa.types.is_fixed_size_list(values.type):
        size = values.type.list_size
        return values.values.slice(values.offset * size, len(values) * size)
    start = values.offsets[0].as_py()
    return values.values.slice(start, values.offsets[-1].as_py() - start)


def _lists(values: pa.Array, items: pa.Array) -> pa.Array:
    if pa.types.is_fixed_size_list(values.type):
        size = values.type.list_size
        offsets = pa.array(range(0, (len(values) + 1) * size, size), pa.int64())
    else:
        offsets = pc.subtract(values.offsets, values.offsets[0]).cast(pa.int64())
    lists = pa.LargeListArray.from_arrays(offsets, items)
    text = joined(["[", pc.binary_join(lists, ","), "]"])
    return pc.if_else(pc.is_valid(values), text, pa.scalar(None, pa.string()))


def _escaped(values: pa.Array) -> pa.Array:
    """Texts with what JSON does not have in strings written otherwise."""
    found = characters(values)
    for code in sorted(found & {*range(0x20), 0x22, 0x5C}, key=lambda code: code != 0x5C):
        character = chr(code)
        written = f"\\{character}" if code >= 0x20 else _SHORT.get(code, f"\\u{code:04x}")
        values = pc.replace_substring(values, character, written)
    return values


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()
