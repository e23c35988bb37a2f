"""A hash of each row of a result, of what its values mean and not of how they are encoded.

64 bits, vectorised, and the same in every process and version: it pairs the rows of two results
and makes their digest. It is no defence against somebody who wants two rows to collide. Whole
numbers have one hash whatever their width, a date that of its midnight, a timestamp that of its
instant whatever its unit and zone (one without a zone is taken as UTC), text that of its bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.queries.shape import EXACT, Shape, Tolerance, is_whole

Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# Finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_ODD = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0x6E756C6C)
# A kind of values is told from another by these
_BOOL, _NUMBER, _FLOAT, _INSTANT, _TIME, _SPAN, _BYTES, _LIST, _STRUCT, _MAP = (
    np.uint64(number) for number in range(1, 11)
)
_WORD_BYTES = 8
_LONG_BYTES = 256
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Leaf:
    """The numbers of a column, or of the lists in it, that need not be equal to the last bit.

    Attributes
    ----------
    values
        All of them in order; what is no number, or not finite, is 0 here and is in the hash.
    rows
        Index of the row of each value, ascending; None where each row has one.
    tolerance
        How far they may be off.
    """

    values: Floats
    rows: Indices | None
    tolerance: Tolerance


def mixed(hashes: Hashes) -> Hashes:
    """A hash of each hash, in which every bit depends on all."""
    first, second, third = _SHIFTS
    hashes = (hashes ^ (hashes >> first)) * _MULTIPLIERS[0]
    hashes = (hashes ^ (hashes >> second)) * _MULTIPLIERS[1]
    return hashes ^ (hashes >> third)


def combined(hashes: Hashes, more: Hashes) -> Hashes:
    """One hash of two, in this order."""
    return mixed(hashes * _ODD + more)


def hash_values(array: pa.Array, shape: Shape = EXACT, leaves: list[Leaf] | None = None) -> Hashes:
    """A hash of each value of a plain array.

    Parameters
    ----------
    array
        Of n values (:mod:`neuralake.queries.plain`).
    shape
        What need not be equal is not in the hash, and goes to ``leaves``.
    leaves
        Receives the numbers that need not be equal.

    Returns
    -------
    ndarray
        (n,) uint64.
    """
    with np.errstate(over="ignore"):
        if shape.tolerance is not None and leaves is not None:
            hashes = _inexact(array, shape.tolerance, leaves)
        else:
            hashes = _exact(array, shape, [] if leaves is None else leaves)
        if array.null_count:
            hashes[~_valid(array)] = _NULL
    return hashes


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _exact(array: pa.Array, shape: Shape, leaves: list[Leaf]) -> Hashes:  # noqa: C901, PLR0911
    dtype = array.type
    if pa.types.is_null(dtype):
        _leave_nothing(len(array), shape, leaves)
        return np.full(len(array), _NULL)
    if pa.types.is_boolean(dtype):
        return _tagged(_BOOL, _numbers(array.cast(pa.uint8())).astype(np.uint64))
    if is_whole(dtype):
        return _whole(array)
    if pa.types.is_decimal(dtype):
        return combined(_whole(array), np.full(len(array), dtype.scale, np.uint64))
    if pa.types.is_floating(dtype):
        return _tagged(_FLOAT, _float_bits(_numbers(array).astype(np.float64)))
    if pa.types.is_date32(dtype) or pa.types.is_timestamp(dtype):
        return _pair(_INSTANT, *_seconds(array))
    if pa.types.is_time64(dtype):
        return _tagged(_TIME, _numbers(array.cast(pa.int64())).view(np.uint64))
    if pa.types.is_duration(dtype) or pa.types.is_interval(dtype):
        months, seconds, nanoseconds = _span(array)
        return combined(_pair(_SPAN, seconds, nanoseconds), months.astype(np.uint64))
    if pa.types.is_large_string(dtype) or pa.types.is_large_binary(dtype):
        return _bytes(array)
    if pa.types.is_large_list(dtype):
        (child,) = shape.children or (EXACT,)
        return _lists(array, child, leaves)
    if pa.types.is_map(dtype):
        return _maps(array, shape, leaves)
    if pa.types.is_struct(dtype):
        return _structs(array, shape, leaves)
    raise TypeError(f"no plain type: {dtype}")


def _inexact(array: pa.Array, tolerance: Tolerance, leaves: list[Leaf]) -> Hashes:
    """What is missing, infinite or no number is known exactly all the same."""
    values = as_floats(array)
    hashes = np.full(len(array), _FLOAT)
    special = ~np.isfinite(values)
    if special.any():
        hashes[special] = mixed(_float_bits(values[special]))
        values = np.where(special, 0.0, values)
    leaves.append(Leaf(values, None, tolerance))
    return hashes


def _leave_nothing(count: int, shape: Shape, leaves: list[Leaf]) -> None:
    """The leaves of rows that are all missing, as the other side has them."""
    if shape.tolerance is not None:
        leaves.append(Leaf(np.zeros(count), None, shape.tolerance))
    for child in shape.children:
        below: list[Leaf] = []
        _leave_nothing(0 if shape.repeated else count, child, below)
        none = np.zeros(0, np.int64)
        leaves += [Leaf(b.values, none, b.tolerance) if shape.repeated else b for b in below]


def as_floats(array: pa.Array) -> Floats:
    """Numbers of any type as 64-bit floats; what is missing is 0."""
    if pa.types.is_null(array.type):
        return np.zeros(len(array))
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    return _numbers(array).astype(np.float64)


def _numbers(array: pa.Array) -> npt.NDArray[np.generic]:
    """Numbers of a fixed width; what is missing is 0."""
    if array.null_count:
        if pa.types.is_float16(array.type):
            array = array.cast(pa.float32())
        array = array.fill_null(0)
    found: npt.NDArray[np.generic] = array.to_numpy(zero_copy_only=False)
    return found


def _tagged(tag: np.uint64, hashes: Hashes) -> Hashes:
    return mixed(hashes + tag * _ODD)


def _pair(tag: np.uint64, high: Indices, low: Indices) -> Hashes:
    return combined(_tagged(tag, high.view(np.uint64)), low.view(np.uint64))


def _float_bits(values: Floats) -> Hashes:
    """Bits of floats, one zero and one NaN among them."""
    values = np.where(values == 0.0, 0.0, values)
    values = np.where(np.isnan(values), np.nan, values)
    return np.ascontiguousarray(values).view(np.uint64)


def _whole(array: pa.Array) -> Hashes:
    """Of two 64-bit words of a two's complement; wider numbers only where they are needed."""
    dtype = array.type
    if pa.types.is_integer(dtype):
        numbers = _numbers(array)
        signed = numbers.astype(np.int64)  # the same 64 bits, of an unsigned one too
        sign = np.zeros(len(signed), np.int64) if numbers.dtype == np.uint64 else signed >> 63
        return combined(_tagged(_NUMBER, sign.view(np.uint64)), signed.view(np.uint64))
    width = dtype.byte_width // _WORD_BYTES
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros(len(array), np.uint64)
    start, stop = array.offset * width, (array.offset + len(array)) * width
    # Whoever made the buffer may have left bytes at its end that make no word
    words = np.frombuffer(data, np.int64, count=stop)[start:].reshape(-1, width)
    low: Hashes = words[:, 0].astype(np.uint64)
    high: Indices = words[:, 1].copy()
    hashes = combined(_tagged(_NUMBER, high.view(np.uint64)), low)
    for column in range(2, width):
        more = words[:, column] != (high >> 63)
        rest = combined(hashes, words[:, column].astype(np.uint64))
        hashes = np.where(more, rest, hashes)
    return hashes


