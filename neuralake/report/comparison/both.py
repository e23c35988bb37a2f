"""Timed and counted change side by side, and what it points to where they do not agree."""

from __future__ import annotations

from neuralake.report.comparison import verdicts
from neuralake.report.numbers import NONE
from neuralake.report.tables import Column, Entry, Table, text_columns
from neuralake.results.comparison import Change, Comparison, EngineComparison

_COLUMNS = (
    *text_columns("query"),
    *(Column("wall time (%)"), *text_columns("on time")),
    *(Column("instructions (%)"), *text_columns("on work", "points to")),
)


def both_tables(comparison: Comparison) -> tuple[Table, ...]:
    """A table an engine that was timed and counted: the suite, then each query."""
    if comparison.counted is None:
        return ()
    counted = {engine.engine: engine for engine in comparison.counted.engines}
    return tuple(
        _table(engine, counted[engine.engine], number)
        for number, engine in enumerate(comparison.engines, start=1)
        if engine.engine in counted
    )


def points_to(timed: Change, counted: Change) -> str:
    """Where the cause of a change is to be looked for, if time and work do not agree on it.

    They do not agree where their intervals have nothing in common. Empty where they may.
    """
    if timed.ratio is None or counted.ratio is None:
        return ""
    ends = (timed.low, timed.high, counted.low, counted.high)
    if any(end is None for end in ends):
        return ""
    time_low, time_high, work_low, work_high = (end or 0.0 for end in ends)
    if time_low > work_high:
        if work_low > 1:
            return "dearer instructions too: memory, caches, or waiting"
        return "waiting, disk, memory, caches or less at once: not work"
    if time_high < work_low:
        if time_low > 1:
            return "work that is cheap, done at once, or small at the timed scale"
        return "work beside the critical path, more at once, or cheaper instructions"
    return ""


def _table(timed: EngineComparison, counted: EngineComparison, number: int) -> Table:
    work = {change.query: change for change in (verdicts.suite(counted), *counted.queries)}
    rows = tuple(
        _row(change, work[change.query])
        for change in (verdicts.suite(timed), *timed.queries)
        if change.query in work
    )
    caption = (
        f"{timed.engine}: timed and counted change side by side, candidate ÷ base, with intervals "
        "of 95 %"
    )
    return Table(f"both-{number}", caption, _COLUMNS, rows)


def _row(timed: Change, counted: Change) -> tuple[Entry, ...]:
    return (
        Entry("suite" if timed.query is None else timed.query),
        *_told(timed),
        *_told(counted),
        Entry(points_to(timed, counted) or NONE),
    )


def _told(change: Change) -> tuple[Entry, Entry]:
    return (
        Entry(verdicts.percent(change), change.ratio, verdicts.span(change)),
        Entry(verdicts.signed(change.verdict), mark=verdicts.MARKS[change.verdict]),
    )
