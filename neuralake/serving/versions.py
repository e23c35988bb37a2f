"""Which version of a table a request wants, and what is told where that is not to be had."""

from __future__ import annotations

from neuralake.catalog.tables import DeltaTable
from neuralake.catalog.travel import find_version as version_by
from neuralake.errors import NoSuchVersionError, ServingError
from neuralake.serving.answers import AsOf, RefusedError, UnavailableError


def find_version(table: DeltaTable, as_of: AsOf) -> int:
    """The version that a request wants.

    Raises
    ------
    RefusedError
        If the table has none, or no longer, or the time is yet to come.
    CatalogError
        If its log cannot be read.
    """
    version = as_of.version
    try:
        if as_of.time is not None:
            version = version_by(table.name, table.uri, table.storage_options, as_of.time)
        return table.as_of(version=version).snapshot().version()
    except NoSuchVersionError as error:
        raise RefusedError(str(error)) from error


def unreadable(name: str, error: Exception) -> ServingError:
    """What is told of a table that cannot be read: whether it is worth asking again, and no path.

    Parameters
    ----------
    name
        Of the table.
    error
        Why not.
    """
    if isinstance(error, NoSuchVersionError):
        return RefusedError(f"table {name} has that version no longer: its files were removed")
    return UnavailableError(f"table {name} cannot be read just now")
