"""Values of Spark's SQL as expressions of Polars, each with what Spark has there.

Whole numbers and decimals are 128-bit integers with a known number of decimals, and so exact. What
is not known to mean the same in both is refused. Source: Apache Spark, "ANSI Compliance", "Type
Promotion and Precedence", "NULL Semantics".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl

Kind: TypeAlias = Literal[
    "integer", "decimal", "float", "double", "text", "flag", "date", "moment", "clock", "null",
    "other",
]  # fmt: skip
_EXACT = ("integer", "decimal")
_NUMBERS = (*_EXACT, "float", "double")
_MOST_DIGITS = 38  # of a decimal, and of a 128-bit integer
DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
_BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}
COMPARED: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "EQ": lambda a, b: a == b,
    "NEQ": lambda a, b: a != b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
}
COMPUTED: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
}


class NotVerifiedError(Exception):
    """A condition is not known to mean the same here; the message says which part of it."""


@dataclass(frozen=True)
class Value:
    """An expression, and what Spark has there.

    Attributes
    ----------
    expr
        Of Polars; of an exact number the 128-bit integer that is left without the decimal point.
    kind
        Of its values.
    scale, digits
        Of an exact number: how many digits follow the point, and how many there are at most.
    text
        Of a text that is a literal.
    """

    expr: pl.Expr
    kind: Kind
    scale: int = 0
    digits: int = 0
    text: str | None = None


def of_column(field: pa.Field) -> Value:
    """The values of a column."""
    import polars as pl

    kind, types, column = field.type, pa.types, pl.col(field.name)
    if types.is_integer(kind):
        return Value(wide(column), "integer", 0, DIGITS[kind.bit_width])
    if types.is_decimal(kind):
        return Value(wide(column.to_physical()), "decimal", kind.scale, kind.precision)
    if types.is_timestamp(kind):
        return Value(column, "clock" if kind.tz is None else "moment")
    named: dict[str, Kind] = {
        "float": "float", "double": "double", "string": "text", "bool": "flag",
        "date32[day]": "date",
    }  # fmt: skip
    return Value(column, named.get(str(kind), "other"))


def compared(name: str, left: Value, right: Value) -> Value:
    """Two values held against each other, by one of ``COMPARED``; raises ``NotVerifiedError``."""
    left, right = together([left, right])
    if left.kind == "null":
        return nothing()
    return Value(COMPARED[name](left.expr, right.expr), "flag")


def computed(name: str, left: Value, right: Value) -> Value:
    """A number of two others, by one of ``COMPUTED``; raises ``NotVerifiedError``."""
    left, right = number(left), number(right)
    if name != "Mul" or not {left.kind, right.kind} <= {*_EXACT}:
        left, right = together([left, right])
    scale, digits = left.scale, max(left.digits, right.digits) + 1
    if name == "Mul":
        scale, digits = left.scale + right.scale, left.digits + right.digits
    kind = "decimal" if "decimal" in (left.kind, right.kind) else left.kind
    if kind in _EXACT:
        check_digits(digits)
    return Value(COMPUTED[name](left.expr, right.expr), kind, scale, digits)


def together(values: Sequence[Value]) -> list[Value]:
    """Values of one kind, as Spark would compare them; raises ``NotVerifiedError``."""
    kinds = {value.kind for value in values} - {"null"}
    if not kinds:
        return list(values)
    if kinds <= {*_EXACT}:
        return _exact_together(values)
    if len(kinds) > 1 and kinds <= {*_NUMBERS}:
        return _floats_together(values, kinds)
    if kinds == {"date", "text"} and all(v.text is not None for v in values if v.kind == "text"):
        return [cast(v, "DATE") if v.kind == "text" else v for v in values]
    if len(kinds) > 1 or kinds == {"other"}:
        names = " and ".join(sorted("another type" if k == "other" else k for k in kinds))
        raise NotVerifiedError(f"values of {names} are not compared here")
    [kind] = kinds
    return [replace(value, kind=kind) for value in values]


def _floats_together(values: Sequence[Value], kinds: set[Kind]) -> list[Value]:
    import polars as pl

    # a decimal beside a float makes both of them doubles; a whole number does not
    kind: Kind = "double" if kinds & {"double", "decimal"} else "float"
    target = pl.Float64 if kind == "double" else pl.Float32
    return [Value(_as_float(value).cast(target), kind) for value in values]


def _exact_together(values: Sequence[Value]) -> list[Value]:
    kind: Kind = "decimal" if any(v.kind == "decimal" for v in values) else "integer"
    scale = max(value.scale for value in values)
    return [replace(_scaled(value, scale), kind=kind) for value in values]


def _scaled(value: Value, scale: int) -> Value:
    """An exact number with so many decimals, which are no fewer than it has."""
    more = scale - value.scale
    if not more or value.kind == "null":
        return value
    check_digits(value.digits + more)
    expr = value.expr * integer(10**more)
    return replace(value, expr=expr, scale=scale, digits=value.digits + more)


def _as_float(value: Value) -> pl.Expr:
    import polars as pl

    if value.kind not in _EXACT:
        return value.expr
    return value.expr.cast(pl.Float64) / 10.0**value.scale


def cast(value: Value, target: str, sizes: tuple[int, ...] = ()) -> Value:
    """A value in another type; the expression raises where one cannot be.

    Parameters
    ----------
    value
        That is cast.
    target, sizes
        The type as sqlglot calls it, and what is in brackets after it.

    Raises
    ------
    NotVerifiedError
        If it depends on somebody's settings, may round, or is none that is known here.
    """
    if value.kind == "null":
        return value
    found: Value | None = None
    if target in _BITS:
        found = _to_integer(value, _BITS[target])
    elif target in ("FLOAT", "DOUBLE"):
        found = _to_float(value, target)
    elif target == "DECIMAL":
        found = _to_decimal(value, sizes)
    elif target in ("TEXT", "VARCHAR") and not sizes:
        found = _to_text(value)
    elif target == "DATE":
        found = _to_date(value)
    elif target == "BOOLEAN" and value.kind == "flag":
        found = value
    if found is None:
        raise NotVerifiedError(f"a cast of a {value.kind} to {target} is not verified here")
    return found


def _to_integer(value: Value, bits: int) -> Value | None:
    import polars as pl

    if value.kind not in (*_NUMBERS, "flag", "text"):
        return None
    target = {8: pl.Int8, 16: pl.Int16, 32: pl.Int32, 64: pl.Int64}[bits]
    whole = _truncated(value) if value.kind in _EXACT else value.expr
    return Value(wide(whole.cast(target)), "integer", 0, DIGITS[bits])


def _to_float(value: Value, target: str) -> Value | None:
    import polars as pl

    if value.kind not in _NUMBERS:
        return None
    if target == "FLOAT":
        return Value(_as_float(value).cast(pl.Float32), "float")
    return Value(_as_float(value).cast(pl.Float64), "double")


def _to_decimal(value: Value, sizes: tuple[int, ...]) -> Value | None:
    precision, scale = (*sizes, 0)[:2] if sizes else (0, 0)
    is_wide = scale >= value.scale and precision - scale >= value.digits - value.scale
    if value.kind not in _EXACT or not is_wide:
        return None
    return replace(_scaled(value, scale), kind="decimal", digits=precision)


def _to_text(value: Value) -> Value | None:
    import polars as pl

    if value.kind == "text":
        return value
    if value.kind == "flag":
        return Value(value.expr.cast(pl.String), "text")
    if value.kind == "integer" and value.digits <= DIGITS[64]:
        return Value(value.expr.cast(pl.Int64).cast(pl.String), "text")
    if value.kind == "date":
        return Value(value.expr.dt.strftime("%Y-%m-%d"), "text")
    return None


def _to_date(value: Value) -> Value | None:
    import polars as pl

    if value.text is not None:
        return Value(pl.lit(_day(value.text)), "date")
    if value.kind == "text":
        return Value(value.expr.str.to_date("%Y-%m-%d"), "date")
    return Value(value.expr.cast(pl.Date), "date") if value.kind in ("date", "clock") else None


def _truncated(value: Value) -> pl.Expr:
    """An exact number without its decimals, towards zero."""
    import polars as pl

    if not value.scale:
        return value.expr
    unit, zero = integer(10**value.scale), integer(0)
    below = pl.when(value.expr < 0)
    return below.then(zero - (zero - value.expr) // unit).otherwise(value.expr // unit)


def _day(text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise NotVerifiedError(f"{text!r} is no date such as 2026-11-25") from error


def number(value: Value) -> Value:
    """A value that is a number; raises ``NotVerifiedError`` for another."""
    if value.kind not in _NUMBERS:
        raise NotVerifiedError(f"a {value.kind} is no number")
    return value


def negative(value: Value) -> pl.Expr:
    """A number with the other sign."""
    return integer(0) - value.expr if value.kind in _EXACT else -value.expr


def of_kind(value: Value, kind: Kind) -> pl.Expr:
    """The expression of a value of a kind, or of a null; raises ``NotVerifiedError`` otherwise."""
    if value.kind not in (kind, "null"):
        raise NotVerifiedError(f"a {value.kind} is no {kind}")
    return value.expr


def check_digits(digits: int) -> None:
    """Refuse numbers that may have more digits than are computed exactly."""
    if digits > _MOST_DIGITS:
        raise NotVerifiedError(f"numbers of more than {_MOST_DIGITS} digits are not verified here")


def wide(expr: pl.Expr) -> pl.Expr:
    """Integers of any width as those that exact numbers are made of."""
    import polars as pl

    return expr.cast(pl.Int128)


def integer(value: int) -> pl.Expr:
    """One such integer."""
    import polars as pl

    return pl.lit(value, pl.Int128)


def nothing() -> Value:
    """A null of no type."""
    import polars as pl

    return Value(pl.lit(None, pl.Boolean), "null")