def _seconds(array: pa.Array) -> tuple[Indices, Indices]:
    """Whole seconds and the nanoseconds that are left over, so that no unit overflows."""
    dtype = array.type
    if pa.types.is_date32(dtype):
        days = _numbers(array.cast(pa.int32())).astype(np.int64)
        return days * _SECONDS_A_DAY, np.zeros(len(array), np.int64)
    per_second = _PER_SECOND[dtype.unit]
    ticks = _numbers(array.cast(pa.int64())).astype(np.int64)
    seconds = ticks // per_second
    return seconds, (ticks - seconds * per_second) * (10**9 // per_second)


def _span(array: pa.Array) -> tuple[Indices, Indices, Indices]:
    """Months, seconds and nanoseconds; a day has 24 hours, as it has in UTC."""
    if pa.types.is_duration(array.type):
        return np.zeros(len(array), np.int64), *_seconds(array)
    if array.buffers()[1] is None or not len(array):
        nothing = np.zeros(len(array), np.int64)
        return nothing, nothing, nothing
    parts = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
    stop = array.offset + len(array)
    spans = np.frombuffer(array.buffers()[1], parts, count=stop)[array.offset :]
    seconds = spans["nanoseconds"] // 10**9
    nanoseconds = spans["nanoseconds"] - seconds * 10**9
    seconds = seconds + spans["days"].astype(np.int64) * _SECONDS_A_DAY
    return spans["months"].astype(np.int64), seconds, nanoseconds


def _bytes(array: pa.Array) -> Hashes:
    """Eight bytes at a time of all values at once; of the few long ones by a digest."""
    count = len(array)
    hashes = np.full(count, _BYTES)
    if count == 0 or array.buffers()[1] is None:
        return hashes
    stop = array.offset + count + 1
    offsets = np.frombuffer(array.buffers()[1], np.int64, count=stop)[array.offset :]
    data = array.buffers()[2]
    raw = b"" if data is None else data[int(offsets[0]) : int(offsets[-1])].to_pybytes()
    padded = np.frombuffer(raw + bytes(_WORD_BYTES), np.uint8)
    words = np.ndarray((len(raw) + 1,), "<u8", padded.data, strides=(1,))
    starts = offsets[:-1] - offsets[0]
    lengths = np.diff(offsets)
    hashes = combined(hashes, lengths.view(np.uint64))
    rows = np.flatnonzero((lengths > 0) & (lengths <= _LONG_BYTES))
    position = 0
    while len(rows):
        left = lengths[rows] - position
        word = words[starts[rows] + position]
        spare = np.clip(_WORD_BYTES - left, 0, _WORD_BYTES - 1).astype(np.uint64) * np.uint64(8)
        hashes[rows] = combined(hashes[rows], word << spare)
        rows = rows[left > _WORD_BYTES]
        position += _WORD_BYTES
    for row in np.flatnonzero(lengths > _LONG_BYTES):
        value = raw[starts[row] : starts[row] + lengths[row]]
        hashes[row] = int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "little")
    return hashes


