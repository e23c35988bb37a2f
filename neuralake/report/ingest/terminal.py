"""A run of ingest as tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from neuralake.report.ingest.notes import notes
from neuralake.report.ingest.tables import (
    drift_table,
    freshness_table,
    latency_table,
    steps_table,
)
from neuralake.report.ingest.words import load_in_words
from neuralake.report.storage import storage_in_words
from neuralake.report.terminal import print_notes, terminal_table
from neuralake.report.text import one_line
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary


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
            console.print(terminal_table(content))
    console.print(Text(one_line(storage_in_words(header.storage)), style="dim"), soft_wrap=True)
    print_notes(notes(run, summary), console)
    console.print(Text(f"results: {directory}"), soft_wrap=True)
