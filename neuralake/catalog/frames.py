"""Rows of Arrow as a frame of Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.arrow import DECIMAL_DIGITS
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl


def refuse_decimals(table: str, schema: pa.Schema) -> None:
    """Refuse decimals that Polars has not: it panics where it is handed one.

    Raises
    ------
    CatalogError
        Naming the table and the column.
    """
    for field in schema:
        if pa.types.is_decimal(field.type) and field.type.precision > DECIMAL_DIGITS:
            raise CatalogError(
                f"table {table}: column {field.name} is {field.type}, which Polars has not: "
                f"expected a decimal of {DECIMAL_DIGITS} digits at most"
            )


def lazy_frame(table: str, rows: pa.Table) -> pl.LazyFrame:
    """The rows, their columns called as they are: Polars makes up a name where there is none."""
    import polars as pl

    refuse_decimals(table, rows.schema)
    if "" not in rows.column_names:
        return pl.LazyFrame(rows)
    places = [str(place) for place in range(rows.num_columns)]
    named = dict(zip(places, rows.column_names, strict=True))
    return pl.LazyFrame(rows.rename_columns(places)).rename(named)
