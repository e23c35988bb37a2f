"""Durations and intervals of nanoseconds, of which DuckDB's INTERVAL has microseconds."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.errors import CatalogError


def refuse_nanoseconds(table: str, rows: pa.Table) -> None:
    """Refuse values that DuckDB would cut to microseconds, and not say so.

    Raises
    ------
    CatalogError
        Naming the table and the column.
    """
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if any(map(_is_cut, column.chunks)):
            raise CatalogError(
                f"table {table}: column {name} is {column.type} and has nanoseconds, which DuckDB "
                "would cut to microseconds: expected whole microseconds"
            )


def _is_cut(values: pa.Array) -> bool:
    kind, types = values.type, pa.types
    if types.is_dictionary(kind):
        return _is_cut(values.dictionary)
    if types.is_duration(kind) and kind.unit == "ns":
        counts = values.cast(pa.int64())
        whole = pc.multiply(pc.divide(counts, 1000), 1000)
        return bool(pc.any(pc.not_equal(counts, whole)).as_py())
    if types.is_interval(kind):
        return any(value.nanoseconds % 1000 for value in values.to_pylist() if value is not None)
    if types.is_map(kind):
        return _is_cut(values.keys) or _is_cut(values.items)
    if types.is_nested(kind):
        within = values.flatten()
        return any(map(_is_cut, within if isinstance(within, list) else [within]))
    return False
