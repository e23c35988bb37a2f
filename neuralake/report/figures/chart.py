"""The charts of a report: a sheet of fixed width, and a chart with one row a query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuralake.report.figures.palette import BAND, FAILED, GRID, INK, MUTED, Mark
from neuralake.report.text import one_line, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 4.6
MOST_ROWS = 100
CHARACTER_IN = 0.07
_MARGIN_IN = 0.14
_LINE_IN = 0.19
_FOOT_LINE_IN = 0.14
_STEP_IN = 0.078
_MOST_ROW_IN = 0.5


class Sheet:
    """A figure of a given width: title, legend, room for axes, footnote.

    Parameters
    ----------
    title
        What is seen, with the unit.
    legend
        Marks that it explains.
    body_in
        Height of the room for axes, in inches.
    footnote
        At the lower edge.
    axis_in
        Height below the axes for their labels, in inches.
    width_in
        Width of the figure, in inches.
    """

    def __init__(
        self,
        title: str,
        legend: Sequence[Mark],
        body_in: float,
        footnote: str | None = None,
        axis_in: float = 0.46,
        width_in: float = WIDTH_IN,
    ) -> None:
        from matplotlib.figure import Figure

        self._width = width_in
        lines = _wrapped(one_line(title), int(54 * width_in / WIDTH_IN))
        columns, rows = _legend_grid(legend, width_in)
        top = _MARGIN_IN + _LINE_IN * (len(lines) + rows) + (0.12 if rows else 0.06)
        foot = _wrapped(one_line(footnote), int(80 * width_in / WIDTH_IN)) if footnote else []
        bottom = axis_in + (0.06 + _FOOT_LINE_IN * len(foot) if foot else 0.04)
        self._height = top + body_in + bottom
        self._bottom, self._body_in = bottom, body_in
        self.figure: Figure = Figure(figsize=(width_in, self._height), facecolor="none")
        for number, line in enumerate(lines):
            y = 1 - (_MARGIN_IN + _LINE_IN * number) / self._height
            x = _MARGIN_IN / width_in
            self.figure.text(x, y, line, size=9.5, weight="bold", color=INK, va="top")
        if rows:
            self._legend(legend, columns, _MARGIN_IN + _LINE_IN * len(lines))
        for number, line in enumerate(reversed(foot)):
            x = _MARGIN_IN / width_in
            y = (0.07 + _FOOT_LINE_IN * number) / self._height
            self.figure.text(x, y, line, size=7, color=MUTED, va="bottom")

    def axes(self, left_in: float, right_in: float) -> Axes:
        """Axes over the whole body, between two margins in inches."""
        return self.box(left_in, 0, self._width - left_in - right_in, self._body_in)

    def box(self, left_in: float, below_in: float, width_in: float, height_in: float) -> Axes:
        """Axes in a part of the body; ``below_in`` counts from its lower edge."""
        axes = self.figure.add_axes(
            (
                left_in / self._width,
                (self._bottom + below_in) / self._height,
                width_in / self._width,
                height_in / self._height,
            )
        )
        axes.set_facecolor("none")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0, labelsize=8, labelcolor=INK, colors=GRID, pad=4)
        axes.set_axisbelow(True)
        return axes

    def _legend(self, marks: Sequence[Mark], columns: int, below_top_in: float) -> None:
        from matplotlib.lines import Line2D

        legend = self.figure.legend(
            handles=[Line2D([], [], **mark.points()) for mark in marks],
            labels=[mark.label for mark in marks],
            ncols=columns,
            loc="upper left",
            bbox_to_anchor=((_MARGIN_IN - 0.03) / self._width, 1 - below_top_in / self._height),
            frameon=False,
            borderpad=0.25,
            borderaxespad=0,
            handlelength=1.1,
            handletextpad=0.4,
            columnspacing=1.4,
            labelspacing=0.35,
            fontsize=8,
            labelcolor=INK,
        )
        legend.set_zorder(5)


@dataclass(frozen=True)
class Rows:
    """A chart with one row a query and the engines side by side within it.

    Attributes
    ----------
    sheet
        The figure.
    axes
        Whose y axis counts queries downwards from 0.
    offsets
        Where in a row each engine lies.
    width_in
        Width of the axes, in inches.
    """

    sheet: Sheet
    axes: Axes
    offsets: tuple[float, ...]
    width_in: float

    def place(self, row: int, engine: int) -> float:
        """The y coordinate of an engine in a row."""
        return row + self.offsets[engine]

    def points(
        self, found: Sequence[tuple[float, float]], mark: Mark, *, hollow: bool = False
    ) -> None:
        """Draw the points of one engine: y coordinate and value of each."""
        values, places = [value for _, value in found], [y for y, _ in found]
        self.axes.plot(values, places, label=mark.label, **mark.points(hollow=hollow))

    def spans(self, found: Sequence[tuple[float, float, float]], mark: Mark) -> None:
        """Draw the lines of one engine: y coordinate and both ends of each."""
        places, lows, highs = ([span[i] for span in found] for i in range(3))
        self.axes.hlines(places, lows, highs, color=mark.colour, linewidth=1.3)

    def fail(self, row: int, engine: int, mark: Mark, status: str) -> None:
        """Say at the right of a row that there is no valid number, and why."""
        y = self.place(row, engine)
        transform = self.axes.get_yaxis_transform()
        self.axes.plot(
            [1 + 0.07 / self.width_in],
            [y],
            marker=FAILED,
            markersize=4.5,
            markeredgewidth=1.4,
            color=mark.colour,
            linestyle="none",
            transform=transform,
            clip_on=False,
            label=f"{mark.label}: {status}",
        )
        x = 1 + 0.15 / self.width_in
        self.axes.text(x, y, status, size=7, color=INK, va="center_baseline", transform=transform)


def row_chart(
    title: str,
    queries: Sequence[str],
    by_engine: Mapping[str, Mark],
    *,
    label: str,
    footnote: str | None = None,
    failures: bool = False,
) -> Rows:
    """An empty chart: bands, labels and margins.

    Parameters
    ----------
    title, footnote
        As of :class:`Sheet`.
    queries
        Labels of the rows, from above.
    by_engine
        The mark of each engine; all share a row.
    label
        Of the x axis.
    failures
        Whether room is kept at the right for failures.
    """
    engines = len(by_engine)
    step_in = min(_STEP_IN, _MOST_ROW_IN / max(engines, 1))
    row_in = max(0.2, step_in * engines + 0.09)
    sheet = Sheet(title, tuple(by_engine.values()), row_in * max(len(queries), 1), footnote)
    names = [short(query) for query in queries]
    left_in = 0.24 + CHARACTER_IN * max(map(len, names), default=1)
    right_in = 0.72 if failures else 0.2
    axes = sheet.axes(left_in, right_in)
    axes.set_ylim(max(len(queries), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_xlabel(label, size=8, color=MUTED, labelpad=4)
    for row in range(0, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, facecolor=BAND, linewidth=0, zorder=0)
    step = step_in / row_in if engines > 1 else 0
    offsets = tuple((index - (engines - 1) / 2) * step for index in range(engines))
    return Rows(sheet, axes, offsets, WIDTH_IN - left_in - right_in)


def log_axis(axes: Axes, values: Sequence[float], *, unit: str = "") -> None:
    """A logarithmic x axis over some positive values, with few and plain ticks."""
    low, high = limits(values)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = log_ticks(low, high)
    axes.set_xticks(ticks, [f"{tick:,.10g}{unit}" for tick in ticks])
    axes.minorticks_off()


def limits(values: Sequence[float], room: float = 0.06) -> tuple[float, float]:
    """Limits of a logarithmic axis: the values, and some room on both sides."""
    known = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.1, 1.0)
    factor = max((high / low) ** room, 1.15)
    return low / factor, high * factor


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``: decades, or 1-2-5 where those are few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in (
        (1,),
        (1, 3),
        (1, 2, 5),
        (1, 1.5, 2, 3, 5, 7),
        (1, 1.2, 1.4, 1.7, *range(2, 10)),
        tuple(range(10, 100)),
    ):
        scale = 10 if steps[0] == 10 else 1
        ticks = [step / scale * 10.0**decade for decade in decades for step in steps]
        ticks = [float(f"{tick:.12g}") for tick in ticks if low <= tick <= high]
        if len(ticks) >= 3:
            return ticks if len(ticks) <= 8 else ticks[:: math.ceil(len(ticks) / 8)]
    return [low, high]


def _legend_grid(legend: Sequence[Mark], width_in: float) -> tuple[int, int]:
    """Columns and rows that a legend needs."""
    if not legend:
        return 0, 0
    widest_in = 0.36 + CHARACTER_IN * max(len(mark.label) for mark in legend)
    columns = max(min(int((width_in - 2 * _MARGIN_IN) / widest_in), len(legend)), 1)
    return columns, math.ceil(len(legend) / columns)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width, max_lines=3, placeholder=" …") or [""]
