"""A workload of one's own, from queries and tables that a program has at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.identity import table_identity
from neuralake.catalog.tables import FunctionTable, Table, pinned
from neuralake.errors import QueryError
from neuralake.queries.query import Query, parse_query
from neuralake.queries.sql import tables_read
from neuralake.queries.workload import Workload

GIVEN = "given in Python"
# Results of this name are read as those of the workload that comes with Neuralake.
RESERVED_NAMES = ("tpch",)


def own_workload(
    name: str,
    queries: tuple[Query, ...],
    tables: Mapping[str, Table],
    dataset_uri: str,
    facts: Mapping[str, Any],
) -> Workload:
    """A workload whose answers are checked by agreement between the engines.

    Parameters
    ----------
    name
        Of the workload; it becomes part of the names of its runs.
    queries
        In the order in which they run.
    tables
        By the names that the queries use; those that no query reads are left out, and Delta tables
        stay at the version that they have now.
    dataset_uri
        Where the tables are declared.
    facts
        What identifies the workload beside the data of its tables, which is found out here.

    Raises
    ------
    CatalogError
        If a table cannot be read or differs from its declaration, or is made by a function that the
        process of an engine would not find.

    Warns
    -----
    DeprecatedTableWarning
        For each table that a query reads and that is not to be used any more.
    """
    read = frozenset().union(*(tables_read(query.sql(), tables) for query in queries))
    warn_of_deprecated(found for table, found in tables.items() if table in read)
    for found in tables.values():
        if isinstance(found, FunctionTable) and found.name in read:
            found.require_importable()
    tables = {table: pinned(found) for table, found in tables.items() if table in read}
    identities = {table: table_identity(found) for table, found in tables.items()}
    return Workload(
        name=name,
        dataset_uri=dataset_uri,
        scale_factor=None,
        queries=queries,
        tables=tables,
        dataset={**facts, "tables": identities},
    )


def given_queries(texts: Mapping[str, str]) -> tuple[Query, ...]:
    """Queries from SQL by name, each text as a query file has it; raises ``QueryError``."""
    for name, text in texts.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise QueryError(f"query {name!r} is {text!r}: expected SQL by the query's name")
        if not name.strip():
            raise QueryError(f"a query is called {name!r}: expected a name")
    return tuple(parse_query(name, text) for name, text in texts.items())


def given_workload(name: str, queries: tuple[Query, ...], tables: Mapping[str, Table]) -> Workload:
    """A workload of queries and tables.

    Parameters
    ----------
    name
        Of the workload: letters, digits, ``_``, ``.``, ``+`` and ``-``.
    queries
        In the order in which they run.
    tables
        Resolved, by the names that the queries use.

    Raises
    ------
    QueryError
        If there is no query, or the name cannot be that of a workload.
    CatalogError
        If a table cannot be read, differs from its declaration, or is made by a function that no
        other process can find.
    """
    check_workload_name(name)
    if not queries:
        raise QueryError("there is no query: expected SQL by the query's name")
    return own_workload(name, queries, tables, GIVEN, {"queries": GIVEN})


def check_workload_name(name: str) -> None:
    """Refuse a name that cannot be part of a file's, or is that of another workload.

    Raises
    ------
    QueryError
        If it is so.
    """
    allowed = all(c.isalnum() or c in "_.+-" for c in name) and len(name.encode()) <= 96
    if not name or not allowed or name[0] in ".-":
        raise QueryError(
            f"a workload cannot be called {name!r}: expected letters, digits, _, ., + and -"
        )
    if name in RESERVED_NAMES:
        raise QueryError(
            f"a workload cannot be called {name!r}, as the one that comes with Neuralake: "
            "choose another name"
        )
