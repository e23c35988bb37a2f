"""A run of freshness as tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from neuralake.report.freshness import tables
from neuralake.report.freshness.notes import notes
from neuralake.report.freshness.words import load_in_words
from neuralake.report.storage import storage_in_words
from neuralake.report.terminal import print_notes, terminal_table
from neuralake.report.text import one_line
from neuralake.results.freshness.records import FreshnessRun
from neuralake.results.freshness.summary import FreshnessSummary


def print_freshness(
    run: FreshnessRun, summary: FreshnessSummary, console: Console, directory: Path
) -> None:
    """Print the tables, what went wrong, and where everything lies."""
    header = run.header
    unfinished = "" if run.finished_at else " (not finished)"
    title = f"freshness: {load_in_words(header.load)}{unfinished}"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for content in (
        tables.visibility_table(run, summary),
        tables.answers_table(summary),
        tables.frontier_table(summary),
        tables.flat_table(summary),
        tables.stages_table(summary),
        tables.processes_table(summary),
    ):
        if content is not None:
            console.print(terminal_table(content))
    console.print(Text(one_line(storage_in_words(header.storage)), style="dim"), soft_wrap=True)
    print_notes(notes(run, summary), console)
    console.print(Text(f"results: {directory}"), soft_wrap=True)
