"""How a history is said: the same in the terminal and on the page."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from neuralake.history.records import Analysed, Change, History, Key
from neuralake.report.footnote import DISCLAIMER
from neuralake.report.numbers import count

_TPCH_QUERY = re.compile(r"q(0[1-9]|1\d|2[0-2])")


def percent(ratio: float | None) -> str:
    """A factor as a signed change: ``+12.3 %``."""
    if ratio is None:
        return "–"
    change = 100 * (ratio - 1)
    digits = 1 if abs(change) < 100 else 0
    return f"{change:+,.{digits}f} %".replace("-", "−")


def size_interval(change: Change) -> str:
    """Ends of the interval of a change's size."""
    return f"{percent(change.low)} to {percent(change.high)}"


def certainty(change: Change) -> str:
    """1 − p, never rounded up."""
    return f"{math.floor(10_000 * (1 - change.p_value)) / 100:g} %"


def commit_range(change: Change) -> str:
    """The range of commits that has the change, as git takes it."""
    return f"{change.since.short}..{change.until.short} ({count(change.commits, 'commit')})"


def value(number: float) -> str:
    """A number with four digits."""
    return f"{number:,.4g}" if number < 10_000 else f"{number:,.0f}"


def labels(analysed: Sequence[Analysed], *, with_benchmark: bool = True) -> dict[Key, str]:
    """A name for each series: machine, environment and definition only where they tell apart.

    Parameters
    ----------
    analysed
        All series.
    with_benchmark
        Whether the benchmark's name is part of it, or stands elsewhere.
    """
    keys = [a.series.key for a in analysed]
    machines = {key.machine for key in keys}
    environments: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key in keys:
        environments[key.label, key.machine].add(key.environment)
    where = {}
    for key in keys:
        several = len(environments[key.label, key.machine]) > 1
        machine = f" on {key.machine}" if len(machines) > 1 else ""
        where[key] = machine + (f" with {key.environment}" if several else "")
    taken = Counter(key.label + where[key] for key in keys)
    names = {}
    for key in keys:
        own = f" ({key.definition})" if taken[key.label + where[key]] > 1 else ""
        names[key] = (key.label if with_benchmark else key.place) + where[key] + own
    return names


def headline(history: History) -> str:
    """What was found, in a sentence or two."""
    changed = [a for a in history.analysed if a.changes]
    of = count(len(history.analysed), "series", "series")
    testable = [a for a in history.analysed if a.is_testable]
    if not testable:
        return f"Nothing can be said of {of} yet: each has too few commits."
    if not changed:
        short = len(history.analysed) - len(testable)
        untested = f"; {count(short, 'series is', 'series are')} too short to tell" if short else ""
        return f"No change found in {count(len(testable), 'series', 'series')}{untested}."
    kinds = [change.kind for a in changed for change in a.changes]
    latest = sum(a.changes[-1].kind == "regression" for a in changed)
    worse = count(kinds.count("regression"), "regression")
    better = count(kinds.count("improvement"), "improvement")
    return (
        f"{len(changed):,} of {of} changed: {worse}, {better}. "
        f"The latest change is a regression in {count(latest, 'series', 'series')}."
    )


def how_tested(history: History) -> list[str]:
    """How the series were tested, and what could not be."""
    analysed = history.analysed
    short = sum(not a.is_testable for a in analysed)
    testable = len(analysed) - short
    anchored = sum(a.series.anchor is not None for a in analysed)
    confidence = f"{100 * history.confidence:g} %"
    smallest = f"{100 * history.smallest_change:g} %"
    said = []
    if testable:
        said.append(
            f"{count(testable, 'series', 'series')} tested together at a confidence of "
            f"{confidence}: p ≤ {history.level:.2g} in each (Benjamini and Hochberg); "
            f"changes of less than {smallest} are left out."
        )
        said.append(
            f"A change in one series alone needs {history.points_needed_alone} commits or more "
            "to be significant, half of them on either side; near an end of the series more."
        )
    if short:
        said.append(
            f"{count(short, 'series has', 'series have')} fewer than {history.points_needed} "
            f"commits: no change in them could be significant at {confidence}, however great."
        )
    if anchored:
        said.append(
            f"{count(anchored, 'series is a ratio', 'series are ratios')} to the anchor measured "
            "beside each commit, free of the machine's drift."
        )
    if anchored < len(analysed):
        raw = count(len(analysed) - anchored, "series has", "series have")
        said.append(f"{raw} no anchor: a machine that drifts looks like a change there.")
    return said


def left_out(history: History) -> list[str]:
    """What was found and is not analysed."""
    return [f"Left out: {o.count:,} {o.reason}." for o in history.omissions]


def disclaimer(history: History) -> str | None:
    """What must stand wherever times of TPC-H's queries do."""
    queries = (a.series.key.query or "" for a in history.analysed)
    return DISCLAIMER if any(map(_TPCH_QUERY.fullmatch, queries)) else None
