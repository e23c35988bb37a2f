"""Versions and moments as whoever declares a table writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from neuralake.errors import CatalogError

_EXAMPLE = "2026-05-01T12:00:00Z"


def check_version(table: str, version: object) -> None:
    """Refuse what is no number of a version.

    Raises
    ------
    CatalogError
        If it is none.
    """
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < 2**63:
        raise CatalogError(
            f"table {table} has the version {version!r}: expected a whole number from 0 on"
        )


def moment(table: str, at: object) -> datetime:
    """A moment, from a ``datetime`` with a time zone or its text in ISO 8601.

    Raises
    ------
    CatalogError
        If it is none, or has no time zone.
    """
    found = at
    if isinstance(at, str):
        try:
            found = datetime.fromisoformat(at)
        except ValueError:
            found = None
    if not isinstance(found, datetime):
        raise CatalogError(
            f"table {table} at {at!r}: expected a time with its zone, such as {_EXAMPLE}"
        )
    if found.utcoffset() is None:
        raise CatalogError(
            f"table {table} at {found.isoformat()}: the time has no zone: "
            f"expected such as {found.isoformat()}Z"
        )
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise CatalogError(
            f"table {table} at {found.isoformat()}: in UTC that is outside of the years 1 to 9999"
        ) from None
