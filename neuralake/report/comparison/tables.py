"""The tables of a comparison."""

from __future__ import annotations

import math
from collections.abc import Iterable

from neuralake.report import numbers
from neuralake.report.comparison import differences, verdicts
from neuralake.report.comparison.differences import Difference
from neuralake.report.comparison.measure import amounts, measure_of
from neuralake.report.tables import Column, Entry, Table, text_columns
from neuralake.results.comparison import SAME, Change, Comparison, EngineComparison

MOST_NOTABLE = 15


def engines_table(comparison: Comparison) -> Table:
    """The suite of each engine."""
    streams = comparison.streams
    rows = [
        (
            Entry(engine.engine),
            _verdict(verdicts.suite(engine)),
            *_numbers(engine.suite),
            _measured(engine) if streams is None else _count(streams),
        )
        for engine in comparison.engines
    ]
    columns = (
        *text_columns("engine", "verdict"),
        *(*_changes(comparison), Column("queries" if streams is None else "streams")),
    )
    caption = (
        "Suite: geometric mean of the queries' ratios, candidate ÷ base, with intervals of 95 %; "
        f"{'times' if comparison.by == 'time' else 'counts'} are sums of medians"
        if streams is None
        else "Throughput: elapsed time of streams at once, candidate ÷ base, with intervals of "
        "95 %; times are medians"
    )
    return Table("suites", caption, columns, tuple(rows))


def notable_table(comparison: Comparison) -> Table:
    """Queries that are wrong or failed, slower or faster by themselves: the gravest."""
    found = [
        (engine.engine, query)
        for engine in comparison.engines
        for query in engine.queries
        if comparison.streams is None and query.verdict not in (*SAME, "inconclusive")
    ]
    found.sort(key=lambda named: (verdicts.GRAVITY.index(named[1].verdict), -_size(named[1])))
    rows = [
        (Entry(engine), Entry(query.query or ""), _verdict(query), *_numbers(query))
        for engine, query in found[:MOST_NOTABLE]
    ]
    cut = f"; the first {MOST_NOTABLE} of {len(found)}" if len(found) > MOST_NOTABLE else ""
    columns = (
        *text_columns("engine", "query", "verdict"),
        *_changes(comparison),
    )
    what = "time" if comparison.by == "time" else "count"
    caption = f"Queries that changed, or have no {what}{cut}"
    return Table("notable", caption, columns, tuple(rows))


def queries_table(comparison: Comparison, engine: EngineComparison, number: int) -> Table:
    """Every query of an engine, and its suite as the foot."""
    columns = (
        *(*text_columns("query", "verdict"), *_changes(comparison)),
        *(Column("at most more"), Column("decided after"), Column("spread of a pair (%)")),
    )
    *queries, suite = [_row(change) for change in (*engine.queries, verdicts.suite(engine))]
    return Table(
        f"queries-{number}",
        f"{engine.engine}: median {measure_of(comparison.by).name} in each arm; changes, "
        "candidate ÷ base, with intervals of 95 %",
        columns,
        tuple(queries),
        (suite,),
    )


def arms_table(comparison: Comparison) -> Table:
    """What the arms are."""
    return _differences("arms", "The arms", "", differences.arms(comparison))


def packages_table(comparison: Comparison, *, every: bool = False) -> Table:
    """Packages whose versions differ, or all of them."""
    caption = "All packages in the arms" if every else "Packages that differ"
    name = "all-packages" if every else "packages"
    found = differences.packages(comparison, every=every)
    return _differences(name, caption, "package", found)


def settings_table(engine: EngineComparison, number: int, *, every: bool = False) -> Table:
    """Versions and settings of an engine that differ, or all of them."""
    what = "versions and settings" if every else "versions and settings that differ"
    return _differences(
        f"{'all-' if every else ''}settings-{number}",
        f"{engine.engine}: {what}",
        "",
        differences.settings(engine, every=every),
    )


def _row(change: Change) -> tuple[Entry, ...]:
    spread = None if change.spread is None else change.spread * 100
    return (
        Entry("suite" if change.query is None else change.query),
        _verdict(change),
        *_numbers(change),
        _count(change.more_pairs),
        _count(change.decided_after_pairs),
        Entry(numbers.NONE if spread is None else f"{spread:.1f}", spread),
    )


def _numbers(change: Change) -> tuple[Entry, ...]:
    return (
        Entry(verdicts.percent(change), change.ratio, verdicts.span(change)),
        Entry(
            verdicts.percent(change, cpu=True),
            change.cpu_ratio,
            verdicts.span(change, cpu=True),
        ),
        *(Entry(numbers.milliseconds(amount), amount) for amount in amounts(change)),
        _count(change.pairs or None),
    )


def _changes(comparison: Comparison) -> tuple[Column, ...]:
    measure = measure_of(comparison.by)
    return (
        *(Column(f"{measure.name} (%)"), Column(f"{measure.beside} (%)")),
        *(Column(f"base ({measure.unit})"), Column(f"candidate ({measure.unit})")),
        Column("pairs"),
    )


def _size(change: Change) -> float:
    return abs(math.log(change.ratio)) if change.ratio is not None else math.inf


def _measured(engine: EngineComparison) -> Entry:
    every = len(engine.queries)
    sound = every - len(verdicts.faults(engine))
    return Entry(f"{every}" if sound == every else f"{sound} of {every}", sound)


def _verdict(change: Change) -> Entry:
    return Entry(verdicts.signed(change.verdict), mark=verdicts.MARKS[change.verdict])


def _count(number: int | None) -> Entry:
    return Entry(numbers.NONE if number is None else f"{number:,}", number)


def _differences(name: str, caption: str, label: str, found: Iterable[Difference]) -> Table:
    columns = text_columns(label, "base", "candidate")
    rows = tuple(
        (Entry(d.name), Entry(d.base or numbers.NONE), Entry(d.candidate or numbers.NONE))
        for d in found
    )
    return Table(name, caption, columns, rows)
