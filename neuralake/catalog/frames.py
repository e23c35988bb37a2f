"""Rows of Arrow as a frame of Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl


def lazy_frame(rows: pa.Table) -> pl.LazyFrame:
    """The rows, their columns called as they are: Polars makes up a name where there is none."""
    import polars as pl

    if "" not in rows.column_names:
        return pl.LazyFrame(rows)
    places = [str(place) for place in range(rows.num_columns)]
    named = dict(zip(places, rows.column_names, strict=True))
    return pl.LazyFrame(rows.rename_columns(places)).rename(named)
