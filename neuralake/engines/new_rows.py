"""Whether rows that are to be written are such as a table has."""

from __future__ import annotations

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.tables import DeltaTable
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError


def check_rows(
    table: DeltaTable, schema: pa.Schema, rows: Rows, on: tuple[str, ...] | None = None
) -> None:
    """Make sure that rows have the columns of a table: they would be cast, and values lost.

    Parameters
    ----------
    table
        For messages.
    schema
        Of the table.
    rows
        That are to be written.
    on
        Columns that must be there, where only these are compared; None for all.

    Raises
    ------
    EngineError
        Otherwise; it names the column.
    """
    wanted = schema.names if on is None else on
    for name in wanted:
        if name not in schema.names or name not in rows.schema.names:
            where = "the table has" if name in rows.schema.names else "the rows have"
            raise EngineError(f"table {table.name}: {where} no column {name}")
        given, kept = rows.schema.field(name).type, schema.field(name).type
        if plain_type(given) != plain_type(kept):
            raise EngineError(
                f"table {table.name}: column {name} is {given} in the rows: expected {kept}"
            )
    more = next((name for name in rows.schema.names if name not in schema.names), None)
    if more is not None and on is None:
        raise EngineError(f"table {table.name}: the rows have a column {more} more than the table")
