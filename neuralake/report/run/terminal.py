"""A run as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neuralake.report.footnote import footnote
from neuralake.report.numbers import count, in_ms, mebibytes
from neuralake.report.run.notes import engine_notes, left_out, machine_notes, wrong_answers
from neuralake.report.run.tables import star
from neuralake.report.text import one_line, printable
from neuralake.results.records import Run
from neuralake.results.summary import Summary, summarise

_STAR = "* "  # before the number: at the right digits stand below one another


def run_table(run: Run) -> Group:
    """Median latencies, a query a row and an engine a column; then what they add up to."""
    summary = summarise(run)
    table = Table()
    table.add_column("query", overflow="fold")
    for engine in summary.engines:
        table.add_column(Text(one_line(engine)), justify="right", overflow="fold")
        if summary.has_cold:
            table.add_column("cold", justify="right", overflow="fold")
    for query in summary.queries:
        fastest = summary.fastest(query)
        cells = [_cells(summary, query, engine, fastest) for engine in summary.engines]
        table.add_row(Text(one_line(query)), *chain.from_iterable(cells))
    table.add_section()
    engines = [summary.by_engine[engine] for engine in summary.engines]
    for label, hot, cold in (
        ("total (ms)", [e.total_s for e in engines], [e.cold_total_s for e in engines]),
        (
            "geometric mean (ms)",
            [e.geometric_mean_s for e in engines],
            [e.cold_geometric_mean_s for e in engines],
        ),
    ):
        table.add_row(label, *_row(summary, map(in_ms, hot), map(in_ms, cold)))
    for label, values in (
        ("verified", [f"{e.verified}/{e.queries}" for e in engines]),
        ("peak memory (MiB)", [mebibytes(e.peak_rss_bytes) for e in engines]),
        ("engine start (ms)", [in_ms(e.start_s) for e in engines]),
        ("open tables (ms)", [in_ms(e.open_s) for e in engines]),
    ):
        table.add_row(label, *_row(summary, values, [""] * len(engines)))
    title = Text(one_line(_title(run)), style="bold")
    caption = Text(printable(_caption(run, summary)), style="dim")
    return Group(title, table, caption, *_troubles(run, summary))


def print_run(run: Run, console: Console, directory: Path) -> None:
    """Print the table, what went wrong, and where everything lies."""
    console.print(run_table(run))
    console.print(Text(f"results: {directory}"), soft_wrap=True)


def _title(run: Run) -> str:
    header = run.header
    size = "" if header.scale_factor is None else f", scale factor {header.scale_factor:g}"
    medians = f"median of {count(header.runs, 'hot run')}"
    if header.cold_runs:
        medians += f" and of {count(header.cold_runs, 'cold run')}"
    unfinished = "" if run.finished_at else " (not finished)"
    return f"{header.workload}{size}: {medians}, ms{unfinished}"


def _caption(run: Run, summary: Summary) -> str:
    lines = [star(summary)]
    omitted = left_out(summary)
    if omitted is not None:
        lines.append(omitted)
    lines += [
        f"resumed {one_line(resumption.resumed_at)}, after {resumption.after_samples} samples"
        for resumption in run.resumptions
    ]
    return "\n".join(filter(None, [*lines, footnote(run.header.workload)]))


def _troubles(run: Run, summary: Summary) -> list[Text]:
    """One line for each sign of a busy machine, each engine that did not run, each bad answer."""
    styles = {"error": "red", "warning": "yellow", "info": ""}
    found = [*machine_notes(run, summary), *engine_notes(run), *wrong_answers(run)]
    return [Text(one_line(note.text), style=styles[note.level]) for note in found]


def _cells(summary: Summary, query: str, engine: str, fastest: str | None) -> list[Text]:
    """The hot median, and the cold one where the table has a column for it."""
    cell = summary.cells[query, engine]
    if cell.latency_s is None:
        hot = Text(cell.status, style="red")
    else:
        style = "bold green" if engine == fastest else ""
        mark = _STAR if engine == fastest else ""
        hot = Text(mark + in_ms(cell.latency_s.median), style=style)
    cold = Text(in_ms(cell.cold_s.median if cell.cold_s else None))
    return [hot, cold] if summary.has_cold else [hot]


def _row(summary: Summary, hot: Iterable[str], cold: Iterable[str]) -> Iterator[str]:
    """One text an engine, or two where there are columns for cold runs."""
    pairs = zip(hot, cold, strict=True)
    return (text for pair in pairs for text in pair[: 2 if summary.has_cold else 1])
