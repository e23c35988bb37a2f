"""Code-as-catalog: tables declared in Python, resolved by the environment, read by any engine."""

from neuralake.catalog.about import About, Deprecated
from neuralake.catalog.catalog import Catalog, Database
from neuralake.catalog.columns import Column
from neuralake.catalog.filters import AllOf, AnyOf, Condition, Filter, Not, Where
from neuralake.catalog.load import load_catalog
from neuralake.catalog.tables import (
    AdbcTable,
    DeltaTable,
    ForeignKey,
    FunctionTable,
    ParquetTable,
    Table,
    table,
)
from neuralake.errors import DeprecatedTableWarning

__all__ = [
    "About",
    "AdbcTable",
    "AllOf",
    "AnyOf",
    "Catalog",
    "Column",
    "Condition",
    "Database",
    "DeltaTable",
    "Deprecated",
    "DeprecatedTableWarning",
    "Filter",
    "ForeignKey",
    "FunctionTable",
    "Not",
    "ParquetTable",
    "Table",
    "Where",
    "load_catalog",
    "table",
]
