"""Which version of a table was the newest at a time."""

from __future__ import annotations

from dataclasses import replace

from deltalake.exceptions import DeltaError

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import CatalogError
from neuralake.serving.answers import AsOf, RefusedError


def find_version(table: DeltaTable, as_of: AsOf) -> int:
    """The version that a request wants.

    Raises
    ------
    RefusedError
        If the table has none, or no longer.
    """
    handle = replace(table, version=None).snapshot()
    newest = handle.version()
    if as_of.time is None:
        version = newest if as_of.version is None else as_of.version
        if version > newest:
            raise RefusedError(f"table {table.name} has no version {version}: {newest} is its last")
        try:
            replace(table, version=version).snapshot()
        except CatalogError as error:
            raise RefusedError(f"table {table.name} has version {version} no longer") from error
        return version
    try:
        handle.load_as_version(as_of.time)
    except (DeltaError, ValueError, OSError) as error:
        raise RefusedError(
            f"table {table.name} has no version of {as_of.time.isoformat()}"
        ) from error
    return handle.version()
