"""Timed and counted change side by side, and what it points to where they do not agree."""

from __future__ import annotations

from neuralake.report.comparison import verdicts
from neuralake.report.comparison.beside import Beside
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


def _table(timed: EngineComparison, counted: EngineComparison, number: int) -> Table:
    work = {change.query: change for change in counted.queries}
    of_others = "they are of other queries" if _known(timed) != _known(counted) else None
    rows = (
        _row(verdicts.suite(timed), verdicts.suite(counted), of_others),
        *(_row(change, work[change.query]) for change in timed.queries if change.query in work),
    )
    caption = (
        f"{timed.engine}: timed and counted change side by side, candidate ÷ base, with intervals "
        "of 95 %"
    )
    return Table(f"both-{number}", caption, _COLUMNS, rows)


def _known(engine: EngineComparison) -> set[str | None]:
    """Queries whose change is known, and in the suite's."""
    return {change.query for change in engine.queries if change.ratio is not None}


def _row(timed: Change, counted: Change, why_not: str | None = None) -> tuple[Entry, ...]:
    return (
        Entry("suite" if timed.query is None else timed.query),
        *_told(timed),
        *_told(counted),
        Entry(why_not or Beside(counted, timed).points_to() or NONE),
    )


def _told(change: Change) -> tuple[Entry, Entry]:
    return (
        Entry(verdicts.percent(change), change.ratio, verdicts.span(change)),
        Entry(verdicts.signed(change.verdict), mark=verdicts.MARKS[change.verdict]),
    )
