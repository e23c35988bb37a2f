"""Values of filters, brought exactly into the type of their column.

Polars compares a column of milliseconds with a literal of microseconds in milliseconds, and loses
rows by it. So a value is first put on the column's own grid (whole numbers, cents, ticks): the
grid point at or below it, and whether that is the value itself. Every comparison can be said
exactly with that point, in the column's type, which also lets a scan use its statistics.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from neuralake.errors import CatalogError

if TYPE_CHECKING:
    import polars as pl

_TICKS_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Point:
    """The greatest value of a column's type that is not above a given value.

    Attributes
    ----------
    value
        That value, as Polars takes it for ``dtype``: ticks for a time, otherwise the value; None
        if the given one is below everything the type can hold.
    dtype
        The type to compare in.
    is_exact
        Whether it is the given value itself.
    """

    value: Any
    dtype: pl.DataType
    is_exact: bool = True

    def literal(self) -> pl.Expr:
        """The value as a literal of its type."""
        import polars as pl

        if isinstance(self.dtype, pl.Datetime):
            return pl.lit(self.value, dtype=pl.Int64).cast(self.dtype)
        return pl.lit(self.value, dtype=self.dtype)


def series(points: Sequence[Point]) -> pl.Series:
    """Values of one type as a series of that type."""
    import polars as pl

    dtype = points[0].dtype
    stored = pl.Int64() if isinstance(dtype, pl.Datetime) else dtype
    return pl.Series([point.value for point in points], dtype=stored).cast(dtype)


def point(place: str, value: Any, dtype: pl.DataType) -> Point:
    """Put a value on the grid of a column's type.

    Parameters
    ----------
    place
        Which filter, for messages.
    value
        A Python value.
    dtype
        The column's type in Polars.

    Raises
    ------
    CatalogError
        If the value is not of the column's type.
    """
    import polars as pl

    if value is None:
        raise CatalogError(f"{place}: a comparison with None is never true: use 'is null'")
    _require_type(place, value, dtype)
    if dtype.is_integer():
        return _on_grid(Fraction(value), *_integer_range(dtype), dtype)
    if isinstance(dtype, pl.Decimal):
        highest = 10**dtype.precision - 1
        return _on_grid(Fraction(value) * 10**dtype.scale, -highest, highest, dtype)
    if isinstance(dtype, pl.Datetime):
        ticks = _seconds(value) * _TICKS_PER_SECOND[dtype.time_unit]
        return _on_grid(ticks, -(2**63), 2**63 - 1, dtype)
    if dtype.is_float():
        # Widening the column is exact; narrowing the value would not be.
        dtype = pl.Float64()
    if isinstance(dtype, pl.Categorical | pl.Enum):
        dtype = pl.String()
    return Point(float(value) if isinstance(dtype, pl.Float64) else value, dtype)


def _on_grid(units: Fraction, lowest: int, highest: int, dtype: pl.DataType) -> Point:
    if units < lowest:
        return Point(None, dtype, is_exact=False)
    floor = min(math.floor(units), highest)
    return Point(_stored(floor, dtype), dtype, is_exact=floor == units)


def _stored(units: int, dtype: pl.DataType) -> int | Decimal:
    import polars as pl

    if not isinstance(dtype, pl.Decimal):
        return units
    # Not by arithmetic, which rounds to the precision of Python's decimal context.
    digits = tuple(int(digit) for digit in str(abs(units)))
    return Decimal((int(units < 0), digits, -dtype.scale))


def _seconds(value: dt.datetime) -> Fraction:
    """Seconds since the epoch, of a time with a zone, or of one without on its own clock."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    return Fraction((value - _EPOCH) // dt.timedelta(microseconds=1), 10**6)


def _integer_range(dtype: pl.DataType) -> tuple[int, int]:
    name = str(dtype)
    bits = int(name.lstrip("UInt"))
    return (0, 2**bits - 1) if name.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _require_type(place: str, value: Any, dtype: pl.DataType) -> None:
    expected = _expected(value, dtype)
    if expected is not None:
        raise CatalogError(
            f"{place}: the value {value!r} is of type {type(value).__name__}: "
            f"expected {expected} for a column of type {dtype}"
        )


def _expected(value: Any, dtype: pl.DataType) -> str | None:
    """What a value should have been for a type, or None if it is right."""
    import polars as pl

    # bool is an int and datetime is a date to Python, but not to whoever wrote the filter.
    is_int = isinstance(value, int) and not isinstance(value, bool)
    is_time = isinstance(value, dt.datetime)
    match dtype:
        case _ if dtype.is_integer():
            right, expected = is_int, "int"
        case pl.Decimal():
            right = is_int or (isinstance(value, Decimal) and value.is_finite())
            expected = "a finite Decimal or int (a float is not exact)"
        case _ if dtype.is_float():
            exact_int = is_int and abs(value) <= 2**53
            right = exact_int or (isinstance(value, float) and not math.isnan(value))
            expected = "float (not nan), or an int that a float holds exactly"
        case pl.Boolean():
            right, expected = isinstance(value, bool), "bool"
        case pl.String() | pl.Categorical() | pl.Enum():
            right, expected = isinstance(value, str), "str"
        case pl.Binary():
            right, expected = isinstance(value, bytes), "bytes"
        case pl.Date():
            right, expected = isinstance(value, dt.date) and not is_time, "date"
        case pl.Datetime() if dtype.time_zone is None:
            right, expected = is_time and value.tzinfo is None, "datetime without a time zone"
        case pl.Datetime():
            right, expected = is_time and value.tzinfo is not None, "datetime with a time zone"
        case _:
            right, expected = False, "'is null' or 'is not null', which is all there is"
    return None if right else expected
