"""Types that DuckDB has not: durations of nanoseconds, and decimals of more than 38 digits."""

from __future__ import annotations

import pyarrow as pa

from neuralake.arrow import DECIMAL_DIGITS, types_in
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


def with_floats(rows: pa.Table) -> pa.Table:
    """Rows with floats of 32 bits where they have 16, which DuckDB makes of those in files, too."""
    wider = [f.with_type(pa.float32()) if pa.types.is_float16(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(wider))


def refuse_stored(table: str, schema: pa.Schema) -> None:
    """Refuse columns of files of which DuckDB would read other values, and not say so.

    A decimal of more digits it reads as a double, and of a duration it has microseconds.

    Raises
    ------
    CatalogError
        Naming the table and the column.
    """
    refuse_decimals(table, schema)
    for field in schema:
        if any(pa.types.is_duration(kind) and kind.unit == "ns" for kind in types_in(field.type)):
            raise CatalogError(
                f"table {table}: column {field.name} is {field.type}, which DuckDB would cut "
                "to microseconds: expected a duration of microseconds"
            )


def refuse_decimals(table: str, schema: pa.Schema) -> None:
    """Refuse decimals of more digits than DuckDB's have, in a line that names the column."""
    for field in schema:
        if any(
            pa.types.is_decimal(k) and k.precision > DECIMAL_DIGITS for k in types_in(field.type)
        ):
            raise CatalogError(
                f"table {table}: column {field.name} is {field.type}, which DuckDB has not: "
                f"expected a decimal of {DECIMAL_DIGITS} digits at most"
            )


def has_durations(schema: pa.Schema) -> bool:
    """Whether there is a duration, which is a number to Parquet, and so to DuckDB's reader."""
    return any(pa.types.is_duration(kind) for f in schema for kind in types_in(f.type))


def _is_cut(values: pa.Array) -> bool:
    kind, types = values.type, pa.types
    if types.is_dictionary(kind):
        return _is_cut(values.dictionary)
    if types.is_duration(kind) and kind.unit == "ns":
        import pyarrow.compute as pc

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
