"""Quantities as people write them: sizes, durations and rates."""

from __future__ import annotations

import re
from itertools import pairwise

from neuralake.lists import names_in, require_once

_NUMBER = r"(?P<number>[0-9]+(?:\.[0-9]+)?)"
_SIZE = re.compile(rf"{_NUMBER} ?(?P<unit>b|[kmgt](?:i?b)?)?", re.IGNORECASE)
_DURATION = re.compile(rf"{_NUMBER} ?(?P<unit>s|m|min|h|d)?", re.IGNORECASE)
_RATE = re.compile(rf"{_NUMBER} ?(?P<unit>[km])?", re.IGNORECASE)
_THOUSANDS = {"k": 1e3, "m": 1e6}
_LEAST_RATE, _LARGEST_RATE = 0.01, 1e9
_PAUSES = re.compile(rf"{_NUMBER} ?ms", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_POWER = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LARGEST_BYTES = 2**50  # no machine has more memory, and a resource limit ends at 2^63
# The system waits 2^31 ms at most (poll(2)), which is a little more
LONGEST_DURATION_S = 24 * 24 * 3600
_LONGEST_RETENTION_S = 36_500 * 24 * 3600


def parse_size(text: str) -> int:
    """Bytes of ``4g``, ``512 MiB`` or ``1000000b``; all prefixes are powers of 1024.

    A unit is required: whoever writes ``8`` means gigabytes.

    Raises
    ------
    ValueError
        If it is no size from 1 byte to 1 PiB; the message says what would be one.
    """
    match = _SIZE.fullmatch(text.strip())
    digits, unit = (match["number"], match["unit"]) if match else ("0", None)
    number = float(digits)
    if number > 0 and unit is None:
        raise ValueError(f"{text!r} has no unit: expected such as {digits}g or {digits}MiB")
    # Bounded first: a number of 309 digits is infinite
    bounded = min(number, _LARGEST_BYTES + 1)
    size_bytes = int(bounded * 1024 ** _POWER[unit[0].lower()]) if unit else 0
    if size_bytes <= 0:
        raise ValueError(f"{text!r} is no size: expected such as 4g, 512MiB")
    if size_bytes > _LARGEST_BYTES:
        raise ValueError(f"{text!r} is too large a size: expected at most {_LARGEST_BYTES >> 40}t")
    return size_bytes


def whole_number(text: str) -> int | None:
    """A number from 0 on of at most 18 digits, as a version of a table has; None if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``1.5s``, ``5m``, ``2h`` or ``1d``.

    Raises
    ------
    ValueError
        If it is no duration greater than 0 and up to 24 days; the message says what would be one.
    """
    return _seconds(text, LONGEST_DURATION_S)


def parse_retention(text: str) -> float:
    """Seconds of ``7d`` or ``168h``, for what is kept: not waited for, and longer therefore.

    Raises
    ------
    ValueError
        If it is no duration greater than 0 and up to 100 years; the message says what would be one.
    """
    return _seconds(text, _LONGEST_RETENTION_S)


def _seconds(text: str, longest_s: int) -> float:
    match = _DURATION.fullmatch(text.strip())
    seconds = 0.0
    if match is not None:
        seconds = float(match["number"]) * _SECONDS[(match["unit"] or "s").lower()]
    if not seconds > 0:
        raise ValueError(f"{text!r} is no duration: expected seconds such as 90, or 5m, 2h")
    if seconds > longest_s:
        longest_h = longest_s // 3600
        raise ValueError(f"{text!r} is too long a duration: expected at most {longest_h}h")
    return seconds


def parse_pause(text: str) -> float:
    """Seconds of ``20ms``, or of a duration as :func:`parse_duration` reads it.

    Raises
    ------
    ValueError
        If it is neither; the message says what would be one.
    """
    match = _PAUSES.fullmatch(text.strip())
    if match is None:
        return parse_duration(text)
    if not float(match["number"]) > 0:
        raise ValueError(f"{text!r} is no duration: expected such as 20ms, 1.5s")
    return float(match["number"]) / 1000


def parse_rates(text: str) -> tuple[float, ...]:
    """Rates of ``5000``, ``100k`` or ``0.5m,1m``, a second; k and m are thousands and millions.

    Raises
    ------
    ValueError
        If one is no rate from 0.01 to 1,000,000,000, or there twice; the message says what would be
        one.
    """
    rates = []
    for word in names_in(text):
        match = _RATE.fullmatch(word)
        rate = 0.0
        if match is not None:
            rate = float(match["number"]) * _THOUSANDS.get((match["unit"] or "").lower(), 1.0)
        if not _LEAST_RATE <= rate <= _LARGEST_RATE:
            raise ValueError(f"{word!r} is no rate: expected such as 5000, 100k or 1m")
        rates.append(rate)
    require_once((f"{rate:.12g}" for rate in rates), "rate", ValueError)
    return tuple(rates)


def duration_text(seconds: float) -> str:
    """A duration in its two greatest units: ``45 s``, ``12 min``, ``3 h 5 min``, ``400 d``.

    Parameters
    ----------
    seconds
        From 0 on; below ten they have a decimal.
    """
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{int(seconds)} s"
    whole = int(seconds)
    for (unit, least), (smaller, below) in pairwise((("d", 86400), ("h", 3600), ("min", 60))):
        if whole >= least:
            number, rest = whole // least, whole % least // below
            return f"{number:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")
