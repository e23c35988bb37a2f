"""Cold runs: the dataset out of the page cache."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.catalog.views import view_of
from neuralake.config import is_remote
from neuralake.measure.page_cache import evict


def evict_tables(tables: Iterable[Table]) -> int | None:
    """Put the files of local tables, transaction logs included, out of the page cache.

    Tables on an object store and tables that a function makes have no files here; what else keeps
    their bytes near is not known.

    Returns
    -------
    int or None
        Bytes that stayed all the same; None if that is not known.
    """
    paths: list[Path] = []
    for declared in tables:
        view = view_of(declared)
        table = declared if view is None else view.base
        if isinstance(table, DeltaTable) and not is_remote(table.uri):
            paths += map(Path, table.places())
        elif isinstance(table, ParquetTable) and not is_remote(table.uri):
            paths += map(Path, table.files())
    return evict(paths) if paths else None
