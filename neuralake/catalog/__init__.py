"""Code-as-catalog: tables declared in Python, resolved by the environment, read by any engine."""

from neuralake.catalog.about import About, Deprecated, DeprecatedTableWarning
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
    "About",
    "Catalog",
    "Column",
    "Database",
    "DeltaTable",
    "Deprecated",
    "DeprecatedTableWarning",
    "Filter",
    "ForeignKey",
    "FunctionTable",
    "ParquetTable",
    "Table",
    "load_catalog",
    "table",
]
