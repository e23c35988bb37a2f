"""Least and greatest values and missing ones of a table's columns, by its log or its footers.

Nothing is guessed: where one file does not tell, the table does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.delta.snapshot import Snapshot


@dataclass(frozen=True)
class Bounds:
    """Of one column.

    Attributes
    ----------
    least, greatest
        None where nothing tells.
    nulls
        Number of missing values; None where nothing tells.
    """

    least: Any = None
    greatest: Any = None
    nulls: int | None = None


def bounds_in_log(snapshot: Snapshot) -> dict[str, Bounds]:
    """By the columns of a Delta table, nested ones left out.

    A log's bounds hold for all rows, deleted ones included: with deletion vectors the least value
    may be gone, and missing values are not counted.
    """
    if snapshot.mapping != "none":  # whose statistics have the names that columns have in files
        return {}
    actions = pa.table(snapshot.handle.get_add_actions())
    rows = actions.column("num_records").to_pylist() if "num_records" in _names(actions) else []
    parts = {kind: _struct(actions, kind) for kind in ("min", "max", "null_count", "partition")}
    found = {}
    for field in snapshot.schema:
        if pa.types.is_nested(field.type):
            continue
        if field.name in snapshot.partition_columns:
            values = parts["partition"].get(field.name, [])
            found[field.name] = _of_partitions(values, rows)
            continue
        nulls = parts["null_count"].get(field.name)
        per_file = zip(
            parts["min"].get(field.name, [None] * len(rows)),
            parts["max"].get(field.name, [None] * len(rows)),
            [None] * len(rows) if nulls is None else nulls,
            rows,
            strict=True,
        )
        bounds = _merged(per_file)
        found[field.name] = Bounds(bounds.least, bounds.greatest) if _deletes(snapshot) else bounds
    return found


def bounds_in_footers(footers: Iterable[pq.FileMetaData]) -> dict[str, Bounds]:
    """By the columns of Parquet files, nested ones left out."""
    told: dict[str, list[tuple[Any, Any, int | None, int | None]]] = {}
    for footer in footers:
        for place in range(footer.num_columns):
            path = footer.schema.column(place).path
            if "." in path:
                continue
            groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
            told.setdefault(path, []).extend(_of_group(group, place) for group in groups)
    return {name: _merged(found) for name, found in told.items()}


def _of_group(group: pq.RowGroupMetaData, place: int) -> tuple[Any, Any, int | None, int | None]:
    found = group.column(place).statistics
    if found is None:
        return None, None, None, group.num_rows
    nulls = found.null_count if found.has_null_count else None
    try:
        least, greatest = (found.min, found.max) if found.has_min_max else (None, None)
    except (ValueError, OverflowError):  # a time that Python has none for
        least = greatest = None
    return least, greatest, nulls, group.num_rows


def _merged(found: Iterable[tuple[Any, Any, int | None, int | None]]) -> Bounds:
    """Of all files or row groups; those that have nothing but missing values have no bounds."""
    every = list(found)
    counts = [nulls for _, _, nulls, _ in every]
    nulls = None if None in counts else sum(count for count in counts if count is not None)
    filled = [one for one in every if one[2] is None or one[2] != one[3]]
    return Bounds(
        _extreme(min, [least for least, _, _, _ in filled]),
        _extreme(max, [greatest for _, greatest, _, _ in filled]),
        nulls,
    )


def _of_partitions(values: Sequence[Any], rows: Sequence[int | None]) -> Bounds:
    there = [value for value in values if value is not None]
    missing = [n for value, n in zip(values, rows, strict=False) if value is None]
    nulls = None if None in missing or len(rows) < len(values) else sum(filter(None, missing))
    return Bounds(_extreme(min, there), _extreme(max, there), nulls)


def _extreme(choose: Any, values: Sequence[Any]) -> Any:
    if not values or any(value is None for value in values):
        return None
    try:
        return choose(values)
    except TypeError:  # of types that cannot be compared
        return None


def _struct(actions: pa.Table, name: str) -> Mapping[str, list[Any]]:
    """The fields of a struct column, each with its values by file."""
    if name not in _names(actions):
        return {}
    column = actions.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else None
    if column is None or not pa.types.is_struct(column.type):
        return {}
    found = zip(column.type, column.flatten(), strict=True)
    return {field.name: array.to_pylist() for field, array in found}


def _names(actions: pa.Table) -> list[str]:
    return list(actions.column_names)


def _deletes(snapshot: Snapshot) -> bool:
    return snapshot.has_deletions
