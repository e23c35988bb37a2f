"""A history as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from neuralake.history.records import History
from neuralake.report.history import words
from neuralake.report.text import one_line, short

_STYLES = {"regression": "red", "improvement": "green"}


def print_history(history: History, console: Console) -> None:
    """A table a benchmark with one row a change; then how all were tested."""
    names = words.labels(history.analysed, with_benchmark=False)
    console.print(Text(words.headline(history), style="bold"), soft_wrap=True)
    for benchmark in dict.fromkeys(a.series.key.benchmark for a in history.analysed if a.changes):
        table = Table(title=Text(one_line(benchmark)), title_justify="left")
        for column in ("series", "what", "size", "interval", "confidence", "commits"):
            table.add_column(column, no_wrap=column != "series")
        table.add_column("first seen at")
        for analysed in history.analysed:
            if analysed.series.key.benchmark != benchmark:
                continue
            for change in analysed.changes:
                table.add_row(
                    Text(one_line(names[analysed.series.key])),
                    Text(change.kind, style=_STYLES[change.kind]),
                    words.percent(change.ratio),
                    words.size_interval(change),
                    words.certainty(change),
                    words.commit_range(change),
                    Text(f"{change.after.short} {short(change.after.subject, 40)}"),
                )
        console.print(table)
    notes = [*words.how_tested(history), *words.left_out(history)]
    foot = words.disclaimer(history)
    for note in [*notes, *([foot] if foot else [])]:
        console.print(Text(one_line(note), style="dim"), soft_wrap=True)
