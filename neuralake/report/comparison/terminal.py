"""A comparison in the terminal: a table an engine, then what was found and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralake.report import numbers
from neuralake.report.comparison import both, verdicts
from neuralake.report.comparison.differences import arm_line, difference_line
from neuralake.report.comparison.headline import overall, sentences
from neuralake.report.comparison.measure import amounts, measure_of
from neuralake.report.comparison.method import failures
from neuralake.report.comparison.notes import comparison_notes
from neuralake.report.footnote import footnote
from neuralake.report.tables import Table as ReportTable
from neuralake.report.text import one_line, short
from neuralake.results.comparison import Change, Comparison, EngineComparison, Verdict

_STYLES: dict[Verdict, str] = {
    "slower": "red",
    "faster": "green",
    "unchanged": "",
    "more work": "red",
    "less work": "green",
    "same work": "",
    "inconclusive": "yellow",
    "wrong": "bold red",
    "failed": "bold red",
}
_WIDE = 90
_LEVELS = {"error": "red", "warning": "yellow", "info": "dim"}


def print_comparison(comparison: Comparison, console: Console, directory: Path) -> None:
    """Print what was compared, every verdict, what was found, and where everything lies.

    Parameters
    ----------
    comparison
        Finished or interrupted.
    console
        Without colour where none is wanted; every verdict is a word, too.
    directory
        Where its document lies.
    """
    if comparison.counted is not None:
        print_comparison(comparison.counted, console, directory / "counted")
        console.print()
    for side, arm in (("base", comparison.base), ("candidate", comparison.candidate)):
        console.print(Text(one_line(f"{side:<9} {arm_line(arm)}")), soft_wrap=True)
    for engine in comparison.engines:
        console.print()
        console.print(Text(one_line(_title(engine)), style="bold"))
        console.print(_table(comparison, engine, gap=1 if console.width >= _WIDE else 0))
    for table in both.both_tables(comparison):
        console.print()
        console.print(_plain(table))
    for text in _below(comparison):
        console.print(text, soft_wrap=True)
    console.print(Text(one_line(f"results: {directory}")), soft_wrap=True)


def _title(engine: EngineComparison) -> str:
    pairs = f"{numbers.count(engine.processes, 'pair')} of processes"
    rounds = numbers.count(engine.rounds, "round")
    elapsed = numbers.duration(engine.elapsed_s)
    return f"{short(engine.engine)}: {pairs} of {rounds}, {elapsed}"


def _table(comparison: Comparison, engine: EngineComparison, gap: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0))
    name = "query" if comparison.streams is None else "throughput"
    table.add_column(name, overflow="ellipsis", no_wrap=True)
    measure = measure_of(comparison.by)
    unit = measure.unit
    amount_labels = (f"base\n({unit})", f"candidate\n({unit})")
    for label in (*amount_labels, f"{measure.name}\n(%)", f"{measure.beside_short}\n(%)", "pairs"):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    changes = verdicts.shown(comparison, engine)
    widest = max(len(verdicts.interval(change)) for change in changes)
    for change in changes:
        is_suite = change.query is None
        name = "suite" if change.query is None else short(change.query)
        table.add_row(
            Text(name),
            *map(numbers.milliseconds, amounts(change)),
            Text(f"{verdicts.percent(change)} {verdicts.interval(change):>{widest}}".rstrip()),
            Text(verdicts.percent(change, cpu=True)),
            _pairs(change),
            Text(verdicts.signed(change.verdict), style=_STYLES[change.verdict]),
            style="bold" if is_suite else "",
            end_section=is_suite,
        )
    return table


def _plain(table: ReportTable) -> Table:
    """A table of the report, with what is small in its entries behind them."""
    found = Table(
        box=box.SIMPLE_HEAD,
        title=one_line(table.caption),
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    for column in table.columns:
        found.add_column(column.label, justify="right" if column.numeric else "left")
    for row in table.rows:
        found.add_row(*(Text(one_line(f"{entry.text} {entry.small}".strip())) for entry in row))
    return found


def _pairs(change: Change) -> str:
    more = "" if change.more_pairs is None else f" (+{change.more_pairs:,})"
    return f"{change.pairs:,}{more}" if change.pairs else numbers.NONE


def _below(comparison: Comparison) -> Iterator[Text]:
    for failure in failures(comparison, suites=False):
        said = f"{verdicts.SIGNS['failed']} {failure.status}: {failure.message}".rstrip(": ")
        line = f"{short(failure.engine)} {failure.query}: {said}"
        yield Text(one_line(line), style=_STYLES["failed"])
    for note in comparison_notes(comparison):
        yield Text(one_line(note.text), style=_LEVELS[note.level])
    measure = measure_of(comparison.by)
    legend = f"[ ] interval of 95 %; the verdict is on {measure.name} alone"
    if any(change.more_pairs is not None for change in comparison.changes()):
        legend += "; (+n): a verdict takes at most n more pairs"
    yield Text(legend, style="dim")
    foot = footnote(comparison.workload)
    if foot is not None:
        yield Text(foot, style="dim")
    yield Text()
    yield Text(one_line(difference_line(comparison)))
    style = f"bold {_STYLES[overall(comparison)].removeprefix('bold ')}".strip()
    for sentence in sentences(comparison):
        yield Text(one_line(sentence), style=style)
