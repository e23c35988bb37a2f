"""How a number is written: the same in the terminal, the page, the figures and the summary."""

from __future__ import annotations

import math

from neuralake.stats.ratio import Ratio
from neuralake.stats.scaling import PowerLaw
from neuralake.stats.summary import Interval

NONE = "–"
MINUS = "\N{MINUS SIGN}"


def in_ms(value_s: float | None) -> str:
    """Seconds as milliseconds, as :func:`milliseconds` writes them."""
    return milliseconds(None if value_s is None else value_s * 1e9)


def time_in_words(value_s: float) -> str:
    """Seconds with three significant digits and their unit: ``48.1 ms``, ``2.35 s``, ``140 s``."""
    value, unit = (value_s * 1e3, "ms") if value_s < 0.9995 else (value_s, "s")
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


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


def millions(value: float | None) -> str:
    """A number in millions, with the decimals of :func:`milliseconds`."""
    return milliseconds(value)


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
    """Ends of an interval of seconds, in milliseconds."""
    return NONE if value is None else f"{in_ms(value.low)} – {in_ms(value.high)}"


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


def milliseconds(value_ns: float | None) -> str:
    """Nanoseconds as milliseconds: three decimals below 1, two below 10, one below 1,000."""
    if value_ns is None:
        return NONE
    value = value_ns / 1e6
    digits = 3 if value < 0.9995 else 2 if value < 9.995 else 1 if value < 999.95 else 0
    return f"{value:,.{digits}f}"


def change(ratio: float | None, decimals: int = 1) -> str:
    """A ratio as a signed change in percent, without the unit: ``+3.1``, ``−0.4``, ``0.0``."""
    if ratio is None:
        return NONE
    size = f"{abs(ratio - 1) * 100:,.{decimals}f}"
    if not any(digit in size for digit in "123456789"):
        return size
    return f"{'+' if ratio > 1 else MINUS}{size}"


def change_decimals(*ratios: float | None) -> int:
    """Decimals that suit changes in percent which are read together."""
    widest = max((abs(ratio - 1) for ratio in ratios if ratio is not None), default=0.0)
    return 2 if widest < 0.005 else 1 if widest < 0.9995 else 0


def percent(share: float) -> str:
    """A share in percent, with as many decimals as it needs: ``2 %``, ``0.4 %``."""
    return f"{share * 100:.4g} %"


def duration(value_s: float) -> str:
    """A time for people: ``42 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = round(value_s)
    if whole < 60:
        return f"{whole} s"
    minutes, seconds_left = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {seconds_left} s" if seconds_left else f"{minutes} min"
    hours, minutes_left = divmod(round(whole / 60), 60)
    if not hours:
        return f"{minutes_left} min"
    return f"{hours} h {minutes_left} min" if minutes_left else f"{hours} h"


def per_second(value: float | None) -> str:
    """A number a second, to three significant digits."""
    if value is None:
        return NONE
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{digits}f}" if value < 100 else f"{float(f'{value:.3g}'):,.0f}"
