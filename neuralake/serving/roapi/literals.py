"""Parameters put into a statement's text: ROAPI's HTTP takes none.

Each becomes a literal of just its type. Where a placeholder is not one after all,
in a string that another dialect ends elsewhere, the statement that comes of it is planned like any
other before it is asked, and refused if it is more than a question.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from neuralake.serving.answers import RefusedError

# What is passed over: strings, quoted names, comments; then a placeholder
_TOKENS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(?P<name>[A-Za-z0-9_]+)""", re.DOTALL
)
_SIMPLE: dict[Callable[[pa.DataType], bool], str] = {
    pa.types.is_int8: "TINYINT",
    pa.types.is_int16: "SMALLINT",
    pa.types.is_int32: "INT",
    pa.types.is_int64: "BIGINT",
    pa.types.is_uint8: "TINYINT UNSIGNED",
    pa.types.is_uint16: "SMALLINT UNSIGNED",
    pa.types.is_uint32: "INT UNSIGNED",
    pa.types.is_uint64: "BIGINT UNSIGNED",
    pa.types.is_float32: "REAL",
    pa.types.is_float64: "DOUBLE",
    pa.types.is_date32: "DATE",
    pa.types.is_boolean: "BOOLEAN",
    pa.types.is_string: "VARCHAR",
    pa.types.is_large_string: "VARCHAR",
    pa.types.is_string_view: "VARCHAR",
    pa.types.is_binary: "BYTEA",
    pa.types.is_large_binary: "BYTEA",
}
_UNITS = {"s": "Second", "ms": "Millisecond", "us": "Microsecond", "ns": "Nanosecond"}


def with_literals(sql: str, parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar]) -> str:
    """The statement with its placeholders replaced.

    Parameters
    ----------
    sql
        With ``$1``, ``$2`` … or ``$name``.
    parameters
        Values of the former in their order, or of the latter by name.

    Raises
    ------
    RefusedError
        If a placeholder has no value, or one of a type that is not taken.
    """
    if not parameters:
        return sql
    if isinstance(parameters, Mapping):
        values = dict(parameters)
    else:
        values = {str(i): value for i, value in enumerate(parameters, 1)}

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in values:
            raise RefusedError(f"parameter ${name} has no value")
        return literal(values[name])

    return _TOKENS.sub(replaced, sql)


def literal(value: pa.Scalar) -> str:
    """A scalar in SQL, of its own type.

    Raises
    ------
    RefusedError
        If it is of a type that is not taken.
    """
    kind = _type_name(value.type)
    plain = value.as_py()
    if isinstance(plain, bytes):
        return f"decode('{plain.hex()}', 'hex')"
    text = "NULL" if plain is None else _quoted(_text(plain, value))
    if pa.types.is_timestamp(value.type):  # SQL's own is of nanoseconds, which end in 2262
        return f"arrow_cast({text}, {_quoted(kind)})"
    return f"CAST({text} AS {kind})"


def _text(plain: Any, value: pa.Scalar) -> str:
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    if isinstance(plain, dt.date) and not isinstance(plain, dt.datetime):
        return plain.isoformat()
    if pa.types.is_timestamp(value.type):
        zone = "Z" if value.type.tz else ""
        text = str(value.cast(pa.timestamp(value.type.unit)).cast(pa.string()).as_py())
        return text.replace(" ", "T") + zone
    return str(plain)


def _type_name(kind: pa.DataType) -> str:
    """As SQL names it, or ``arrow_cast``."""
    if pa.types.is_decimal128(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        zone = f'Some("{kind.tz}")' if kind.tz else "None"
        if kind.tz not in (None, "UTC"):
            raise RefusedError(f"a parameter is of type {kind}: expected times in UTC")
        return f"Timestamp({_UNITS[kind.unit]}, {zone})"
    for is_kind, name in _SIMPLE.items():
        if is_kind(kind):
            return name
    raise RefusedError(f"a parameter is of type {kind}, which ROAPI's SQL has no literal for")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
