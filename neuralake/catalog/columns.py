"""Columns of a table as they are declared, and the comparison with what a table really has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.errors import CatalogError, SchemaMismatchError


@dataclass(frozen=True)
class Column:
    """One declared column.

    Attributes
    ----------
    name
        Column name.
    type
        Arrow type.
    description
        What a value means, in a line.
    nullable
        Whether a value may be missing.
    sensitive
        Whether its values are nothing to show: no page and no export has one of them.
    expression
        SQL by which the column is computed from stored ones, the same on every engine
        (:mod:`neuralake.catalog.expressions`); None of a stored column.

    Raises
    ------
    CatalogError
        If the type is none of pyarrow's, or the expression no text.
    """

    name: str
    type: pa.DataType
    description: str = ""
    nullable: bool = True
    sensitive: bool = False
    expression: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise CatalogError(f"column name {self.name!r:.60} is no text: expected such as 'id'")
        if not isinstance(self.type, pa.DataType):
            raise CatalogError(
                f"column {self.name} has the type {_type_name(self.type)}: "
                f"expected a type of pyarrow, such as pa.int64() or pa.string()"
            )
        if self.expression is None:
            return
        if not isinstance(self.expression, str) or not self.expression.strip():
            raise CatalogError(
                f"column {self.name} has the expression {self.expression!r:.200}: "
                f"expected SQL, such as 'price * quantity'"
            )
        if not self.nullable:
            raise CatalogError(
                f"column {self.name} is computed, of which nobody checks that it is not null: "
                f"leave nullable=False out"
            )


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow schema of declared columns, in their order."""
    return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in columns])


def check_schema(table: str, declared: Sequence[Column], live: pa.Schema) -> None:
    """Compare a table's live schema with its declaration.

    Encodings of one logical type (string, large and view strings; likewise binary) are the same
    type here, and the order of the columns is free. Nullability is compared only where the
    declaration forbids nulls. A declaration without columns leaves the schema open.

    Raises
    ------
    SchemaMismatchError
        If a column is missing, undeclared, of another type, or may be null; it names the column.
    """
    if not declared:
        return
    actual = {}
    for field in live:
        if field.name in actual:
            raise SchemaMismatchError(f"table {table} has two columns named {field.name}")
        actual[field.name] = field
    for column in declared:
        found = actual.pop(column.name, None)
        if found is None:
            raise SchemaMismatchError(
                f"table {table} has no column {column.name}, declared as {column.type}; "
                f"it has {', '.join(live.names)}"
            )
        if plain_type(found.type) != plain_type(column.type):
            raise SchemaMismatchError(
                f"column {table}.{column.name} is {found.type}, declared as {column.type}"
            )
        if found.nullable and not column.nullable:
            raise SchemaMismatchError(
                f"column {table}.{column.name} may be null, declared as not null"
            )
    if actual:
        raise SchemaMismatchError(
            f"table {table} has a column {next(iter(actual))} that its declaration lacks; "
            f"declared are {', '.join(c.name for c in declared)}"
        )


def _type_name(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)
