"""A verdict in signs and words, the same in the terminal, the page, the figures and the summary."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from neuralake.report import numbers
from neuralake.report.text import short
from neuralake.results.comparison import (
    BETTER,
    WORSE,
    Change,
    Comparison,
    EngineComparison,
    Verdict,
)

SIGNS: dict[Verdict, str] = {
    "slower": "▲",
    "faster": "▼",
    "unchanged": "=",
    "more work": "▲",
    "less work": "▼",
    "same work": "=",
    "inconclusive": "?",
    "wrong": "×",
    "failed": "×",
}
MARKS: dict[Verdict, Literal["", "good", "bad", "open"]] = {
    "slower": "bad",
    "faster": "good",
    "unchanged": "",
    "more work": "bad",
    "less work": "good",
    "same work": "",
    "inconclusive": "open",
    "wrong": "bad",
    "failed": "bad",
}
# The gravest first: what a reader must not miss
GRAVITY: tuple[Verdict, ...] = (
    "wrong",
    "failed",
    *("slower", "more work"),
    "inconclusive",
    *("faster", "less work"),
    *("unchanged", "same work"),
)


def signed(verdict: Verdict) -> str:
    """The verdict after its sign, so that nothing depends on colour."""
    return f"{SIGNS[verdict]} {verdict}"


def suite(engine: EngineComparison) -> Change:
    """What is said of the suite, which is never better while an answer is wrong or missing."""
    found = faults(engine)
    if engine.suite.verdict not in BETTER or not found:
        return engine.suite
    gravest = min((change.verdict for change in found), key=GRAVITY.index)
    return replace(engine.suite, verdict=gravest)


def changes(engine: EngineComparison) -> tuple[Change, ...]:
    """The suite's, then the queries'."""
    return (suite(engine), *engine.queries)


def shown(comparison: Comparison, engine: EngineComparison) -> tuple[Change, ...]:
    """The verdicts of an engine, each once: of streams the suite's is the same as theirs."""
    return changes(engine) if comparison.streams is None else engine.queries


def faults(engine: EngineComparison) -> tuple[Change, ...]:
    """Queries that are wrong or failed."""
    return tuple(q for q in engine.queries if q.verdict in ("wrong", "failed"))


def gravest(engine: EngineComparison) -> Verdict:
    """The gravest verdict of an engine."""
    return min((change.verdict for change in changes(engine)), key=GRAVITY.index)


def measured(comparison: Comparison, engine: EngineComparison) -> str:
    """What the suite is of: ``22 queries``, ``20 of 22 queries``, ``2 streams of 22 queries``."""
    if comparison.streams is not None:
        queries = numbers.count(len(comparison.stream_queries), "query", "queries")
        return f"{numbers.count(comparison.streams, 'stream')} of {queries}"
    every, sound = len(engine.queries), len(engine.queries) - len(faults(engine))
    of = "" if sound == every else f"{sound} of "
    return f"{of}{numbers.count(every, 'query', 'queries')}"


def percent(change: Change, *, cpu: bool = False) -> str:
    """The change in percent without its unit: ``+3.1``; that of CPU time, or of cycles."""
    ratio, low, high = _ratios(change, cpu)
    return numbers.change(ratio, numbers.change_decimals(ratio, low, high))


def interval(change: Change, *, cpu: bool = False) -> str:
    """Its interval: ``[+2.2, +4.0]``, or nothing."""
    ends = _ends(change, cpu)
    return f"[{', '.join(ends)}]" if ends else ""


def span(change: Change, *, cpu: bool = False) -> str:
    """Its interval where brackets would be in the way: ``+2.2 to +4.0``, or nothing."""
    return " to ".join(_ends(change, cpu))


def in_words(change: Change) -> str:
    """``3.1 % slower [2.2, 4.0]``, or ``+0.1 % [−0.4, +0.6]`` where nothing is decided."""
    ratio, low, high = _ratios(change, cpu=False)
    if change.verdict not in (*WORSE, *BETTER) or ratio is None:
        return f"{percent(change)} % {interval(change)}".rstrip()
    decimals = numbers.change_decimals(ratio, low, high)
    if change.verdict in BETTER:
        low, high = high, low
    sign = 1 if change.verdict in WORSE else -1
    size, *ends = (
        None if end is None else f"{sign * (end - 1) * 100:,.{decimals}f}".replace("-", "−")
        for end in (ratio, low, high)
    )
    span = "" if None in ends else f" [{', '.join(map(str, ends))}]"
    return f"{size} % {change.verdict}{span}"


def line(engine: EngineComparison, change: Change) -> str:
    """One verdict in a line: what, which, how sure, and why."""
    name = "suite" if change.query is None else short(change.query)
    head = f"{short(engine.engine)} {name}: {signed(change.verdict)}"
    if change.verdict in ("wrong", "failed"):
        return f"{head}: {change.message}" if change.message else head
    if change.ratio is None:
        return f"{head}: nothing was measured"
    said = f"{head}, {percent(change)} % {interval(change)}".rstrip()
    said += f" after {numbers.count(change.pairs, 'pair')}"
    return f"{said}; {more(engine, change)}" if change.verdict == "inconclusive" else said


def more(engine: EngineComparison, change: Change) -> str:
    """How many more pairs a verdict takes, and how long they last."""
    if change.more_pairs is None:
        return "how many more a verdict takes is not known yet"
    time = ""
    if change.pairs:  # as long as they took so far, starts included
        left_s = engine.elapsed_s / change.pairs * change.more_pairs
        time = f" (about {numbers.duration(left_s)})"
    return f"a verdict takes at most {change.more_pairs:,} more{time}"


def _ends(change: Change, cpu: bool) -> tuple[str, ...]:
    ratio, low, high = _ratios(change, cpu)
    if low is None or high is None:
        return ()
    decimals = numbers.change_decimals(ratio, low, high)
    return numbers.change(low, decimals), numbers.change(high, decimals)


def _ratios(change: Change, cpu: bool) -> tuple[float | None, float | None, float | None]:
    if cpu and change.cycles_ratio is not None:
        return change.cycles_ratio, change.cycles_low, change.cycles_high
    if cpu:
        return change.cpu_ratio, change.cpu_low, change.cpu_high
    return change.ratio, change.low, change.high
