"""Conditions as Polars expressions: checked against a table's schema, exact, and pushed down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from neuralake.catalog.filters import AllOf, AnyOf, Condition, Filter, Not, Where, columns_of
from neuralake.catalog.values import Point, point, series
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl


def apply(
    frame: pl.LazyFrame, table: str, filters: Sequence[Condition], columns: Sequence[str]
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
    for condition in bound(table, filters, columns, schema):
        frame = frame.filter(predicate(table, condition, schema))
    return frame.select(columns) if columns else frame


def bound(
    table: str, filters: Sequence[Condition], columns: Sequence[str], schema: pl.Schema
) -> list[Condition]:
    """The filters, SQL among them read by the types of the columns, once all names are known.

    Raises
    ------
    CatalogError
        If a column is unknown or chosen twice, what is given is no condition, or a value is not of
        its column's type.
    """
    require_conditions(table, filters)
    for name in [*(c for f in filters for c in columns_of(f)), *columns]:
        if name not in schema:
            raise CatalogError(f"table {table} has no column {name}; it has {', '.join(schema)}")
    if len(set(columns)) < len(columns):
        raise CatalogError(f"table {table}: a column is chosen twice in {', '.join(columns)}")
    read = [_read(table, condition, schema) for condition in filters]
    for condition in read:
        predicate(table, condition, schema)  # which holds values against types
    return read


def require_conditions(table: str, filters: object) -> None:
    """Refuse what is no list of conditions."""
    if isinstance(filters, Condition | str) or not isinstance(filters, Sequence):
        shown = f"[{filters}]" if isinstance(filters, Condition) else "[Filter('id', '=', 1)]"
        raise CatalogError(f"table {table}: filters are a list: expected {shown}")
    for condition in filters:
        if not isinstance(condition, Condition):
            raise CatalogError(
                f"table {table}: a filter is {condition!r:.80}: expected such as "
                f"Filter('id', '=', 1)"
            )


def exclude(
    rows: pl.DataFrame, table: str, filters: Sequence[Condition], known: pl.Schema
) -> pl.DataFrame:
    """The rows, of which only some columns are known, without those of which no filter can be true.

    A condition in SQL on other columns too excludes none: these are needed to read it.
    """
    for condition in conjuncts(filters):
        named = set(columns_of(condition))
        if named <= set(known):
            (told,) = bound(table, [condition], (), known)
        elif named & set(known) and not _has_sql(condition):
            told = condition
        else:
            continue
        rows = rows.filter(possible(table, told, known, set(known)))
    return rows


def _has_sql(condition: Condition) -> bool:
    match condition:
        case Not():
            return _has_sql(condition.condition)
        case AllOf() | AnyOf():
            return any(map(_has_sql, condition.conditions))
        case _:
            return isinstance(condition, Where)


def conjuncts(conditions: Sequence[Condition]) -> list[Condition]:
    """Conditions that all hold where the given ones do, each as small as can be told."""
    found: list[Condition] = []
    for condition in conditions:
        match condition:
            case AllOf():
                found += conjuncts(condition.conditions)
            case Where():
                from neuralake.catalog.where import conjuncts as parts

                found += map(Where, parts(condition.sql))
            case _:
                found.append(condition)
    return found


def predicate(table: str, condition: Condition, schema: pl.Schema) -> pl.Expr:
    """A bound condition as an expression: true, false, or null where a value is missing."""
    match condition:
        case AllOf():
            return _joined(and_, [predicate(table, c, schema) for c in condition.conditions])
        case AnyOf():
            return _joined(or_, [predicate(table, c, schema) for c in condition.conditions])
        case Not():
            return ~predicate(table, condition.condition, schema)
        case Where():
            return predicate(table, _read(table, condition, schema), schema)
        case Filter():
            return _predicate(table, condition, schema[condition.column])


def possible(
    table: str, condition: Condition, schema: pl.Schema, known: Collection[str]
) -> pl.Expr:
    """Whether a bound condition may be true of rows of which only some columns are known.

    Parameters
    ----------
    table, condition, schema
        As of :func:`predicate`.
    known
        Columns that are known.

    Returns
    -------
    pl.Expr
        Over these columns; never null, and false only where the condition is true of no row.
    """
    return _possible(table, condition, schema, known, doubt=False)


def _possible(
    table: str, condition: Condition, schema: pl.Schema, known: Collection[str], *, doubt: bool
) -> pl.Expr:
    """Whether a condition may be true; or, with doubt, whether it is certainly not false."""
    import polars as pl

    match condition:
        case AllOf():
            parts = [_possible(table, c, schema, known, doubt=doubt) for c in condition.conditions]
            return _joined(and_, parts)
        case AnyOf():
            parts = [_possible(table, c, schema, known, doubt=doubt) for c in condition.conditions]
            return _joined(or_, parts)
        case Not():
            return ~_possible(table, condition.condition, schema, known, doubt=not doubt)
        case Filter() if condition.column in known:
            return predicate(table, condition, schema).fill_null(doubt)
        case _:
            return pl.lit(not doubt)


def _joined(operator: Callable[[pl.Expr, pl.Expr], pl.Expr], parts: Sequence[pl.Expr]) -> pl.Expr:
    """One expression of several, no deeper than it has to be.

    Polars takes time that grows with the square of the depth: seconds where 1,500 stand in a row.
    """
    while len(parts) > 1:
        parts = [reduce(operator, parts[place : place + 2]) for place in range(0, len(parts), 2)]
    return parts[0]


def _read(table: str, condition: Condition, schema: pl.Schema) -> Condition:
    """The condition, with all SQL in it read by the types of the columns."""
    from neuralake.catalog.where import parse
    from neuralake.catalog.where_reader import read

    match condition:
        case Where():
            return read(table, parse(condition.sql), schema)
        case Not():
            return Not(_read(table, condition.condition, schema))
        case AllOf() | AnyOf():
            return type(condition)([_read(table, c, schema) for c in condition.conditions])
        case _:
            return condition


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
    if operator in ("contains", "starts_with", "ends_with"):
        return _in_text(place, column, operator, condition.value, dtype)
    if operator.startswith("includes"):
        values = (condition.value,) if operator == "includes" else condition.value
        return _in_list(place, column, operator, values, dtype)
    if operator not in ("in", "not in"):
        return _compare(column, operator, point(place, condition.value, dtype))
    points = [point(place, value, dtype) for value in condition.value]
    return _among(column, operator, [p for p in points if p.is_exact])


def _compare(column: pl.Expr, operator: str, limit: Point) -> pl.Expr:
    """Compare with a value that may lie between two values of the column's type."""
    never, always = (_of_each(column, value=value) for value in (False, True))
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


