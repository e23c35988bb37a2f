"""Tables in memory, on which a plan is carried out: what every engine's table must then hold.

Polars evaluates the expressions, by which no engine writes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import LifecycleError, named_reason
from neuralake.queries.digest import digest
from neuralake.results.lifecycle.records import Expected
from neuralake.workloads.lifecycle.keys import NewKeys


@dataclass
class MemoryTable:
    """A table in memory.

    Attributes
    ----------
    declared
        As the catalog has it.
    schema
        Of its rows.
    rows
        Now.
    first_rows
        Number of rows when the plan began.
    keys
        New keys by column.
    """

    declared: DeltaTable
    schema: pa.Schema
    rows: pl.DataFrame
    first_rows: int = 0
    keys: dict[str, NewKeys] = field(default_factory=dict)

    @classmethod
    def read(cls, table: DeltaTable) -> MemoryTable:
        """A table of the catalog, at its version.

        Raises
        ------
        LifecycleError
            If it has a type that does not come back as it was.
        """
        try:
            rows = table.lazy().collect()
            schema = table.arrow_schema()
            rows.clear().to_arrow().select(schema.names).cast(schema)
        except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
            raise LifecycleError(
                f"table {table.name} cannot be taken into memory: {named_reason(error)}"
            ) from error
        return cls(table, schema, rows, rows.height)

    def new_keys(self, column: str, old: pl.Series) -> pl.Series:
        """A key for each of some copied rows, that no row has or had."""
        if column not in self.keys:
            self.keys[column] = NewKeys(self.rows[column])
        return self.keys[column].take(old, self.declared.name)

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows."""
        self.rows = pl.concat([self.rows, rows])

    def arrow(self, rows: pl.DataFrame | None = None) -> pa.Table:
        """Rows, all of them for None, in the table's own types."""
        found = (self.rows if rows is None else rows).to_arrow()
        return found.select(self.schema.names).cast(self.schema)

    def size(self, rows: pl.DataFrame) -> int:
        """Size of rows as Parquet, in bytes, as they would be staged."""
        if not rows.height:
            return 0
        sink = io.BytesIO()
        pq.write_table(self.arrow(rows), sink, compression="zstd")
        return sink.tell()

    def where(self, text: str, place: str) -> pl.Series:
        """For which rows an SQL predicate is true; null is not.

        Raises
        ------
        LifecycleError
            If it is no predicate over the table's columns.
        """
        found = evaluated(self.rows, text, place)
        if found.dtype != pl.Boolean:
            raise LifecycleError(
                f"{place} is {text!r:.80}, which is {found.dtype}: expected a predicate"
            )
        return found.fill_null(value=False)

    def require_unique(self, where: str) -> None:
        """Refuse a declared key that is none: an upsert would not know which row is meant.

        Raises
        ------
        LifecycleError
            If it has nulls, or a value twice.
        """
        keys = list(self.declared.primary_key)
        found = self.rows.select(keys)
        nulls = sum(found.null_count().row(0))
        if found.height and (nulls or found.n_unique() != found.height):
            raise LifecycleError(
                f"{where}: the primary key of table {self.declared.name}, {', '.join(keys)}, has "
                "nulls or the same value twice: expected a row for each"
            )

    def expected(self) -> Expected:
        """What identifies its rows."""
        rows = self.arrow()
        columns = {column: digest(rows.select([column])) for column in rows.column_names}
        return Expected(self.declared.name, rows.num_rows, digest(rows), columns)


def evaluated(
    rows: pl.DataFrame, text: str, place: str, dtype: pl.DataType | None = None
) -> pl.Series:
    """An SQL expression over the columns, a value a row.

    Parameters
    ----------
    rows
        Of the table.
    text
        The expression.
    place
        In the plan, for messages.
    dtype
        Of the values, as an assignment casts them; as they come for None.

    Raises
    ------
    LifecycleError
        If it is none, or its values do not fit the type.
    """
    try:
        expression = pl.sql_expr(text)
        expression = expression if dtype is None else expression.cast(dtype)
        # a column of its own keeps a constant as long as the table
        found = rows.select(pl.first().is_null().alias(" "), expression.alias("  "))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise LifecycleError(
            f"{place} is {text!r:.80}, which is no SQL expression that fits the table's columns: "
            f"{named_reason(error)}"
        ) from error
    return found["  "]
