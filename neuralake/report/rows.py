"""Rows in a terminal of any width: no number and no name of a thing is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# What the box adds to a row of n columns: two spaces a column, what stands between, both ends.
_PER_COLUMN = 3
_ENDS = 1
_LONGEST_WORD_KEPT = 40


@dataclass(frozen=True)
class Column:
    """A column of such rows.

    Attributes
    ----------
    name
        Its heading.
    is_whole
        Whether a value is shown in one piece (a number, an id), and not folded.
    is_right
        Whether values are flush right.
    """

    name: str
    is_whole: bool = False
    is_right: bool = False


def print_rows(columns: Sequence[Column], rows: Iterable[Sequence[Text]], console: Console) -> None:
    """Print rows as a table; where it does not fit, with text folded; else a value a line.

    Parameters
    ----------
    columns
        One a value of each row.
    rows
        Values in one line each, harmless for a terminal.
    console
        Says how wide the table may be.
    """
    shown = [tuple(row) for row in rows]
    widths = _widths(columns, shown, console.width - _ENDS - _PER_COLUMN * len(columns))
    if widths is None:
        _print_values(columns, shown, console)
        return
    table = Table(box=box.SIMPLE_HEAD)
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.is_right else "left"
        table.add_column(Text(column.name), justify=justify, width=width, overflow="fold")
    for row in shown:
        table.add_row(*row)
    console.print(table)


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], available: int
) -> list[int] | None:
    """Width of each column within what is available, or None if something would have to be cut."""
    cells = [[Text(c.name), *(row[i] for row in rows)] for i, c in enumerate(columns)]
    natural = [max(cell.cell_len for cell in column) for column in cells]
    widths = [
        most if column.is_whole else min(most, _longest_word(texts))
        for column, most, texts in zip(columns, natural, cells, strict=True)
    ]
    left = available - sum(widths)
    if left < 0:
        return None
    # What is left goes to the columns of text evenly, but to none more than it can use
    wanting = sorted(range(len(widths)), key=lambda i: natural[i] - widths[i])
    for position, i in enumerate(wanting):
        more = min(natural[i] - widths[i], left // (len(wanting) - position))
        widths[i] += more
        left -= more
    return widths


def _longest_word(texts: Iterable[Text]) -> int:
    words = (Text(word).cell_len for text in texts for word in text.plain.split())
    return min(_LONGEST_WORD_KEPT, max(words, default=0))


def _print_values(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], console: Console
) -> None:
    """A line a value; the terminal itself folds those that are longer than it is wide."""
    indent = max(Text(column.name).cell_len for column in columns) + 2
    if not rows:
        names = ", ".join(column.name for column in columns)
        console.print(Text(f"{names}: no rows"), soft_wrap=True)
    for number, row in enumerate(rows, start=1):
        console.print(Text(f"── {number} ──", style="dim"), soft_wrap=True)
        for column, value in zip(columns, row, strict=True):
            name = Text(column.name)
            name.pad_right(indent - name.cell_len)
            console.print(name + value, soft_wrap=True)
