"""Columns of a database in Arrow's types: each is kept exactly, or refused by its name.

PostgreSQL's driver gives numbers of any precision as texts, a date or time of infinity as one that
wrapped around, and what it does not know as bytes. SQLite has types of values, not of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.columns import Column
from neuralake.errors import CatalogError, SchemaMismatchError
from neuralake.identifiers import quoted

_WIDEST_DECIMAL = 38
# Of PostgreSQL, whose driver gives them as they are
_POSTGRESQL = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
}
_AS_TEXT = ("uuid", "json", "jsonb")
# Compared as it is stored only: two texts of bpchar are equal whatever blanks are at their ends
_NOT_COMPARED = ("bpchar", "time", *_AS_TEXT)
# 4713 BC, with which PostgreSQL's dates begin, in days and microseconds before 1970
_FIRST_DAY = -2_440_588
_FIRST_MICROSECOND = _FIRST_DAY * 86_400_000_000
_SQLITE = (pa.int64(), pa.float64(), pa.string(), pa.binary())


@dataclass(frozen=True)
class SourceColumn:
    """A column of a database's table.

    Attributes
    ----------
    name
        As the database has it.
    type
        Arrow type of its values.
    kind
        The database's own name for the type.
    select
        What is asked for, in SQL.
    is_compared
        Whether the database compares its values as Neuralake does.
    """

    name: str
    type: pa.DataType
    kind: str
    select: str
    is_compared: bool


def postgresql_columns(
    table: str, live: pa.Schema, declared: Sequence[Column]
) -> list[SourceColumn]:
    """Columns by what the driver says of a query's result.

    Raises
    ------
    CatalogError
        If one is of a type that has no exact counterpart.
    """
    wanted = {column.name: column.type for column in declared}
    found = []
    for field in live:
        told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = told.get("POSTGRESQL:type", str(field.type))
        name = quoted(field.name)
        if kind == "numeric":
            exact = _numeric(table, field.name, int(told.get("POSTGRESQL:typmod", -1)), wanted)
            found.append(SourceColumn(field.name, exact, kind, name, is_compared=True))
        elif kind in _AS_TEXT:
            text = f"CAST({name} AS text) AS {name}"
            found.append(SourceColumn(field.name, pa.string(), kind, text, is_compared=False))
        elif kind in _POSTGRESQL:
            compared = kind not in _NOT_COMPARED
            found.append(SourceColumn(field.name, _POSTGRESQL[kind], kind, name, compared))
        else:
            raise _refused(table, field.name, kind.removeprefix("_") + "[]" * kind.startswith("_"))
    return found


def sqlite_columns(
    table: str, live: Sequence[Mapping[str, Any]], declared: Sequence[Column]
) -> list[SourceColumn]:
    """Columns by what ``pragma_table_xinfo`` says, and the declaration where that says nothing.

    Raises
    ------
    CatalogError
        If the type of a column's values is not known.
    """
    wanted = {column.name: column.type for column in declared}
    found = []
    for row in live:
        name, kind = str(row["name"]), str(row["type"])
        exact = _affinity(kind) or plain_type(wanted.get(name, pa.null()))
        if exact not in _SQLITE:
            raise CatalogError(
                f"table {table}: column {name} is {kind or 'of no type'}, of which SQLite has no "
                f"values: declare it as what is stored, pa.int64(), pa.float64(), pa.string() or "
                f"pa.binary()"
            )
        found.append(SourceColumn(name, exact, kind, quoted(name), is_compared=True))
    return found


def other_columns(table: str, live: pa.Schema) -> list[SourceColumn]:
    """Columns of a database of which nothing else is known than what its driver gives.

    Raises
    ------
    CatalogError
        If one is of a type that engines do not share.
    """
    for field in live:
        kind, types = plain_type(field.type), pa.types
        known = (
            types.is_integer(kind)
            or types.is_floating(kind)
            or types.is_boolean(kind)
            or types.is_string(kind)
            or types.is_binary(kind)
            or types.is_date32(kind)
            or types.is_timestamp(kind)
            or types.is_time(kind)
            or types.is_decimal128(kind)
        )
        if not known:
            raise _refused(table, field.name, str(field.type))
    return [
        SourceColumn(f.name, plain_type(f.type), str(f.type), quoted(f.name), is_compared=False)
        for f in live
    ]


def conform(table: str, column: SourceColumn, values: pa.Array) -> pa.Array:
    """Values as the driver gave them, in the column's type.

    Raises
    ------
    CatalogError
        If a value is none of the type.
    SchemaMismatchError
        If the values are of another type.
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.null_count == len(values):
        return pa.nulls(len(values), column.type)
    if column.kind == "numeric":
        return _decimals(table, column, values)
    if plain_type(values.type) != column.type:
        raise SchemaMismatchError(
            f"column {table}.{column.name} is {column.type}, but rows of the database have "
            f"{values.type} there"
        )
    values = values.cast(column.type)
    if column.kind in ("date", "timestamp", "timestamptz"):
        import pyarrow.compute as pc

        first = _FIRST_DAY if column.kind == "date" else _FIRST_MICROSECOND
        units = values.cast(pa.int32() if column.kind == "date" else pa.int64())
        if pc.min(units).as_py() < first:
            raise CatalogError(
                f"table {table}: column {column.name} has a {column.kind} that is infinite, or "
                f"later than Arrow's: leave it out by a view"
            )
    return values


def _decimals(table: str, column: SourceColumn, values: pa.Array) -> pa.Array:
    try:
        return values.cast(column.type)
    except (pa.ArrowException, ValueError) as error:
        raise CatalogError(
            f"table {table}: column {column.name} has a number that is no {column.type}"
        ) from error


def _numeric(
    table: str, name: str, modifier: int, wanted: Mapping[str, pa.DataType]
) -> pa.DataType:
    """The decimal of a numeric's precision and scale, or the declared one where it has none.

    Source of the encoding: PostgreSQL, ``numeric_typmod_precision`` and ``numeric_typmod_scale``.
    """
    if modifier < 0:
        declared = wanted.get(name)
        if declared is None or not pa.types.is_decimal128(declared):
            raise CatalogError(
                f"table {table}: column {name} is numeric without a precision: declare it, such as "
                f"Column({name!r}, pa.decimal128(18, 2))"
            )
        return declared
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, ((modifier - 4 & 0x7FF) ^ 1024) - 1024
    digits = max(precision, scale) if scale >= 0 else precision - scale
    if digits > _WIDEST_DECIMAL:
        raise _refused(table, name, f"numeric({precision},{scale})")
    return pa.decimal128(digits, max(scale, 0))


def _affinity(kind: str) -> pa.DataType | None:
    """Type of the values of a column by its declared type; None where they may be of several.

    Source: SQLite, "Datatypes In SQLite", 3.1.
    """
    upper = kind.upper()
    if "INT" in upper:
        return pa.int64()
    if any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
        return pa.string()
    if "BLOB" in upper:
        return pa.binary()
    if any(part in upper for part in ("REAL", "FLOA", "DOUB")):
        return pa.float64()
    return None


def _refused(table: str, name: str, kind: str) -> CatalogError:
    return CatalogError(
        f"table {table}: column {name} is {kind}, which no type of Arrow that every engine has "
        f"holds exactly: cast it in a view, or leave it out there"
    )
