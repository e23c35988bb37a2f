"""A data file's statistics, as a Delta log has them, from its Parquet footer.

Engines leave out whole files by them, so that every bound must hold: what is not known to hold is
left out. Source: Delta Transaction Log Protocol, "Per-file Statistics".
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

Value: TypeAlias = int | float | Decimal | date | datetime | str
Path: TypeAlias = tuple[str, ...]
Bounds: TypeAlias = dict[Path, tuple[Value, Value]]

# As Delta's reference implementation does (dataSkippingStringPrefixLength).
_LONGEST_TEXT = 32
_GREATEST_CHARACTER = "\U0010ffff"
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Indexed:
    """A column of a file that its statistics tell of.

    Attributes
    ----------
    place
        Among the file's columns, nested ones counted each.
    path
        Its names, from the top.
    is_bounded
        Whether it has bounds, and not only a count of nulls.
    is_float
        Whether it may hold a NaN.
    """

    place: int
    path: Path
    is_bounded: bool
    is_float: bool


def indexed_columns(schema: pa.Schema, first: int | None = None) -> tuple[Indexed, ...]:
    """The columns that statistics tell of.

    Parameters
    ----------
    schema
        Columns as they are in files.
    first
        How many, nested ones counted each (``delta.dataSkippingNumIndexedCols``); all if None or
        negative.
    """
    return tuple(
        Indexed(place, path, _has_order(kind), pa.types.is_floating(kind))
        for place, (path, kind) in enumerate(_leaves(schema))
        if path is not None and not (first is not None and 0 <= first <= place)
    )


def statistics(
    footer: pq.FileMetaData,
    columns: Sequence[Indexed] | None = None,
    *,
    without_nan: Collection[Path] = (),
) -> str:
    """A file's statistics as JSON, for an ``add`` action.

    A column without bounds in any of the row groups has none here; likewise for the null counts.

    Parameters
    ----------
    footer
        Of the file.
    columns
        What to tell of; all columns of the footer if None.
    without_nan
        Columns of floats, by their paths, that are known to hold no NaN. The others have no
        bounds: a footer leaves NaN out of its own, and NaN is greater than all else to an engine.
    """
    columns = indexed_columns(footer.schema.to_arrow_schema()) if columns is None else columns
    groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
    bounds: Bounds = {}
    null_counts: dict[Path, int] = {}
    for column in columns:
        found = [group.column(column.place).statistics for group in groups]
        if all(one is not None and one.has_null_count for one in found):
            null_counts[column.path] = sum(one.null_count for one in found)
        if not column.is_bounded or (column.is_float and column.path not in without_nan):
            continue
        if (known := _bounds(found)) is not None:
            bounds[column.path] = known
    return encode_statistics(footer.num_rows, bounds, null_counts)


def _bounds(groups: Sequence[pq.Statistics | None]) -> tuple[Value, Value] | None:
    """Bounds of all row groups; None if one has none, or they cannot be told."""
    if not groups:
        return None
    least, greatest = [], []
    for group in groups:
        if group is None or not group.has_min_max:
            return None
        try:
            least.append(group.min)
            greatest.append(group.max)
        except (ValueError, OverflowError):  # a time that Python has none for
            return None
    low, high = min(least), max(greatest)
    # JSON has no word for what is not finite
    return (low, high) if _is_finite(low) and _is_finite(high) else None


def encode_statistics(rows: int, bounds: Bounds, null_counts: Mapping[Path, int]) -> str:
    """The JSON of a file's statistics: decimals as exact numbers, dates and times as ISO 8601.

    Parameters
    ----------
    rows
        Number of rows.
    bounds
        Least and greatest value of each column, by its path. Text is cut to 32 characters, such
        that the bounds still hold.
    null_counts
        Number of nulls of each column.
    """
    document: dict[str, Any] = {"numRecords": rows, "minValues": {}, "maxValues": {}}
    for path, (least, greatest) in bounds.items():
        _put(document["minValues"], path, _plain(lower_bound(least)))
        if (upper := upper_bound(greatest)) is not None:
            _put(document["maxValues"], path, _plain(upper))
    document["nullCount"] = {}
    for path, count in null_counts.items():
        _put(document["nullCount"], path, count)
    return _ENCODER.encode(document).decode()


def lower_bound(value: Value) -> Value:
    """The value, or the start of a long text, which sorts before it."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def upper_bound(value: Value) -> Value | None:
    """The value, or a short text that sorts after a long one; None if there is no such text."""
    if not isinstance(value, str) or len(value) <= _LONGEST_TEXT:
        return value
    bound = value[:_LONGEST_TEXT] + _GREATEST_CHARACTER
    return bound if bound >= value else None


def _leaves(schema: pa.Schema) -> Iterator[tuple[Path | None, pa.DataType]]:
    """The columns of a file in its order; without a path those within a list or map."""
    for field in schema:
        yield from _below((field.name,), field.type)


def _below(path: Path | None, kind: pa.DataType) -> Iterator[tuple[Path | None, pa.DataType]]:
    types = pa.types
    if types.is_struct(kind):
        for field in kind:
            yield from _below(None if path is None else (*path, field.name), field.type)
    elif types.is_map(kind):
        yield from _below(None, kind.key_type)
        yield from _below(None, kind.item_type)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        yield from _below(None, kind.value_type)
    else:
        yield path, kind


def _has_order(kind: pa.DataType) -> bool:
    """Whether values of a type have bounds in a log: not booleans, and not bytes."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_date(kind)
        or types.is_timestamp(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
    )


def _is_finite(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _plain(value: Value) -> Value:
    """A time in UTC as the protocol writes it; all else as it is."""
    if isinstance(value, datetime):
        text = value.astimezone(UTC) if value.tzinfo else value
        return text.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z" * bool(
            value.tzinfo
        )
    return value


def _put(document: dict[str, Any], path: Path, value: object) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value
