"""Conditions in Spark's SQL as expressions of Polars that are true for the same rows.

The two differ in what they make of numbers of several types, of nulls and of casts, so that each
operation is put together here from its operands' types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.writer.sql_values import (
    COMPARED,
    COMPUTED,
    DIGITS,
    Kind,
    NotVerifiedError,
    Value,
    cast,
    check_digits,
    compared,
    computed,
    integer,
    negative,
    nothing,
    number,
    of_column,
    of_kind,
    together,
    wide,
)

if TYPE_CHECKING:
    import polars as pl
    from sqlglot import exp


def condition(tree: exp.Expr, schema: pa.Schema) -> pl.Expr:
    """A condition as Polars has it.

    Parameters
    ----------
    tree
        As sqlglot reads Spark's SQL.
    schema
        Columns that there are.

    Returns
    -------
    polars.Expr
        True, false or null for each row. It raises where Spark would, of a cast.

    Raises
    ------
    NotVerifiedError
        If a part of it is not known to mean the same, or it is no condition.
    """
    found = _Translation(schema).value(tree)
    if found.kind not in ("flag", "null"):
        raise NotVerifiedError(f"it is a {found.kind}, not a condition")
    return found.expr


class _Translation:
    """What makes values of the nodes of a tree."""

    def __init__(self, schema: pa.Schema) -> None:
        self._fields = {field.name.lower(): field for field in schema}

    def value(self, node: exp.Expr) -> Value:
        """The value of a node."""
        name = type(node).__name__
        if name in COMPARED:
            return compared(name, self.value(node.this), self.value(node.expression))
        if name in COMPUTED:
            return computed(name, self.value(node.this), self.value(node.expression))
        make = getattr(self, f"_{name.lower()}", None)
        if make is None:
            raise NotVerifiedError(f"{name} is not verified here")
        found: Value = make(node)
        return found

    def _paren(self, node: exp.Paren) -> Value:
        return self.value(node.this)

    def _column(self, node: exp.Column) -> Value:
        if node.table:
            raise NotVerifiedError("fields of structs are not verified here")
        field = self._fields.get(node.name.lower())
        if field is None:
            raise NotVerifiedError(f"there is no column {node.name}")
        return of_column(field)

    def _literal(self, node: exp.Literal) -> Value:
        import polars as pl

        if node.is_string:
            return Value(pl.lit(node.this), "text", text=node.this)
        if "e" in node.this.lower():
            return Value(pl.lit(float(node.this)), "double")
        written = Decimal(node.this)
        _, digits, exponent = written.as_tuple()
        scale = max(0, -int(exponent))
        kind: Kind = "decimal" if "." in node.this or len(digits) > DIGITS[64] else "integer"
        check_digits(max(len(digits), scale))
        unscaled = int("".join(map(str, digits))) * 10 ** max(0, int(exponent))
        return Value(integer(unscaled), kind, scale, max(len(digits), scale))

    def _boolean(self, node: exp.Boolean) -> Value:
        import polars as pl

        return Value(pl.lit(bool(node.this)), "flag")

    def _null(self, _: exp.Null) -> Value:
        return nothing()

    def _not(self, node: exp.Not) -> Value:
        return Value(~self._flag(node.this), "flag")

    def _and(self, node: exp.And) -> Value:
        return Value(self._flag(node.this) & self._flag(node.expression), "flag")

    def _or(self, node: exp.Or) -> Value:
        return Value(self._flag(node.this) | self._flag(node.expression), "flag")

    def _is(self, node: exp.Is) -> Value:
        value = self.value(node.this)
        name = type(node.expression).__name__
        if name == "Null":
            return Value(value.expr.is_null(), "flag")
        if name != "Boolean" or value.kind != "flag":
            raise NotVerifiedError(f"IS {node.expression.sql()} is not verified here")
        holds = value.expr if node.expression.this else ~value.expr
        return Value(holds.fill_null(value=False), "flag")

    def _in(self, node: exp.In) -> Value:
        if not node.expressions:
            raise NotVerifiedError("IN without a list is not verified here")
        value = self.value(node.this)
        # an element that is null makes null of what is not found
        equal = [compared("EQ", value, self.value(e)).expr for e in node.expressions]
        return Value(reduce(lambda a, b: a | b, equal), "flag")

    def _between(self, node: exp.Between) -> Value:
        value = self.value(node.this)
        low, high = self.value(node.args["low"]), self.value(node.args["high"])
        least, greatest = compared("GTE", value, low), compared("LTE", value, high)
        return Value(least.expr & greatest.expr, "flag")

    def _neg(self, node: exp.Neg) -> Value:
        value = number(self.value(node.this))
        return replace(value, expr=negative(value))

    def _abs(self, node: exp.Abs) -> Value:
        import polars as pl

        value = number(self.value(node.this))
        expr = pl.when(value.expr < 0).then(negative(value)).otherwise(value.expr)
        return replace(value, expr=expr)

    def _length(self, node: exp.Length) -> Value:
        return Value(wide(self._text(node.this).str.len_chars()), "integer", 0, DIGITS[32])

    def _lower(self, node: exp.Lower) -> Value:
        return Value(self._text(node.this).str.to_lowercase(), "text")

    def _upper(self, node: exp.Upper) -> Value:
        return Value(self._text(node.this).str.to_uppercase(), "text")

    def _coalesce(self, node: exp.Coalesce) -> Value:
        import polars as pl

        values = together([self.value(n) for n in (node.this, *node.expressions)])
        return replace(values[0], expr=pl.coalesce([v.expr for v in values]), text=None)

    def _date(self, node: exp.Date) -> Value:
        return cast(self.value(node.this), "DATE")

    def _cast(self, node: exp.Cast) -> Value:
        if node.args.get("safe"):
            raise NotVerifiedError("TRY_CAST is not verified here")
        sizes = tuple(int(size.name) for size in node.to.expressions)
        return cast(self.value(node.this), node.to.this.name, sizes)

    _trycast = _cast  # which sqlglot calls Spark's CAST, since it depends on its settings

    def _flag(self, node: exp.Expr) -> pl.Expr:
        return of_kind(self.value(node), "flag")

    def _text(self, node: exp.Expr) -> pl.Expr:
        return of_kind(self.value(node), "text")


def columns_of(tree: exp.Expr, schema: pa.Schema) -> tuple[str, ...]:
    """Columns that a condition is made of, as the table spells them."""
    from sqlglot import exp

    named: Iterable[exp.Column] = tree.find_all(exp.Column)
    used = {column.name.lower() for column in named}
    return tuple(name for name in schema.names if name.lower() in used)
