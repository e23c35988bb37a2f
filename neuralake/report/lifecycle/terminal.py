"""A run of lifecycle as tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from neuralake.report.lifecycle import tables
from neuralake.report.lifecycle.notes import notes
from neuralake.report.lifecycle.words import load_in_words
from neuralake.report.terminal import print_notes, terminal_table
from neuralake.report.text import one_line
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.summary import LifecycleSummary


def print_lifecycle(
    run: LifecycleRun, summary: LifecycleSummary, console: Console, directory: Path
) -> None:
    """Print the tables, what went wrong, and where everything lies."""
    unfinished = "" if run.finished_at else " (not finished)"
    title = f"life cycle: {load_in_words(run.header)}{unfinished}"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for content in (
        tables.phases_table(summary),
        tables.supports_table(run, summary),
        tables.writing_table(summary),
        tables.maintenance_table(summary),
        tables.interference_table(summary),
        tables.degradation_table(summary),
    ):
        if content is not None and content.rows:
            console.print(terminal_table(content))
    print_notes(notes(run, summary), console)
    console.print(Text(f"results: {directory}"), soft_wrap=True)
