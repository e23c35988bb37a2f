"""Which tables of a catalog queries are given, by the names that stand in their texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import Table
from neuralake.errors import QueryError
from neuralake.queries.sql import qualified_names, tables_read


def tables_for(
    catalog: Catalog, texts: Iterable[str], database: str | None = None
) -> dict[str, Table]:
    """The tables of a catalog by their bare names, for queries that may read any of them.

    A name that stands in two databases costs no query that does not read it.

    Parameters
    ----------
    catalog
        The catalog.
    texts
        SQL.
    database
        The one database to take, if not all.

    Raises
    ------
    CatalogError
        If there is no such database, or a text reads a table whose name stands in two.
    QueryError
        If a text names a table with its database.
    """
    texts = tuple(texts)
    _refuse_qualified(texts, [known.name for known in catalog.databases])
    if database is not None:
        return catalog.tables(database)
    twice = catalog.names_twice
    read = {name for text in texts for name in tables_read(text, twice)} if twice else set()
    return catalog.tables(without=twice - read)


def _refuse_qualified(texts: Iterable[str], databases: Collection[str]) -> None:
    """Refuse ``shop.orders``, in which engines see a schema of their own."""
    for text in texts:
        if not any(name in text.lower() for name in databases):
            continue  # it need not be parsed
        for database, table in qualified_names(text):
            if database in databases:
                raise QueryError(
                    f"the SQL names {database}.{table}: expected {table} alone, and "
                    f"database={database!r} (--database {database}) where others have one of that "
                    "name"
                )
