"""Whether the keys of a table lead somewhere: to columns that are there, of the same type."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.columns import arrow_schema
from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.tables import Table
from neuralake.catalog.views import stored_columns
from neuralake.errors import CatalogError


def check_keys(table: Table, find: Callable[[str], Table]) -> None:
    """Follow the keys of a table. Whether they are unique, and met, only the rows could tell.

    Parameters
    ----------
    table
        Whose keys.
    find
        The table of a name, as a foreign key has it; raises ``CatalogError`` if there is none.

    Raises
    ------
    CatalogError
        For the first key that names a table or column that is not there, or a column of another
        type; or if a table without declared columns cannot be read.
    """
    for column in table.primary_key:
        _field(table, column, f"primary key of table {table.name}")
    for key in table.foreign_keys:
        check_foreign_key(table, key, find)


def check_foreign_key(table: Table, key: ForeignKey, find: Callable[[str], Table]) -> Table:
    """Follow one key of a table, and return the table that it leads to.

    Parameters
    ----------
    table
        Whose key.
    key
        One of its foreign keys.
    find
        As of :func:`check_keys`.

    Raises
    ------
    CatalogError
        As of :func:`check_keys`.
    """
    place = f"foreign key of table {table.name}"
    try:
        target = find(key.references)
    except CatalogError as error:
        raise CatalogError(f"{place}: {error}") from error
    for name, referenced in zip(key.columns, key.referenced_columns, strict=True):
        here, there = _field(table, name, place), _field(target, referenced, place)
        if plain_type(here.type) != plain_type(there.type):
            raise CatalogError(
                f"{place}: {table.name}.{name} is {here.type}, but {target.name}.{referenced} "
                f"is {there.type}: expected one type, so that every engine compares them"
            )
    return target


def _field(table: Table, column: str, place: str) -> pa.Field:
    is_closed = bool(stored_columns(table.columns))
    schema = arrow_schema(table.columns) if is_closed else table.arrow_schema()
    if column not in schema.names:
        raise CatalogError(
            f"{place}: table {table.name} has no column {column}; it has {', '.join(schema.names)}"
        )
    return schema.field(column)
