"""A history as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralake.history import words
from neuralake.history.records import History
from neuralake.report.text import one_line, short

_STYLES = {"regression": "red", "improvement": "green"}


def print_history(history: History, console: Console) -> None:
    """One row a change, in the order of series and commits; then how it was tested."""
    names = words.labels(history.analysed)
    changes = [(a, change) for a in history.analysed for change in a.changes]
    console.print(Text(words.headline(history), style="bold"), soft_wrap=True)
    if changes:
        table = Table()
        for column in ("series", "what", "size", "interval", "commits", "first seen at", "conf."):
            table.add_column(column, overflow="fold")
        for analysed, change in changes:
            table.add_row(
                Text(one_line(names[analysed.series.key])),
                Text(change.kind, style=_STYLES[change.kind]),
                words.percent(change.ratio),
                words.size_interval(change),
                words.commit_range(change),
                Text(f"{change.after.short} {short(change.after.subject, 30)}"),
                words.certainty(change),
            )
        console.print(table)
    notes = [*words.how_tested(history), *words.left_out(history)]
    foot = words.disclaimer(history)
    for note in [*notes, *([foot] if foot else [])]:
        console.print(Text(one_line(note), style="dim"), soft_wrap=True)
