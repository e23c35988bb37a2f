"""A run as a table in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neuralake.report.footnote import footnote
from neuralake.report.numbers import mebibytes, seconds
from neuralake.report.run.notes import engine_notes, left_out, wrong_answers
from neuralake.report.text import one_line, printable
from neuralake.results.records import Run
from neuralake.results.summary import Cell, Summary, summarise


def run_table(run: Run) -> Group:
    """Median latencies, a query a row and an engine a column; then what they add up to."""
    summary = summarise(run)
    table = Table()
    table.add_column("query")
    for engine in summary.engines:
        table.add_column(Text(one_line(engine)), justify="right")
    for query in summary.queries:
        fastest = summary.fastest(query)
        cells = [_cell(summary.cells[query, e], e == fastest) for e in summary.engines]
        table.add_row(Text(one_line(query)), *cells)
    table.add_section()
    engines = [summary.by_engine[engine] for engine in summary.engines]
    table.add_row("total (s)", *[seconds(e.total_s) for e in engines])
    table.add_row("geometric mean (s)", *[seconds(e.geometric_mean_s) for e in engines])
    table.add_row("verified", *[f"{e.verified}/{e.queries}" for e in engines])
    table.add_row("peak memory (MiB)", *[mebibytes(e.peak_rss_bytes) for e in engines])
    table.add_row("engine start (s)", *[seconds(e.start_s) for e in engines])
    table.add_row("open tables (s)", *[seconds(e.open_s) for e in engines])
    title = Text(one_line(_title(run)), style="bold")
    caption = Text(printable(_caption(run, summary)), style="dim")
    return Group(title, table, caption, *_troubles(run))


def print_run(run: Run, console: Console, directory: Path) -> None:
    """Print the table, what went wrong, and where everything lies."""
    console.print(run_table(run))
    console.print(Text(f"results: {directory}"), soft_wrap=True)


def _title(run: Run) -> str:
    header = run.header
    size = "" if header.scale_factor is None else f", scale factor {header.scale_factor:g}"
    unfinished = "" if run.finished_at else " (not finished)"
    return f"{header.workload}{size}: median of {header.runs} hot runs, seconds{unfinished}"


def _caption(run: Run, summary: Summary) -> str:
    lines = ["* fastest of the engines"] if len(summary.engines) > 1 else []
    omitted = left_out(summary)
    if omitted is not None:
        lines.append(omitted)
    lines += [
        f"resumed {one_line(resumption.resumed_at)}, after {resumption.after_samples} samples"
        for resumption in run.resumptions
    ]
    return "\n".join(filter(None, [*lines, footnote(run.header.workload)]))


def _troubles(run: Run) -> list[Text]:
    """One line for each engine that did not run and each answer that is not right."""
    styles = {"error": "red", "warning": "yellow", "info": ""}
    found = [*engine_notes(run), *wrong_answers(run)]
    return [Text(one_line(note.text), style=styles[note.level]) for note in found]


def _cell(cell: Cell, fastest: bool) -> Text:
    if cell.latency_s is None:
        return Text(cell.status, style="red")
    return Text(
        seconds(cell.latency_s.median) + (" *" if fastest else "  "),
        style="bold green" if fastest else "",
    )
