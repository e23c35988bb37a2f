"""Moments as results tell them."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(moment: datetime | None = None) -> str:
    """ISO 8601 with milliseconds and the offset from UTC.

    Parameters
    ----------
    moment
        With its time zone; now, in UTC, if None.
    """
    return (moment or datetime.now(UTC)).isoformat(timespec="milliseconds")
