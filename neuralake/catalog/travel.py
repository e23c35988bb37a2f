"""Which version of a Delta table was the newest at a moment, and why there is none of a number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from neuralake.delta.place import open_store
from neuralake.delta.versions import readable_versions, version_at
from neuralake.errors import CatalogError, NoSuchVersionError
from neuralake.storage import one_line

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def find_version(table: str, uri: str, options: Mapping[str, str], at: datetime) -> int:
    """The newest version that was committed by a moment.

    Parameters
    ----------
    table
        Its name, for messages.
    uri, options
        Where it lies, and what reaches it.
    at
        The moment, with a time zone.

    Raises
    ------
    NoSuchVersionError
        If it was before the first version, or is in the future: what will be committed by then
        nobody knows.
    CatalogError
        If the log cannot be read.
    """
    if at > datetime.now(UTC):
        raise NoSuchVersionError(
            f"table {table} at {at.isoformat()}: that is in the future; expected a time that "
            f"is past"
        )
    store = open_store(uri, options)
    try:
        version = version_at(store, (at - _EPOCH) // _MILLISECOND)
        if version is not None:
            return version
        first = readable_versions(store).start
    except (OSError, ValueError) as error:
        raise CatalogError(
            f"table {table}: no readable Delta table at {uri}: {one_line(error, options)}"
        ) from error
    reason = "that is before its first commit" if first == 0 else _cleaned(first)
    raise NoSuchVersionError(
        f"table {table} has no version from {at.isoformat()} or before: {reason}"
    )


def why_absent(table: str, uri: str, options: Mapping[str, str], version: int) -> str | None:
    """Why a version cannot be read, as a message; None if that is not for its number."""
    try:
        there = readable_versions(open_store(uri, options))
    except (OSError, ValueError):
        return None
    if version in there:
        return None
    if version >= there.stop:
        return f"table {table} has no version {version}: {there[-1]} is its last"
    return f"table {table} has version {version} no longer: {_cleaned(there.start)}"


def _cleaned(first: int) -> str:
    return f"its log was cleaned up, and begins with version {first}"
