"""Tables defined in code: Delta Lake, Parquet, a database, and what a Python function returns.

A table answers two questions: as a Polars ``LazyFrame`` (:meth:`Table.lazy`, with filters and
columns pushed down), and as what any other engine needs to register it (``format``, then ``uri``,
``storage_options`` and ``files()``, or ``arrow()``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias, runtime_checkable

import pyarrow as pa

from neuralake.catalog.adbc import AdbcTable
from neuralake.catalog.declaration import Declared, ForeignKey
from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.filters import Condition
from neuralake.catalog.function import FunctionTable, table
from neuralake.catalog.parquet import ParquetTable
from neuralake.config import Settings

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "AdbcTable",
    "DeltaTable",
    "ForeignKey",
    "FunctionTable",
    "ParquetTable",
    "RowsTable",
    "Table",
    "apart",
    "pinned",
    "table",
]

# Which an engine is given whole, as Arrow (``arrow()``), whenever it opens them
RowsTable: TypeAlias = FunctionTable | AdbcTable


@runtime_checkable
class Table(Declared, Protocol):
    """What a catalog holds and an engine registers."""

    def resolve(self, settings: Settings) -> Self:
        """The same table with an absolute URI and its storage options."""

    def arrow_schema(self) -> pa.Schema:
        """Live schema. Raises ``CatalogError`` if the table cannot be read."""

    def check(self) -> None:
        """Raise ``SchemaMismatchError`` if the live schema differs from the declaration."""

    def lazy(self, filters: Sequence[Condition] = (), columns: Sequence[str] = ()) -> pl.LazyFrame:
        """Rows as a LazyFrame, filters and columns pushed down."""


def pinned(table: Table) -> Table:
    """The table as it is now: at the version that it has, with what its floats hide known.

    Who opens it later, in another process even, reads no more than its log and its footers.

    Raises
    ------
    CatalogError
        If its log cannot be read.
    """
    return table.pinned() if isinstance(table, DeltaTable | ParquetTable) else table


def apart(table: Table) -> Table:
    """The same table, which keeps what it has read only as long as it is in use itself.

    So that looks at many tables, one after the other, do not keep all of their logs.
    """
    return replace(table) if isinstance(table, DeltaTable) else table
