"""A condition in SQL, read into typed conditions: the text itself reaches no engine.

What can be said exactly of every table can be written: comparisons of a column with a value,
``IN``, ``BETWEEN``, ``LIKE`` with ``%`` at the beginning or the end, ``STARTS_WITH``,
``ENDS_WITH``, ``CONTAINS``, ``IS NULL``, a column of booleans by itself, ``AND``, ``OR``, ``NOT``.
A text is a date or a time where the column is of dates or times. All else is refused by name.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from neuralake.catalog.filters import AllOf, AnyOf, Condition, Filter, Not, Operator
from neuralake.catalog.where import shown
from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl
    from sqlglot import exp

_COMPARISONS: dict[str, tuple[Operator, Operator]] = {  # and as it is with its sides exchanged
    "EQ": ("=", "="),
    "NEQ": ("!=", "!="),
    "LT": ("<", ">"),
    "LTE": ("<=", ">="),
    "GT": (">", "<"),
    "GTE": (">=", "<="),
}
_IN_TEXT: dict[str, Operator] = {
    "Contains": "contains",
    "StartsWith": "starts_with",
    "EndsWith": "ends_with",
}
# What a node of sqlglot's may hold to be read whole; anything else in it would be passed over
_PARTS = {"this", "expression", "expressions", "low", "high", "negate"}


def read(table: str, node: exp.Expr, schema: pl.Schema) -> Condition:
    """A condition of a table, its values in the types of the columns.

    Parameters
    ----------
    table
        Name of the table, by which a column may be called.
    node
        As :func:`neuralake.catalog.where.parse` gives it.
    schema
        Columns of the table; those that are named are among them.

    Raises
    ------
    CatalogError
        If it says what cannot be said exactly of every table, or a value is not of its column's
        type.
    """
    return _Reader(table, schema).condition(node)


class _Reader:
    """Reads conditions on one table."""

    def __init__(self, table: str, schema: pl.Schema) -> None:
        self._table = table
        self._schema = schema

    def condition(self, node: exp.Expr) -> Condition:
        """A condition, whatever its kind."""
        from sqlglot import exp

        is_column = isinstance(node, exp.Column)
        if not is_column and any(v for key, v in node.args.items() if key not in _PARTS):
            raise self._refused(node)
        match node:
            case exp.Paren():
                found = self.condition(node.this)
            case exp.And() | exp.Or():
                found = self._group(node)
            case exp.Not():
                found = Not(self.condition(node.this))
            case exp.Column():
                found = Filter(self._column(node), "=", True)
            case _:
                found = self._predicate(node)
        return Not(found) if node.args.get("negate") else found

    def _predicate(self, node: exp.Expr) -> Condition:
        """A condition on one column."""
        from sqlglot import exp

        kind = type(node).__name__
        if kind in _COMPARISONS:
            return self._comparison(node, *_COMPARISONS[kind])
        if kind in _IN_TEXT:
            column = self._column(node.this)
            return Filter(column, _IN_TEXT[kind], self._value(column, node.expression))
        match node:
            case exp.In() if node.expressions:
                column = self._column(node.this)
                return Filter(column, "in", [self._value(column, e) for e in node.expressions])
            case exp.Between():
                column = self._column(node.this)
                low, high = (self._value(column, node.args[side]) for side in ("low", "high"))
                return AllOf([Filter(column, ">=", low), Filter(column, "<=", high)])
            case exp.Is() if isinstance(node.expression, exp.Null):
                return Filter(self._column(node.this), "is null")
            case exp.Like():
                return self._like(node)
            case _:
                raise self._refused(node)

    def _group(self, node: exp.Expr) -> Condition:
        """A chain of ANDs or ORs as one group: sqlglot nests them as deep as there are parts."""
        kind = type(node)
        parts: list[exp.Expr] = []
        waiting = [node]
        while waiting:
            part = waiting.pop()
            if type(part) is kind:
                waiting += [part.expression, part.this]
            else:
                parts.append(part)
        conditions = [self.condition(part) for part in parts]
        return AllOf(conditions) if kind.__name__ == "And" else AnyOf(conditions)

    def _comparison(self, node: exp.Expr, operator: Operator, exchanged: Operator) -> Condition:
        from sqlglot import exp

        left, right = node.this, node.expression
        if isinstance(left, exp.Column):
            column = self._column(left)
            return Filter(column, operator, self._value(column, right))
        if isinstance(right, exp.Column):
            column = self._column(right)
            return Filter(column, exchanged, self._value(column, left))
        raise self._refused(node)

    def _like(self, node: exp.Expr) -> Condition:
        column = self._column(node.this)
        pattern = self._value(column, node.expression)
        if not isinstance(pattern, str):
            raise self._refused(node)
        text = pattern.strip("%")
        if "%" in text or "_" in text or "\\" in text:
            raise CatalogError(
                f"table {self._table}: LIKE {pattern!r} is not read: expected % at the beginning "
                f"or the end only, and no _ or backslash"
            )
        starts, ends = not pattern.startswith("%"), not pattern.endswith("%")
        if not text and pattern:
            return Filter(column, "contains", "")
        if starts and ends:
            return Filter(column, "=", text)
        if starts:
            return Filter(column, "starts_with", text)
        return Filter(column, "ends_with" if ends else "contains", text)

    def _column(self, node: exp.Expr) -> str:
        from sqlglot import exp

        if not isinstance(node, exp.Column) or node.table not in ("", self._table):
            raise self._refused(node)
        if node.name not in self._schema:
            raise CatalogError(
                f"table {self._table} has no column {node.name}; it has {', '.join(self._schema)}"
            )
        return str(node.name)

    def _value(self, column: str, node: exp.Expr) -> Any:
        """A value, in the type of a column where its text can be read so."""
        from sqlglot import exp

        dtype = self._schema[column]
        match node:
            case exp.Paren():
                return self._value(column, node.this)
            case exp.Neg(this=exp.Literal(is_string=False)):
                return _number(f"-{node.this.this}", dtype)
            case exp.Literal(is_string=False):
                return _number(node.this, dtype)
            case exp.Literal():
                return _from_text(str(node.this), dtype)
            case exp.Boolean():
                return bool(node.this)
            case exp.Null():
                return None
            case exp.Cast(this=exp.Literal(is_string=True)) if self._is_time(node):
                return _from_text(str(node.this.this), dtype, is_time=True)
            case _:
                raise self._refused(node)

    def _is_time(self, node: exp.Expr) -> bool:
        return node.args["to"].this.value in ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ")

    def _refused(self, node: exp.Expr) -> CatalogError:
        return CatalogError(
            f"table {self._table}: {shown(node.sql())} is not read in an SQL condition: expected "
            f"columns compared with values, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT"
        )


def _number(text: str, dtype: pl.DataType) -> int | float | Decimal | str:
    """A number in a column's type, if it is one of it; otherwise as it is, to be refused."""
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return text
    if dtype.is_float():
        return float(text)
    # No power of ten that would fill the memory
    is_whole = abs(exact.adjusted()) < 100 and exact == exact.to_integral_value()
    return int(exact) if is_whole else exact


def _from_text(text: str, dtype: pl.DataType, *, is_time: bool = False) -> Any:
    """A text in a column's type, if it is one of it; otherwise as it is, to be refused."""
    import polars as pl

    try:
        if isinstance(dtype, pl.Date):
            return dt.date.fromisoformat(text)
        if isinstance(dtype, pl.Datetime) or is_time:
            return dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return text.encode() if isinstance(dtype, pl.Binary) else text
