"""A run as a table in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neuralake.report.summary import Cell, Summary, summarise
from neuralake.report.text import one_line, printable
from neuralake.results.records import Run

DISCLAIMER = "Derived from TPC-H; not comparable with published TPC-H results."


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
    table.add_row("total (s)", *[_seconds(e.total_s) for e in engines])
    table.add_row("geometric mean (s)", *[_seconds(e.geometric_mean_s) for e in engines])
    table.add_row("verified", *[f"{e.verified}/{e.queries}" for e in engines])
    table.add_row("peak memory (MiB)", *[_mebibytes(e.peak_rss_bytes) for e in engines])
    table.add_row("engine start (s)", *[_seconds(e.start_s) for e in engines])
    table.add_row("open tables (s)", *[_seconds(e.open_s) for e in engines])
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
    left_out = [query for query in summary.queries if query not in summary.compared]
    if left_out:
        lines.append(
            f"total and geometric mean over {len(summary.compared)} of {len(summary.queries)} "
            f"queries, those with a latency on every engine; left out: {', '.join(left_out)}"
        )
    lines += [
        f"resumed {one_line(resumption.resumed_at)}, after {resumption.after_samples} samples"
        for resumption in run.resumptions
    ]
    if run.header.workload == "tpch":
        lines.append(DISCLAIMER)
    return "\n".join(lines)


def _troubles(run: Run) -> list[Text]:
    """One line for each engine that did not run and each answer that is not right."""
    lines = [
        Text(one_line(f"{engine.name}: unavailable: {engine.unavailable}"), style="yellow")
        for engine in run.engines
        if engine.unavailable is not None
    ]
    for engine in run.engines:
        if engine.settings.get("delta_reader") == "snapshot-files":
            text = "the engine reads the data files of each snapshot (delta_reader: snapshot-files)"
            lines.append(Text(f"{engine.name}: {text}", style="yellow"))
    for result in run.verifications:
        if result.verdict in ("wrong", "failed"):
            against = f" against {result.against}" if result.against else ""
            head = f"{result.engine} {result.query}: {result.verdict}{against}: "
            lines.append(Text(one_line(head + (result.detail or "")), style="red"))
    unverified = [v for v in run.verifications if v.verdict == "unverified"]
    if unverified:
        text = (
            f"{unverified[0].engine}: {len(unverified)} answers are unverified: no official "
            "answers at this scale factor, and no other engine to agree with"
        )
        lines.append(Text(text, style="yellow"))
    return lines


def _cell(cell: Cell, fastest: bool) -> Text:
    if cell.latency_s is None:
        return Text(cell.status, style="red")
    return Text(
        _seconds(cell.latency_s.median) + (" *" if fastest else "  "),
        style="bold green" if fastest else "",
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value < 100 else f"{value:.1f}"


def _mebibytes(value: int | None) -> str:
    return "–" if value is None else f"{value / 2**20:.0f}"
