"""Whether rows stand in the order that their query promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.queries.hashing import hash_values
from neuralake.queries.query import SortKey

Flags = npt.NDArray[np.bool_]
End = Literal["first", "last"]


def first_unsorted(keys: Sequence[tuple[pa.Array, SortKey]]) -> int | None:
    """Index of the first row that should stand before its predecessor, or None.

    Nulls stand at one end of each tie of the keys before, the same end for all of them; which one
    is the engine's choice unless the key says it. So it is with NaN, among the values. Text is in
    the order of its bytes. Values without an order that all engines share (lists, intervals) are
    not checked.

    Parameters
    ----------
    keys
        Plain columns of one length, and how each is ordered; the first one first.
    """
    if not keys or len(keys[0][0]) < 2:
        return None
    tied = np.ones(len(keys[0][0]) - 1, np.bool_)
    wrong: list[int] = []
    for column, key in keys:
        null = column.is_null().to_numpy(zero_copy_only=False)
        nan = _is_nan(column)
        real = ~null & ~nan
        wrong += _misplaced(tied, null, ~null, key.nulls)
        wrong += _misplaced(tied, nan, real, None)
        less, equal = _compared(column, key)
        both_real = real[:-1] & real[1:]
        ordered = (~less if key.descending else less) & ~equal
        bad = tied & both_real & ~equal & ~ordered
        wrong += [int(row) for row in np.flatnonzero(bad)[:1]]
        tied = tied & ((both_real & equal) | (null[:-1] & null[1:]) | (nan[:-1] & nan[1:]))
    return min(wrong) + 1 if wrong else None


def nulls_end(column: pa.Array) -> End | None:
    """At which end of a column its nulls stand; None if there are none, or no values."""
    if column.null_count in (0, len(column)):
        return None
    return "first" if not column[0].is_valid else "last"


def _is_nan(column: pa.Array) -> Flags:
    if not pa.types.is_floating(column.type):
        return np.zeros(len(column), np.bool_)
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    found: Flags = pc.is_nan(column).fill_null(False).to_numpy(zero_copy_only=False)
    return found


def _misplaced(tied: Flags, special: Flags, others: Flags, end: End | None) -> list[int]:
    """The first pair that is out of place: special values stand at one and the same end."""
    to_others = np.flatnonzero(tied & special[:-1] & others[1:])  # they stand first here
    to_special = np.flatnonzero(tied & others[:-1] & special[1:])  # and last here
    if end == "first":
        return [int(row) for row in to_special[:1]]
    if end == "last":
        return [int(row) for row in to_others[:1]]
    if len(to_others) and len(to_special):
        return [int(max(to_others[0], to_special[0]))]
    return []


def _compared(column: pa.Array, key: SortKey) -> tuple[Flags, Flags]:
    """Of each row whether it is less than, and whether it equals, the next one."""
    count = len(column) - 1
    if pa.types.is_nested(column.type) or pa.types.is_interval(column.type):
        hashes = hash_values(column)
        return np.full(count, not key.descending), hashes[:-1] == hashes[1:]
    if pa.types.is_null(column.type):
        return np.zeros(count, np.bool_), np.ones(count, np.bool_)
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    less, equal = (
        compare(column.slice(0, count), column.slice(1))
        .fill_null(False)
        .to_numpy(zero_copy_only=False)
        for compare in (pc.less, pc.equal)
    )
    return less, equal
