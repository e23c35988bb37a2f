"""A run of ingest as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neuralake.report.ingest.notes import notes
from neuralake.report.ingest.tables import (
    drift_table,
    freshness_table,
    latency_table,
    steps_table,
)
from neuralake.report.ingest.words import load_in_words, where
from neuralake.report.tables import Column, Entry
from neuralake.report.tables import Table as Content
from neuralake.report.text import one_line
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary

_STYLES = {"error": "red", "warning": "yellow", "info": ""}


def print_ingest(run: IngestRun, summary: IngestSummary, console: Console, directory: Path) -> None:
    """Print the tables, what went wrong, and where everything lies."""
    header = run.header
    unfinished = "" if run.finished_at else " (not finished)"
    title = f"ingest: {load_in_words(header.load)}{unfinished}"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for content in (
        latency_table(run, summary),
        drift_table(summary),
        steps_table(summary),
        freshness_table(summary),
    ):
        if content is not None:
            console.print(_table(content))
    console.print(Text(one_line(where(header)), style="dim"), soft_wrap=True)
    for note in notes(run, summary):
        console.print(Text(one_line(note.text), style=_STYLES[note.level]), soft_wrap=True)
    console.print(Text(f"results: {directory}"), soft_wrap=True)


def _table(content: Content) -> Group:
    table = Table()
    small = [any(row[i].small for row in content.rows) for i in range(len(content.columns))]
    for column, has_small in zip(content.columns, small, strict=True):
        table.add_column(
            Text(column.label), justify="right" if column.numeric else "left", overflow="fold"
        )
        if has_small:
            table.add_column(Text("interval" if "÷" in column.label else "rounds"), justify="right")
    for row in content.rows:
        table.add_row(*_cells(row, content.columns, small))
    return Group(table, Text(one_line(content.caption), style="dim"))


def _cells(row: Sequence[Entry], columns: Sequence[Column], small: Sequence[bool]) -> list[Text]:
    cells = []
    for entry, _, has_small in zip(row, columns, small, strict=True):
        style = {"best": "bold green", "failed": "red"}.get(entry.mark, "")
        cells.append(Text(one_line(entry.text), style=style))
        if has_small:
            cells.append(Text(one_line(entry.small), style="dim"))
    return cells
