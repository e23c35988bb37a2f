"""Tables and notes as they are printed in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neuralake.report.notes import Note
from neuralake.report.tables import Column, Entry
from neuralake.report.tables import Table as Content
from neuralake.report.text import one_line

_STYLES = {"error": "red", "warning": "yellow", "info": ""}


def print_notes(notes: Iterable[Note], console: Console) -> None:
    """A line for each note, in the colour of its level."""
    for note in notes:
        console.print(Text(one_line(note.text), style=_STYLES[note.level]), soft_wrap=True)


def terminal_table(content: Content) -> Group:
    """A table as rich prints it; smaller texts get a column of their own."""
    table = Table()
    small = [any(row[i].small for row in content.rows) for i in range(len(content.columns))]
    for column, has_small in zip(content.columns, small, strict=True):
        table.add_column(
            Text(column.label), justify="right" if column.numeric else "left", overflow="fold"
        )
        if has_small:
            table.add_column(
                Text(column.small or ("interval" if "÷" in column.label else "rounds")),
                justify="right",
            )
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
