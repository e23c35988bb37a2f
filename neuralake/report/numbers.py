"""How a number is written: the same in the terminal, the page, the figures and the summary."""

from __future__ import annotations

from neuralake.stats.ratio import Ratio
from neuralake.stats.scaling import PowerLaw
from neuralake.stats.summary import Interval

NONE = "–"


def seconds(value: float | None) -> str:
    """Seconds with three decimals, or one from 100 s on."""
    if value is None:
        return NONE
    return f"{value:.3f}" if value < 100 else f"{value:,.1f}"


def mebibytes(value: float | None) -> str:
    """Bytes as whole MiB, with decimals below 1 MiB."""
    if value is None:
        return NONE
    size = value / 2**20
    return f"{size:,.0f}" if size >= 1 or size == 0 else f"{size:.2f}"


def size(value: float) -> str:
    """Bytes in the unit that suits them."""
    for unit, digits in (("bytes", 0), ("KiB", 0), ("MiB", 0), ("GiB", 1)):
        if value < 1024:
            return f"{value:,.{digits}f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def times(value: float | None, decimals: int = 2) -> str:
    """A ratio: ``1.00``, ``16.9``, ``120``; more decimals below 10 if asked for."""
    if value is None:
        return NONE
    digits = decimals if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f}"


def decimal(value: float | None) -> str:
    """A plain number with two decimals."""
    return NONE if value is None else f"{value:,.2f}"


def interval(value: Interval | None) -> str:
    """Ends of an interval in seconds."""
    return NONE if value is None else f"{seconds(value.low)} – {seconds(value.high)}"


def ends(value: Ratio | PowerLaw | None, decimals: int = 2) -> str:
    """Ends of the interval of a ratio or an exponent."""
    if value is None or value.low is None or value.high is None:
        return NONE
    return f"{times(value.low, decimals)} – {times(value.high, decimals)}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 answer``, ``2 answers``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def moment(timestamp: str | None) -> str:
    """An ISO 8601 time in UTC, to the second."""
    if timestamp is None:
        return NONE
    return f"{timestamp[:19].replace('T', ' ')} UTC"
