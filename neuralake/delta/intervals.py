"""Durations in a table's properties, such as ``interval 30 days``.

Source: Delta Lake, ``DeltaConfigs``: a calendar interval of Spark SQL without months and years,
which have no fixed length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_UNITS_MS = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1,
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_PART = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s+([a-z]+?)s?(?=\s|$)")

LOG_RETENTION = "delta.logRetentionDuration"
DELETED_FILE_RETENTION = "delta.deletedFileRetentionDuration"
_DEFAULTS = {LOG_RETENTION: "interval 30 days", DELETED_FILE_RETENTION: "interval 1 week"}


def retention_ms(configuration: Mapping[str, str], name: str) -> int:
    """How long a table keeps its log, or files that were removed, in milliseconds.

    Parameters
    ----------
    configuration
        Properties of the table.
    name
        ``LOG_RETENTION`` or ``DELETED_FILE_RETENTION``; Delta's default holds where it is not set.

    Raises
    ------
    ValueError
        If it is no duration, or a negative one.
    """
    text = configuration.get(name, _DEFAULTS[name])
    try:
        found = parse_interval(text)
    except ValueError as error:
        raise ValueError(f"the table's property {name}: {error}") from error
    if found < 0:
        raise ValueError(f"the table's property {name} is negative: {text!r}")
    return found


def interval(seconds: float) -> str:
    """A duration as a table's properties have it, to the millisecond."""
    return f"interval {round(seconds * 1000)} milliseconds"


def parse_interval(text: str) -> int:
    """Milliseconds of an interval, rounded down.

    Raises
    ------
    ValueError
        If it is none, or one of months or years.
    """
    rest = text.strip().lower().removeprefix("interval ")
    total = 0.0
    at = 0
    while at < len(rest.rstrip()):
        match = _PART.match(rest, at)
        unit = None if match is None else _UNITS_MS.get(match[2])
        if match is None or unit is None:
            raise ValueError(f"{text!r} is no duration such as 'interval 7 days'")
        total += float(match[1]) * unit
        at = match.end()
    if not at:
        raise ValueError(f"{text!r} is no duration such as 'interval 7 days'")
    return int(total)
