"""Values of a column as texts, a whole column at a time.

Every value keeps what it is: decimals their scale, times all digits of their unit, floats as many
digits as tell them apart from their neighbours.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def plain_text(values: pa.Array) -> pa.Array:
    """Values that are neither text nor nested as they are written, without quotes.

    Times with a zone are in UTC, as RFC 3339 writes them; a float that is no number is ``NaN``,
    ``Infinity`` or ``-Infinity``; bytes are in base64.

    Parameters
    ----------
    values
        Of any type but text, lists, structs and maps; nulls stay null.
    """
    kind, types = values.type, pa.types
    if types.is_floating(kind):
        return _floats(values)
    if types.is_timestamp(kind):
        return _timestamps(values)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return _base64(values)
    if types.is_null(kind):
        return pa.nulls(len(values), pa.string())
    if types.is_duration(kind):
        return values.cast(pa.int64()).cast(pa.string())
    if types.is_interval(kind):
        return pa.array(
            [
                None if v is None else f"P{v.months}M{v.days}DT{v.nanoseconds / 1e9:f}S"
                for v in values.to_pylist()
            ],
            pa.string(),
        )
    text = values.cast(pa.string())
    return _without_exponents(values, text) if types.is_decimal(kind) else text


def is_text(kind: pa.DataType) -> bool:
    """Whether values of a type are texts already."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def simplified(values: pa.Array) -> pa.Array:
    """The same values without an encoding of their own: dictionaries, views, runs."""
    kind, types = values.type, pa.types
    if types.is_dictionary(kind):
        return simplified(values.dictionary_decode())
    if types.is_run_end_encoded(kind):
        return simplified(pc.run_end_decode(values))
    if types.is_string_view(kind) or types.is_large_string(kind):
        return values.cast(pa.string())
    if types.is_binary_view(kind) or types.is_large_binary(kind):
        return values.cast(pa.binary())
    return values


def joined(parts: list[pa.Array | str]) -> pa.Array:
    """Texts put together value by value; a null makes the whole null."""
    return pc.binary_join_element_wise(*parts, "", null_handling="emit_null")


def _floats(values: pa.Array) -> pa.Array:
    text = values.cast(pa.float32() if pa.types.is_float16(values.type) else values.type)
    text = text.cast(pa.string())
    if pc.all(pc.is_finite(values), skip_nulls=True).as_py() in (True, None):
        return text
    words = pc.if_else(pc.greater(values, 0), "Infinity", "-Infinity")
    words = pc.if_else(pc.is_nan(values), "NaN", words)
    return pc.if_else(pc.is_finite(values), text, words)


def _without_exponents(values: pa.Array, text: pa.Array) -> pa.Array:
    """Decimals as text, digit by digit where Arrow would write 1E-10."""
    if not -1 < values.type.scale < 7 and pc.any(pc.match_substring(text, "E")).as_py():
        written = [None if v is None else format(v, "f") for v in values.to_pylist()]
        return pa.array(written, pa.string())
    return text


def _timestamps(values: pa.Array) -> pa.Array:
    kind = values.type
    naive = values.cast(pa.timestamp(kind.unit, "UTC")) if kind.tz else values
    text = pc.replace_substring(
        naive.cast(pa.timestamp(kind.unit)).cast(pa.string()), " ", "T", max_replacements=1
    )
    return joined([text, "Z"]) if kind.tz else text


def _base64(values: pa.Array) -> pa.Array:
    import base64

    encoded = [None if v is None else base64.b64encode(v).decode() for v in values.to_pylist()]
    return pa.array(encoded, pa.string())


def characters(values: pa.Array) -> frozenset[int]:
    """Bytes below 0x80 that are somewhere in texts.

    Parameters
    ----------
    values
        Of type string.
    """
    data = values.buffers()[2]
    if data is None or not len(values):
        return frozenset()
    offsets = np.frombuffer(values.buffers()[1], np.int32)[
        values.offset : values.offset + len(values) + 1
    ]
    used = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    found = np.bincount(used, minlength=256)[:128]
    return frozenset(int(i) for i in np.flatnonzero(found))
