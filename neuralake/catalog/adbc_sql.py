"""Conditions in a database's own SQL, values bound: only where it finds the rows that we would.

A text is compared byte by byte, whatever the collation of the column. A condition that the database
may answer otherwise stays with us; what it does answer is held against the rows again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from neuralake.catalog.adbc_types import SourceColumn
from neuralake.catalog.filters import AllOf, AnyOf, Condition, Filter, Not
from neuralake.catalog.values import Point, point
from neuralake.identifiers import quoted

if TYPE_CHECKING:
    import polars as pl

Dialect = Literal["postgresql", "sqlite", "other"]

_MOST_VALUES = 1000
# Of PostgreSQL, by the type of a column: in which its values are compared
_POSTGRESQL_TYPES = {
    "int2": "bigint",
    "int4": "bigint",
    "int8": "bigint",
    "float4": "double precision",
    "float8": "double precision",
    "bool": "boolean",
    "text": "text",
    "varchar": "text",
    "bytea": "bytea",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "numeric": "numeric",
}


class _StaysError(Exception):
    """The database might answer otherwise."""


@dataclass
class Statement:
    """Conditions that the database answers, and those that it does not.

    Attributes
    ----------
    where
        In SQL, with placeholders; all hold.
    parameters
        What is bound to them, in order.
    here
        Conditions that stay.
    """

    where: list[str] = field(default_factory=list)
    parameters: list[pa.Array] = field(default_factory=list)
    here: list[Condition] = field(default_factory=list)


def statement(
    table: str,
    conditions: Sequence[Condition],
    columns: Mapping[str, SourceColumn],
    schema: pl.Schema,
    dialect: Dialect,
) -> Statement:
    """What a database is asked for, of bound conditions that all hold.

    Parameters
    ----------
    table
        Name of the table, for messages.
    conditions
        As :func:`neuralake.catalog.predicates.bound` gives them.
    columns, schema
        Columns of the database, and as Polars has them.
    dialect
        Whose SQL.
    """
    done = Statement()
    for condition in conditions:
        writer = _Writer(table, columns, schema, dialect, list(done.parameters))
        try:
            text = writer.condition(condition)
        except _StaysError:
            done.here.append(condition)
            continue
        done.where.append(text)
        done.parameters = writer.parameters
    return done


@dataclass
class _Writer:
    table: str
    columns: Mapping[str, SourceColumn]
    schema: pl.Schema
    dialect: Dialect
    parameters: list[pa.Array]

    def condition(self, condition: Condition) -> str:
        match condition:
            case AllOf():
                return " AND ".join(f"({self.condition(c)})" for c in condition.conditions)
            case AnyOf():
                return " OR ".join(f"({self.condition(c)})" for c in condition.conditions)
            case Not():
                return f"NOT ({self.condition(condition.condition)})"
            case Filter():
                return self._filter(condition)
            case _:
                raise _StaysError

    def _filter(self, condition: Filter) -> str:
        column = self.columns[condition.column]
        name, operator = quoted(column.name), condition.operator
        if self.dialect == "other":
            raise _StaysError
        if operator in ("is null", "is not null"):
            return f"{name} {operator.upper()}"
        if not column.is_compared or operator.startswith("includes"):
            raise _StaysError
        if operator in ("contains", "starts_with", "ends_with"):
            return self._in_text(column, operator, condition.value)
        if operator in ("in", "not in"):
            return self._among(column, operator, condition.value)
        limit = self._point(condition.column, operator, condition.value)
        if limit.value is None or (operator in ("=", "!=") and not limit.is_exact):
            return _of_each(name, value=operator in ("!=", ">", ">="))
        sign = operator
        if not limit.is_exact:
            sign = "<=" if operator in ("<", "<=") else ">"
        return (
            f"{self._operand(column)} {'<>' if sign == '!=' else sign} {self._bind(column, limit)}"
        )

    def _among(self, column: SourceColumn, operator: str, values: Sequence[Any]) -> str:
        if len(values) > _MOST_VALUES:
            raise _StaysError
        points = [self._point(column.name, operator, value) for value in values]
        bound = [self._bind(column, p) for p in points if p.is_exact]
        if not bound:
            return _of_each(quoted(column.name), value=operator == "not in")
        return f"{self._operand(column)} {operator.upper()} ({', '.join(bound)})"

    def _in_text(self, column: SourceColumn, operator: str, value: object) -> str:
        part = self._point(column.name, operator, value)
        if not isinstance(value, str) or not value:
            raise _StaysError
        name = self._operand(column)
        found = "strpos" if self.dialect == "postgresql" else "instr"
        if operator == "contains":
            return f"{found}({name}, {self._bind(column, part)}) > 0"
        length = len(value)  # of code points, as both databases count
        if operator == "starts_with":
            return f"substr({name}, 1, {length}) = {self._bind(column, part)}"
        last = f"right({name}, {length})" if found == "strpos" else f"substr({name}, -{length})"
        return f"{last} = {self._bind(column, part)}"

    def _point(self, column: str, operator: str, value: object) -> Point:
        if isinstance(value, str) and "\0" in value:
            raise _StaysError  # PostgreSQL has none, and SQLite's functions end there
        return point(f"filter {self.table}.{column} {operator}", value, self.schema[column])

    def _operand(self, column: SourceColumn) -> str:
        name = quoted(column.name)
        if self.dialect == "sqlite":
            return f"{name} COLLATE BINARY" if column.type == pa.string() else name
        kind = _POSTGRESQL_TYPES[column.kind]
        if kind == "text":
            return f'{name} COLLATE "C"'
        return f"CAST({name} AS {kind})" if column.kind == "float4" else name

    def _bind(self, column: SourceColumn, limit: Point) -> str:
        value, kind = limit.value, column.type
        if pa.types.is_timestamp(kind):
            bound = pa.array([value], pa.int64()).cast(kind)
        elif pa.types.is_decimal(kind):
            bound = pa.array([format(value, "f")])
        elif pa.types.is_integer(kind):
            bound = pa.array([value], pa.int64())
        elif pa.types.is_floating(kind):
            bound = pa.array([value], pa.float64())
        else:
            bound = pa.array([value], kind)
        self.parameters.append(bound)
        if self.dialect == "sqlite":
            return f"?{len(self.parameters)}"
        return f"CAST(${len(self.parameters)} AS {_POSTGRESQL_TYPES[column.kind]})"


def _of_each(name: str, *, value: bool) -> str:
    """The same of every value; of none it is null, which a negation leaves as it is."""
    return f"{name} {'=' if value else '<>'} {name}"