def _structs(array: pa.StructArray, shape: Shape, leaves: list[Leaf]) -> Hashes:
    hashes = np.full(len(array), _STRUCT)
    fields = array.flatten()
    for field, child in zip(fields, shape.children or (EXACT,) * len(fields), strict=True):
        hashes = combined(hashes, hash_values(field, child, leaves))
    return hashes


def _lists(array: pa.LargeListArray, shape: Shape, leaves: list[Leaf]) -> Hashes:
    lengths, rows = _owners(array)
    below: list[Leaf] = []
    items = hash_values(array.flatten(), shape, below)
    leaves += [_of_rows(leaf, rows) for leaf in below]
    starts = np.cumsum(lengths) - lengths
    positions = np.arange(len(rows)) - starts[rows]
    return combined(
        _tagged(_LIST, lengths.view(np.uint64)),
        _sums(combined(positions.view(np.uint64), items), lengths),
    )


def _maps(array: pa.MapArray, shape: Shape, leaves: list[Leaf]) -> Hashes:
    """Entries in the order of their keys, whichever an engine has."""
    keyed, valued = shape.children or (EXACT, EXACT)
    entries = array.cast(
        pa.large_list(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
    )
    lengths, rows = _owners(entries)
    keys, values = entries.flatten().flatten()
    order = np.lexsort((_rank(keys), rows))
    below: list[Leaf] = []
    hashes = combined(
        hash_values(keys.take(pa.array(order)), keyed, below),
        hash_values(values.take(pa.array(order)), valued, below),
    )
    leaves += [_of_rows(leaf, rows) for leaf in below]
    return combined(_tagged(_MAP, lengths.view(np.uint64)), _sums(mixed(hashes), lengths))


def _rank(keys: pa.Array) -> Indices:
    """A number by which keys are in the same order on both sides."""
    if pa.types.is_floating(keys.type) or pa.types.is_decimal(keys.type):
        keys = pa.array(as_floats(keys))
    elif pa.types.is_nested(keys.type) or pa.types.is_interval(keys.type):
        keys = pa.array(hash_values(keys))
    ranks: Indices = pc.rank(keys, tiebreaker="dense").to_numpy().astype(np.int64)
    return ranks


def _owners(lists: pa.Array) -> tuple[Indices, Indices]:
    """The length of each list, and of each item the row that it is in."""
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    lengths = lengths.astype(np.int64)
    return lengths, np.repeat(np.arange(len(lengths)), lengths)


def _of_rows(leaf: Leaf, rows: Indices) -> Leaf:
    return Leaf(leaf.values, rows if leaf.rows is None else rows[leaf.rows], leaf.tolerance)


def _sums(items: Hashes, lengths: Indices) -> Hashes:
    """The sum of each row's items, modulo 2^64."""
    totals = np.concatenate((np.zeros(1, np.uint64), np.cumsum(items, dtype=np.uint64)))
    ends = np.cumsum(lengths)
    sums: Hashes = totals[ends] - totals[ends - lengths]
    return sums
