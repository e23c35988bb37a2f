"""How the numbers of ingest are written: the same in the terminal, the page and the summary."""

from __future__ import annotations

from neuralake.report.latency import in_ms
from neuralake.report.numbers import NONE, per_second, times
from neuralake.results.ingest.freshness import FreshLine
from neuralake.results.ingest.records import Case, Load
from neuralake.results.ingest.summary import Line
from neuralake.stats.summary import Interval


def ratio(value: Interval | None) -> str:
    """A ratio to the limit."""
    return NONE if value is None else times(value.median)


def ratio_ends(value: Interval | None) -> str:
    """Ends of its interval."""
    if value is None or value.low == value.high:
        return ""
    return f"{times(value.low)} – {times(value.high)}"


def name(case: Case, rate: float | None) -> str:
    """A case, and the rate that was offered."""
    return case.label if rate is None else f"{case.label} at {per_second(rate)} rows/s"


def label(line: Line, *, with_rate: bool) -> str:
    """A line's name."""
    return name(line.case, line.rate if with_rate else None)


def load_in_words(load: Load) -> str:
    """What was offered."""
    of = f"batches of {load.batch_rows:,} row{'' if load.batch_rows == 1 else 's'}"
    by = f"{load.producers} producer{'' if load.producers == 1 else 's'}"
    if load.processes > 1:
        by += f" in {load.processes} processes"
    how = "closed loop" if load.arrivals == "closed" else f"open loop, {load.arrivals} arrivals"
    ends = [f"{load.commits:,} commits"] if load.commits is not None else []
    ends += [f"{load.duration_s:g} s"] if load.duration_s is not None else []
    return f"{of}, {by}, {how}, {' or '.join(ends)} a round"


def between(line: FreshLine, level: str) -> str:
    """A percentile of freshness: both ends of its interval."""
    if level not in line.most_ms:
        return NONE
    least, most = in_ms(line.least_ms[level]), in_ms(line.most_ms[level])
    return most if least == most else f"{least} – {most}"
