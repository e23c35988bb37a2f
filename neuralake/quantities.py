"""Quantities as people write them: sizes and durations."""

from __future__ import annotations

import math
import re

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<prefix>[kmgt]?)(?P<kind>i?b?)", re.IGNORECASE)
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>s|m|min|h)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: str) -> int:
    """Bytes of ``4g``, ``512 MiB`` or ``1000000``; all prefixes are powers of 1024.

    Raises
    ------
    ValueError
        If it is no size greater than 0; the message says what would be one.
    """
    match = _SIZE.fullmatch(text.strip())
    size_bytes = 0
    if match is not None:
        size_bytes = int(float(match["number"]) * 1024 ** _POWER[match["prefix"].lower()])
    if size_bytes <= 0:
        raise ValueError(f"{text!r} is no size: expected such as 4g, 512MiB")
    return size_bytes


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``1.5s``, ``5m`` or ``2h``.

    Raises
    ------
    ValueError
        If it is no duration greater than 0; the message says what would be one.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = 0.0
    if match is not None:
        seconds = float(match["number"]) * _SECONDS[(match["unit"] or "s").lower()]
    if not (0 < seconds < math.inf):
        raise ValueError(f"{text!r} is no duration: expected seconds such as 90, or 5m, 2h")
    return seconds
