"""What adapters have in common: which reader serves a table, and names that they must refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from neuralake.arrow import in_utc
from neuralake.catalog.tables import RowsTable
from neuralake.errors import CatalogError
from neuralake.identifiers import case_twins

READERS = "readers"
# Neuralake's own reader of data files
ARROW: Final = "arrow"
# Of a table whose statistics are untrue: an engine's own reader, kept from believing them
WITHOUT_STATISTICS = "without-statistics"


def with_readers(settings: Mapping[str, Any], readers: Mapping[str, str]) -> dict[str, Any]:
    """An engine's settings with the tables that another reader than the default's serves.

    Parameters
    ----------
    settings
        In effect before the tables were opened.
    readers
        Reader by table; tables that the default reader serves are left out.
    """
    kept = {key: value for key, value in settings.items() if key != READERS}
    return {**kept, READERS: dict(readers)} if readers else kept


def refuse_case_twins(engine: str, table: str, schema: pa.Schema) -> None:
    """Refuse a table whose columns differ by case only, for an engine that ignores case.

    Raises
    ------
    CatalogError
        Naming the table, both columns and the engine.
    """
    if (twins := case_twins(schema.names)) is not None:
        raise CatalogError(
            f"table {table} has the columns {' and '.join(twins)}, which {engine} cannot tell "
            f"apart: rename one"
        )


def refuse_names(engine: str, table: str, names: Iterable[str], refused: re.Pattern[str]) -> None:
    """Refuse a table with a column whose name means something else to an engine, or nothing.

    Parameters
    ----------
    engine, table
        For the message.
    names
        Of the columns.
    refused
        What such a name looks like.

    Raises
    ------
    CatalogError
        Naming the table, the column and the engine.
    """
    for name in names:
        if refused.fullmatch(name):
            raise CatalogError(
                f"table {table} has a column {name!r}, which {engine} takes for no name: rename it"
            )


def given_rows(table: RowsTable) -> pa.Table:
    """The rows of a function or a database, as an engine is given them: moments are in UTC."""
    rows = table.arrow()
    return rows.cast(in_utc(rows.schema))


def by_partition(
    placed: Iterable[tuple[str, Mapping[str, pa.Scalar]]],
) -> list[tuple[Mapping[str, pa.Scalar], list[str]]]:
    """Files of the same values of the partition columns together, in the order of the first ones.

    Parameters
    ----------
    placed
        Files, each with the values of the partition columns by their names.

    Returns
    -------
    list of (values, files)
    """
    parts: dict[tuple[object, ...], tuple[Mapping[str, pa.Scalar], list[str]]] = {}
    for uri, values in placed:
        # As text, in which a NaN is itself, and -0.0 is not 0.0
        key = tuple((value.is_valid, str(value)) for value in values.values())
        parts.setdefault(key, (values, []))[1].append(uri)
    return list(parts.values())


def move_reader(readers: dict[str, str], base: str, name: str) -> None:
    """Tell the reader of a view's base as the view's, by which the table is known."""
    if (reader := readers.pop(base, None)) is not None:
        readers[name] = reader
