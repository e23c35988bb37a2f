"""A run of streams as tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from neuralake.report.streams.notes import notes
from neuralake.report.streams.tables import latency_table, metrics_table, phases_table
from neuralake.report.streams.words import load_in_words
from neuralake.report.terminal import print_notes, terminal_table
from neuralake.report.text import one_line
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def print_streams(
    run: StreamsRun, summary: StreamsSummary, console: Console, directory: Path
) -> None:
    """Print the tables, what went wrong, and where everything lies."""
    unfinished = "" if run.finished_at else " (not finished)"
    title = f"streams: {load_in_words(run.header)}{unfinished}"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for content in (
        metrics_table(run, summary),
        phases_table(run, summary),
        latency_table(run, summary),
    ):
        if content is not None and content.rows:
            console.print(terminal_table(content))
    print_notes(notes(run, summary), console)
    console.print(Text(f"results: {directory}"), soft_wrap=True)
