"""Which tables of a catalog queries are given, by the names that stand in their texts."""

from __future__ import annotations

from collections.abc import Iterable

from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import Table
from neuralake.queries.sql import tables_read


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
    """
    if database is not None:
        return catalog.tables(database)
    twice = catalog.names_twice
    read = {name for text in texts for name in tables_read(text, twice)} if twice else set()
    return catalog.tables(without=twice - read)
