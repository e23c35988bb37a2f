"""Random columns: types that Delta has, and values at their edges."""

from __future__ import annotations

import datetime as dt
import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa

_UNICODE = ["", " ", "a'b", 'q"q', "ü", "日本", "a/b=c", "%25", "NULL", "null", "\\", "x" * 50]
_LONG = ["x" * 300, "\U0010ffff" * 80]  # of which statistics have the beginning


@dataclass(frozen=True)
class Kind:
    """A type of column.

    Attributes
    ----------
    type
        In Arrow.
    draw
        A value that is not missing.
    literal
        A value in SQL that all engines read alike; None where they do not.
    groups
        Whether equal values are equal to every engine, so that it can be grouped and ordered by.
    partitions
        Whether writers take it for a partition column.
    """

    type: pa.DataType
    draw: Callable[[Random], Any]
    literal: Callable[[Any], str] | None = None
    groups: bool = False
    partitions: bool = False


def _integer(bits: int) -> Kind:
    highest = int(2 ** (bits - 1)) - 1
    lowest = -highest - 1

    def draw(random: Random) -> int:
        return random.choice((random.randint(-5, 5), lowest, highest))

    def literal(value: int) -> str:
        # The lowest number is no literal where the sign is an operator
        return str(value) if abs(value) < highest else "0"

    name: Callable[[], pa.DataType] = getattr(pa, f"int{bits}")
    return Kind(name(), draw, literal, groups=True, partitions=True)


def _decimal(precision: int, scale: int) -> Kind:
    def draw(random: Random) -> Decimal:
        highest = 10**precision - 1
        few = min(999, highest)
        units = random.choice([random.randint(-few, few), highest])
        # Not by arithmetic, which rounds to the precision of Python's decimal context
        return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -scale))

    def literal(value: Decimal) -> str:
        return f"CAST('{value:f}' AS DECIMAL({precision}, {scale}))"

    return Kind(pa.decimal128(precision, scale), draw, literal, groups=True)


def _float(kind: pa.DataType) -> Kind:
    # Halves are exact in both widths
    special = [math.nan, math.inf, -math.inf, 0.0, 1.5, -2.5]

    def literal(value: float) -> str:
        text = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, str(value))
        return f"CAST('{'NaN' if math.isnan(value) else text}' AS DOUBLE)"

    return Kind(kind, lambda random: random.choice([*special, random.randint(-9, 9) / 2]), literal)


def _text(random: Random) -> str:
    word = "".join(random.choices(string.ascii_letters, k=random.randint(1, 6)))
    return random.choice([random.choice(_UNICODE), word])


def _long_text(random: Random) -> str:
    return random.choice([*_LONG, _text(random)])


def _date(random: Random) -> dt.date:
    days = [dt.date(1, 1, 1), dt.date(1582, 10, 15), dt.date(1970, 1, 1), dt.date(9999, 12, 31)]
    return random.choice([*days, dt.date(2024, 1, 1) + dt.timedelta(random.randint(0, 9))])


def _time(random: Random) -> dt.datetime:
    at = dt.datetime.fromisoformat("2024-02-29 23:59:59.999999")
    far = ["0001-01-01", "1677-01-01", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"]
    near = at + dt.timedelta(microseconds=random.randint(0, 10**9))
    return random.choice([near, dt.datetime.fromisoformat(random.choice(far))])


def _utc(random: Random) -> dt.datetime:
    return _time(random).replace(tzinfo=dt.UTC)


def _time_literal(value: dt.datetime) -> str:
    return f"TIMESTAMP '{_near(value)}'"


def _near(value: dt.datetime) -> str:
    """The clock of a time that nanoseconds can tell."""
    clock = value.replace(tzinfo=None)
    return str(clock) if clock.year in range(1700, 2200) else "2024-03-01 00:00:00"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _plain_text(value: str) -> str:
    return _quoted(value) if "\\" not in value else "'x'"  # Spark's escapes


_DECIMALS = ((1, 0), (4, 4), (9, 2), (10, 0), (18, 0), (19, 3), (38, 10), (38, 38))
# A text is a moment to every engine; Polars compares one that has a zone with no TIMESTAMP literal
MOMENT = Kind(pa.timestamp("us", "UTC"), _utc, lambda value: _quoted(_near(value)))
INTEGERS = tuple(_integer(bits) for bits in (8, 16, 32, 64))
FLOATS = (_float(pa.float32()), _float(pa.float64()))
SCALARS = (
    *INTEGERS,
    *(_decimal(*size) for size in _DECIMALS),
    *FLOATS,
    Kind(pa.string(), _text, _plain_text, groups=True, partitions=True),
    Kind(pa.string(), _long_text, _plain_text, groups=True),
    Kind(pa.binary(), lambda random: random.randbytes(random.randint(0, 5))),
    Kind(pa.bool_(), lambda random: random.random() < 0.5, str, groups=True, partitions=True),
    Kind(
        pa.date32(),
        _date,
        lambda value: f"DATE '{value.isoformat()}'",
        groups=True,
        partitions=True,
    ),
    MOMENT,
    Kind(pa.timestamp("us"), _time, _time_literal),
)


def nested(random: Random) -> Kind:
    """A list, struct or map of scalars."""
    inner = random.choice(SCALARS)
    shape = random.choice(["list", "struct", "map"])
    if shape == "list":
        return Kind(
            pa.list_(inner.type),
            lambda r: [value(inner, r) for _ in range(r.randint(0, 3))],
        )
    if shape == "map":
        return Kind(
            pa.map_(pa.string(), inner.type),
            lambda r: [(f"k{i}", value(inner, r)) for i in range(r.randint(0, 3))],
        )
    other = random.choice(SCALARS)
    return Kind(
        pa.struct([("x", inner.type), ("y", other.type)]),
        lambda r: {"x": value(inner, r), "y": value(other, r)},
    )


def value(kind: Kind, random: Random) -> Any:
    """A value of a kind, or None."""
    return None if random.random() < 0.2 else kind.draw(random)


def values(kind: Kind, random: Random, count: int) -> list[Any]:
    """Values of a kind; one in three times there are but one or two that differ."""
    few = [value(kind, random) for _ in range(random.choice([1, 1, 2]))]
    if random.random() < 1 / 3:
        return [random.choice(few) for _ in range(count)]
    return [value(kind, random) for _ in range(count)]
