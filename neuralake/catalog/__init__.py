"""Code-as-catalog: tables declared in Python, resolved by the environment, read by any engine."""

from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.columns import Column
from neuralake.catalog.filters import Filter
from neuralake.catalog.load import load_catalog
from neuralake.catalog.tables import (
    DeltaTable,
    ForeignKey,
    FunctionTable,
    ParquetTable,
    Table,
    table,
)

__all__ = [
    "Catalog",
    "Column",
    "Database",
    "DeltaTable",
    "Filter",
    "ForeignKey",
    "FunctionTable",
    "ParquetTable",
    "Table",
    "load_catalog",
    "table",
]
