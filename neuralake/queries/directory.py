"""A team's own workload: a directory of SQL files, and the catalog of the tables they name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from neuralake.catalog.load import load_catalog
from neuralake.config import Settings
from neuralake.errors import CatalogError, QueryError
from neuralake.queries.own import RESERVED_NAMES, own_workload
from neuralake.queries.query import load_queries
from neuralake.queries.tables import tables_for
from neuralake.queries.workload import Workload

CATALOG_FILE = "catalog.py"
_LONGEST_NAME = 48


def open_directory(directory: Path, source: str | None, settings: Settings) -> Workload:
    """The workload in a directory; its answers are checked by agreement between the engines.

    Parameters
    ----------
    directory
        Holds the queries, ``*.sql`` (:mod:`neuralake.queries.query`), a file each. Its name
        becomes the workload's.
    source
        The catalog, a file or a module; ``catalog.py`` in the directory if None.
    settings
        What resolves the locations of tables.

    Raises
    ------
    QueryError
        If there is no such directory, no query in it, or one that cannot be read.
    CatalogError
        If there is no catalog, or a table that cannot be read or differs from its declaration.
    """
    _require_directory(directory)
    workload = _workload_name(directory)
    queries = load_queries(directory)
    catalog = source or _own_catalog(directory)
    texts = (query.sql() for query in queries)
    tables = tables_for(load_catalog(catalog, settings), texts)
    facts = {
        "directory": os.fsencode(directory.absolute()).decode("utf-8", "replace"),
        "catalog": _recordable(catalog),
    }
    return own_workload(workload, queries, tables, _recordable(catalog), facts)


def _require_directory(directory: Path) -> None:
    if os.path.isdir(directory):  # noqa: PTH112 (Path.is_dir may raise)
        return
    found = "it is a file" if os.path.lexists(directory) else "it does not exist"
    raise QueryError(f"no workload at {directory}: {found}; expected a directory of SQL files")


def _own_catalog(directory: Path) -> str:
    catalog = directory / CATALOG_FILE
    if not catalog.is_file():
        raise CatalogError(
            f"no catalog for the workload at {directory}: expected {catalog}, "
            f"or --catalog FILE|MODULE"
        )
    return str(catalog)


def _workload_name(directory: Path) -> str:
    """The directory's name, as it can stand in the name of a run."""
    name = re.sub(r"[^\w.+-]+", "-", directory.resolve().name)[:_LONGEST_NAME].strip("-.")
    if name in RESERVED_NAMES:
        raise QueryError(
            f"the workload at {directory} is called {name}, as the one that comes with "
            f"Neuralake: rename the directory"
        )
    return name or "workload"


def _recordable(catalog: str) -> str:
    """A module's name, or an absolute path as JSON can hold it, whatever bytes are in it."""
    path = Path(catalog).absolute() if catalog.endswith(".py") else catalog
    return os.fsencode(path).decode("utf-8", "replace")
