"""Typed filters on rows: checked against a table's schema, exact, and pushed down by Polars.

A filter keeps the rows for which SQL says true: a comparison with a missing value is never true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from neuralake.catalog.values import Point, point, series
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]

_OPERATORS: tuple[str, ...] = get_args(Operator)


@dataclass(frozen=True)
class Filter:
    """A condition on one column.

    Attributes
    ----------
    column
        Column name.
    operator
        ``=  !=  <  <=  >  >=``, ``in``, ``not in``, ``is null`` or ``is not null``.
    value
        What to compare with, of the column's type: ``int``, ``Decimal`` (never ``float``) for a
        decimal, ``date``, ``datetime`` (with a time zone where the column has one), ``str``, …
        A list or tuple of them for ``in`` and ``not in``; nothing for ``is null``.
    """

    column: str
    operator: Operator
    value: Any = None

    def __post_init__(self) -> None:
        place = f"filter {self.column} {self.operator}"
        if self.operator not in _OPERATORS:
            raise CatalogError(
                f"{place}: no such operator; there are {', '.join(map(repr, _OPERATORS))}"
            )
        if self.operator.startswith("is ") and self.value is not None:
            raise CatalogError(f"{place}: takes no value, but was given {self.value!r}")
        if self.operator.endswith("in"):
            if not isinstance(self.value, list | tuple) or not self.value:
                raise CatalogError(
                    f"{place}: takes a list of one or more values, but was given {self.value!r}"
                )
            # A list could still be changed by whoever holds it.
            object.__setattr__(self, "value", tuple(self.value))


def apply(
    frame: pl.LazyFrame, table: str, filters: Sequence[Filter], columns: Sequence[str]
) -> pl.LazyFrame:
    """A frame with filters applied and columns chosen; both reach the scan below it.

    Parameters
    ----------
    frame
        The rows.
    table
        Name of the table, for messages.
    filters
        All of them hold for the rows that are kept.
    columns
        Names in the order wanted; empty for all.

    Raises
    ------
    CatalogError
        If a column is unknown, or a value is not of its column's type.
    """
    if not filters and not columns:
        return frame
    schema = frame.collect_schema()
    for name in [*(f.column for f in filters), *columns]:
        if name not in schema:
            raise CatalogError(f"table {table} has no column {name}; it has {', '.join(schema)}")
    if len(set(columns)) < len(columns):
        raise CatalogError(f"table {table}: a column is chosen twice in {', '.join(columns)}")
    for condition in filters:
        frame = frame.filter(_predicate(table, condition, schema[condition.column]))
    return frame.select(columns) if columns else frame


def _predicate(table: str, condition: Filter, dtype: pl.DataType) -> pl.Expr:
    """A condition as a Polars expression: true, false, or null where the value is missing."""
    import polars as pl

    column, operator = pl.col(condition.column), condition.operator
    if operator == "is null":
        return column.is_null()
    if operator == "is not null":
        return column.is_not_null()
    if isinstance(dtype, pl.Categorical | pl.Enum):
        # An Enum would compare in the order of its categories, and refuse a string it lacks.
        column = column.cast(pl.String)
    place = f"filter {table}.{condition.column} {operator}"
    if operator not in ("in", "not in"):
        return _compare(column, operator, point(place, condition.value, dtype))
    points = [point(place, value, dtype) for value in condition.value]
    return _among(column, operator, [p for p in points if p.is_exact])


def _compare(column: pl.Expr, operator: str, limit: Point) -> pl.Expr:
    """Compare with a value that may lie between two values of the column's type."""
    import polars as pl

    never, always = pl.lit(value=False), column.is_not_null()
    if limit.value is None:
        return always if operator in ("!=", ">", ">=") else never
    match operator:
        case "=":
            return column == limit.literal() if limit.is_exact else never
        case "!=":
            return column != limit.literal() if limit.is_exact else always
        case "<" if limit.is_exact:
            return column < limit.literal()
        case "<" | "<=":
            return column <= limit.literal()
        case ">=" if limit.is_exact:
            return column >= limit.literal()
        case _:
            return column > limit.literal()


def _among(column: pl.Expr, operator: str, points: Sequence[Point]) -> pl.Expr:
    """Whether the value is one of those that the column's type can hold."""
    import polars as pl

    if not points:
        return pl.lit(value=False) if operator == "in" else column.is_not_null()
    found = column.is_in(series(points).implode())
    return found if operator == "in" else ~found
