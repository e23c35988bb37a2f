"""A run of serving as tables in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from neuralake.report.serving.notes import notes
from neuralake.report.serving.tables import (
    capacity_table,
    kinds_table,
    latency_table,
    resources_table,
    saturation_table,
)
from neuralake.report.serving.words import load_in_words
from neuralake.report.terminal import print_notes, terminal_table
from neuralake.report.text import one_line
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import ServingSummary


def print_serving(
    run: ServingRun, summary: ServingSummary, console: Console, directory: Path
) -> None:
    """Print the tables, what went wrong, and where everything lies."""
    unfinished = "" if run.finished_at else " (not finished)"
    title = f"serving: {load_in_words(run.header.load)}{unfinished}"
    console.print(Text(one_line(title), style="bold"), soft_wrap=True)
    for content in (
        capacity_table(run),
        latency_table(summary),
        kinds_table(summary),
        saturation_table(summary),
        resources_table(summary),
    ):
        if content is not None:
            console.print(terminal_table(content))
    print_notes(notes(run, summary), console)
    console.print(Text(f"results: {directory}"), soft_wrap=True)