def _of_each(column: pl.Expr, *, value: bool) -> pl.Expr:
    """The same of every value; of none it is null, which a negation leaves as it is."""
    import polars as pl

    return pl.when(column.is_not_null()).then(pl.lit(value=value))


def _among(column: pl.Expr, operator: str, points: Sequence[Point]) -> pl.Expr:
    """Whether the value is one of those that the column's type can hold."""
    if not points:
        return _of_each(column, value=operator == "not in")
    found = column.is_in(series(points).implode())
    return found if operator == "in" else ~found


def _in_list(
    place: str, column: pl.Expr, operator: str, values: Sequence[object], dtype: pl.DataType
) -> pl.Expr:
    """Whether a list has values among its elements; a missing element is none of them."""
    import polars as pl

    if not isinstance(dtype, pl.List | pl.Array):
        raise CatalogError(f"{place}: the column is of type {dtype}: expected lists")
    elements = column.arr.to_list() if isinstance(dtype, pl.Array) else column
    inner = dtype.inner
    assert isinstance(inner, pl.DataType)  # noqa: S101 - Polars has made it
    points = [point(place, value, inner) for value in values]
    # a value that the type cannot hold is in no list
    found = [
        elements.list.contains(p.literal()) if p.is_exact else pl.lit(value=False) for p in points
    ]
    is_kept = pl.any_horizontal(found) if operator == "includes_any" else pl.all_horizontal(found)
    return pl.when(column.is_not_null()).then(is_kept)


def _in_text(
    place: str, column: pl.Expr, operator: str, value: object, dtype: pl.DataType
) -> pl.Expr:
    """Whether a text, or bytes, has a part, letter by letter: no pattern, no other case."""
    import polars as pl

    if isinstance(dtype, pl.Binary):
        part = point(place, value, dtype).literal()
        return {
            "contains": column.bin.contains,
            "starts_with": column.bin.starts_with,
            "ends_with": column.bin.ends_with,
        }[operator](part)
    if not isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        raise CatalogError(f"{place}: the column is of type {dtype}: expected strings or bytes")
    text = str(point(place, value, dtype).value)
    if operator == "contains":
        return column.str.contains(text, literal=True)
    if operator == "ends_with":
        return column.str.ends_with(text)
    # The bounds let a scan pass over what its statistics say lies elsewhere
    found = column.str.starts_with(text) & (column >= pl.lit(text))
    beyond = _beyond(text)
    return found if beyond is None else found & (column < pl.lit(beyond))


def _beyond(prefix: str) -> str | None:
    """A text above all that start with a prefix, in the order of bytes; None if there is none."""
    for length in range(len(prefix), 0, -1):
        letter = ord(prefix[length - 1])
        if letter < sys.maxunicode:
            following = 0xE000 if letter == 0xD7FF else letter + 1  # no surrogates
            return prefix[: length - 1] + chr(following)
    return None
