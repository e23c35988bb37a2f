"""Code-as-catalog: tables declared in Python, resolved by the environment, read by any engine."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_ROOMS = {
    "About": "neuralake.catalog.about",
    "Deprecated": "neuralake.catalog.about",
    "Catalog": "neuralake.catalog.catalog",
    "Database": "neuralake.catalog.catalog",
    "Column": "neuralake.catalog.columns",
    "AllOf": "neuralake.catalog.filters",
    "AnyOf": "neuralake.catalog.filters",
    "Condition": "neuralake.catalog.filters",
    "Filter": "neuralake.catalog.filters",
    "Not": "neuralake.catalog.filters",
    "Where": "neuralake.catalog.filters",
    "load_catalog": "neuralake.catalog.load",
    "DeprecatedTableWarning": "neuralake.errors",
}
_TABLES = "neuralake.catalog.tables"


if not TYPE_CHECKING:  # a type checker takes no other name for one of these

    def __getattr__(name: str) -> Any:
        """Load what is asked for, and no more: who commits a table needs no database to be read."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_ROOMS.get(name, _TABLES)), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
