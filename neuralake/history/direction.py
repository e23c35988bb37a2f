"""Which direction is worse: decided by the unit, and by the name where the unit says nothing.

asv takes less for better whatever the unit is. A rate is the other way round: a fall of queries per
hour is a regression.
"""

from __future__ import annotations

import re

TIMES = frozenset(
    {
        *("ns", "us", "µs", "μs", "ms", "s", "sec", "secs", "second", "seconds"),
        *("millisecond", "milliseconds", "microsecond", "microseconds"),
        *("nanosecond", "nanoseconds", "min", "minute", "minutes", "h", "hr", "hour", "hours"),
    }
)
SIZES = frozenset({"b", "byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"})
RATES = frozenset(
    {"qph", "qphh", "qps", "tps", "rps", "iops", "bps", "kbps", "mbps", "gbps", "hz", "khz", "mhz"}
)
RATE_WORDS = frozenset(
    {"throughput", "rate", "bandwidth", "speedup", "hits", "qph", "qphh", "qps", "tps", "rps"}
)
# Between whole words only: "per" is in "performance"
_PER = re.compile(r"\s*/\s*|\s+per\s+|_per_")


def is_higher_better(unit: str, name: str) -> bool:
    """Whether more is better.

    Parameters
    ----------
    unit
        ``seconds``, ``bytes``, ``queries/hour``, ``bytes per second``, ``QphH@1``, …
    name
        Of the benchmark; it decides only where the unit is unknown, such as asv's ``unit``.
    """
    known = _unit_direction(unit)
    return _name_direction(name) if known is None else known


def _unit_direction(unit: str) -> bool | None:
    parts = _PER.split(unit.strip().lower().partition("@")[0], maxsplit=1)
    first = parts[0].strip()
    if first in TIMES:  # seconds, and seconds per query
        return False
    if len(parts) == 2:
        return parts[1].strip() in TIMES or None
    if first in SIZES:
        return False
    return True if first in RATES else None


def _name_direction(name: str) -> bool:
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()
    words = last.split("_")
    if set(words) & RATE_WORDS:
        return True
    return "per" in words and words[words.index("per") + 1 :][:1] in [[time] for time in TIMES]
