"""CHECK constraints and invariants of a table, held against each batch.

They are written in Spark's SQL. What says the same in Polars' is verified by it; any other
expression is refused by name when the table is opened, never guessed at. Source: Delta Transaction
Log Protocol, "CHECK Constraints", "Column Invariants".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.delta.actions import Metadata
from neuralake.delta.features import column_metadata
from neuralake.writer.errors import BatchError, UnsupportedTableError

if TYPE_CHECKING:
    import polars as pl
    from sqlglot import exp

_PREFIX = "delta.constraints."
_INVARIANT = "delta.invariants"
# Of sqlglot's nodes those of which both have the same understanding
_KNOWN = (
    *("Column", "Identifier", "Literal", "Boolean", "Null", "Paren", "Tuple", "And", "Or", "Not"),
    *("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "In", "Between", "Is", "Add", "Sub", "Mul", "Neg"),
    *("Length", "Lower", "Upper", "Abs", "Coalesce", "Cast", "DataType", "Date"),
)


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
    """

    name: str
    text: str
    condition: pl.Expr

    def check(self, rows: pa.Table) -> None:
        """Hold it against rows with the table's columns.

        Raises
        ------
        BatchError
            If it is false, or null, for one of them.
        """
        import polars as pl

        frame = pl.DataFrame(pl.from_arrow(rows))
        holds = self.condition.fill_null(value=False)
        broken = frame.with_row_index("__row").filter(~holds).head(1)
        if broken.height:
            row = broken["__row"][0]
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
    import polars as pl
    import sqlglot
    from sqlglot import exp

    known = tuple(getattr(exp, kind) for kind in _KNOWN)
    try:
        tree = sqlglot.parse_one(text, read="spark")
        unknown = next((node for node in tree.walk() if not isinstance(node, known)), None)
        if unknown is not None:
            raise _refused(name, text, f"{type(unknown).__name__} is not verified here")
        if any(column.table for column in tree.find_all(exp.Column)):
            raise _refused(name, text, "fields of structs are not verified here")
        tree = tree.transform(_as_typed, schema)
        condition = pl.sql_expr(tree.sql(dialect="postgres", identify=True))
        empty = pl.DataFrame(pl.from_arrow(schema.empty_table()))
        kind = empty.select(condition.alias("holds")).schema["holds"]
    except (sqlglot.ParseError, pl.exceptions.PolarsError) as error:
        raise _refused(name, text, str(error).splitlines()[0]) from error
    if kind != pl.Boolean:
        raise _refused(name, text, f"it is {kind}, not a condition")
    return Constraint(name, text, condition)


def _as_typed(node: exp.Expression, schema: pa.Schema) -> exp.Expression:
    """A column under the table's spelling, and text beside a date or a time as one of those."""
    from sqlglot import exp

    if isinstance(node, exp.Column):
        for name in schema.names:
            if name.lower() == node.name.lower():
                return exp.column(name, quoted=True)
    if isinstance(node, exp.Literal) and node.is_string and node.parent is not None:
        for column in node.parent.find_all(exp.Column):
            index = schema.get_field_index(column.name)
            kind = schema.field(index).type if index >= 0 else None
            if kind is not None and pa.types.is_date(kind):
                return exp.cast(node, "date")
    return node


def _refused(name: str, text: str, reason: str) -> UnsupportedTableError:
    return UnsupportedTableError(
        f"the constraint {name} ({text}) cannot be verified by Neuralake's writer: {reason}"
    )
