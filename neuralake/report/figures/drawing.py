"""A figure with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuralake.report.figures.chart import MOST_ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure with its words.

    Attributes
    ----------
    name
        Of its files and of its anchor in the page.
    description
        What is seen, for those who do not see it.
    caption
        What the figure leaves out, and how it is read.
    figure
        The figure itself.
    """

    name: str
    description: str
    caption: str
    figure: Figure


def cut(queries: Sequence[str]) -> tuple[Sequence[str], str]:
    """The queries that are drawn, and a sentence if they are not all."""
    if len(queries) <= MOST_ROWS:
        return queries, ""
    return (
        queries[:MOST_ROWS],
        f" The first {MOST_ROWS} of {len(queries)} queries are drawn; the table has all.",
    )
