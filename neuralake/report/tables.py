"""A table, apart from how it is written: as HTML, or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """One cell of a table.

    Attributes
    ----------
    text
        What is shown.
    value
        What it is sorted by; None is always last in a column of numbers.
    small
        A second, smaller text, such as an interval.
    mark
        ``best`` of its row, or ``failed``; of a verdict ``good``, ``bad`` or ``open``.
    """

    text: str
    value: float | None = None
    small: str = ""
    mark: Literal["", "best", "failed", "good", "bad", "open"] = ""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes
    ----------
    label
        Above it.
    numeric
        Whether it holds numbers.
    small
        What the smaller texts of its entries are, where the terminal has them in a column.
    """

    label: str
    numeric: bool = True
    small: str = ""


def text_columns(*labels: str) -> tuple[Column, ...]:
    """Columns that hold no numbers."""
    return tuple(Column(label, numeric=False) for label in labels)


@dataclass(frozen=True)
class Table:
    """A table with a heading, one row a thing, and perhaps rows that add up.

    Attributes
    ----------
    name
        By which programs find it in the page.
    caption
        What it shows, with the unit.
    columns
        The first one labels the rows.
    rows, foot
        Entries in the order of the columns.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]
    foot: tuple[tuple[Entry, ...], ...] = ()
