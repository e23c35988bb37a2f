"""CHECK constraints and invariants of a table, held against each batch.

They are written in Spark's SQL. What says the same in Polars' is verified by it
(:mod:`neuralake.writer.conditions`); any other expression is refused by name when the table is
opened, never guessed at. Source: Delta Transaction Log Protocol, "CHECK Constraints", "Column
Invariants".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.delta.actions import Metadata
from neuralake.delta.features import column_metadata
from neuralake.errors import reason_of
from neuralake.writer.conditions import columns_of, condition
from neuralake.writer.errors import BatchError, UnsupportedTableError
from neuralake.writer.sql_values import NotVerifiedError

if TYPE_CHECKING:
    import polars as pl

_PREFIX = "delta.constraints."
_INVARIANT = "delta.invariants"


@dataclass(frozen=True)
class Constraint:
    """A condition that holds for every row.

    Attributes
    ----------
    name
        Of the constraint, or of the column that it is an invariant of.
    text
        As it was written.
    condition
        The same for Polars.
    columns
        Names of those that it is made of.
    """

    name: str
    text: str
    condition: pl.Expr
    columns: tuple[str, ...]

    def check(self, rows: pa.Table) -> None:
        """Hold it against rows with the table's columns.

        Raises
        ------
        BatchError
            If it is false, or null, for one of them, or a cast in it fails.
        """
        import polars as pl

        if not rows.num_rows:
            return
        frame = pl.DataFrame(pl.from_arrow(rows.select(self.columns)))
        try:
            # of one value if there is no column in it
            holds = frame.select(self.condition.fill_null(value=False).alias("")).to_series()
        except pl.exceptions.PolarsError as error:
            raise BatchError(
                f"the constraint {self.name} ({self.text}) fails on the batch: {reason_of(error)}"
            ) from error
        if not holds.all():
            row = (~holds).arg_true()[0]
            raise BatchError(f"row {row} breaks the constraint {self.name} ({self.text})")


def constraints_of(metadata: Metadata, schema: pa.Schema) -> tuple[Constraint, ...]:
    """The constraints of a table.

    Raises
    ------
    UnsupportedTableError
        If one cannot be verified here; the message names it.
    """
    return tuple(_constraint(name, text, schema) for name, text in _texts(metadata))


def _texts(metadata: Metadata) -> Iterator[tuple[str, str]]:
    for name, text in metadata.configuration.items():
        if name.startswith(_PREFIX):
            yield name.removeprefix(_PREFIX), text
    for column, found in column_metadata(metadata):
        if (written := found.get(_INVARIANT)) is not None:
            yield column, str(json.loads(written)["expression"]["expression"])


def _constraint(name: str, text: str, schema: pa.Schema) -> Constraint:
    import sqlglot

    try:
        tree = sqlglot.parse_one(text, read="spark")
        return Constraint(name, text, condition(tree, schema), columns_of(tree, schema))
    except (sqlglot.ParseError, NotVerifiedError) as error:
        raise _refused(name, text, reason_of(error)) from error


def _refused(name: str, text: str, reason: str) -> UnsupportedTableError:
    return UnsupportedTableError(
        f"the constraint {name} ({text}) cannot be verified by Neuralake's writer: {reason}"
    )
