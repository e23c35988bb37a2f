"""A heat map: how many times the fastest engine's latency each engine takes."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from neuralake.report import numbers
from neuralake.report.figures.chart import CHARACTER_IN, WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing, cut
from neuralake.report.figures.palette import BAND, HEAT, INK, MUTED, SURFACE
from neuralake.report.footnote import footnote
from neuralake.report.run.headline import title
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = (1.1, 1.5, 2.0, 4.0, 8.0, 16.0)
_DARK_FROM = 4
_ROW_IN = 0.21
_KEY_IN = 0.5


def ratios(run: Run, summary: Summary) -> Drawing | None:
    """One row a query, one column an engine; None with fewer than two engines."""
    if len(summary.engines) < 2:
        return None
    queries, note = cut(summary.queries)
    names = [short(query) for query in queries]
    sheet = Sheet(
        f"{short(title(run), 32)}: latency ÷ the least of any engine",
        (),
        _ROW_IN * len(queries) + 0.24 + _KEY_IN,
        footnote(run.header.workload),
        axis_in=0.06,
    )
    left_in = 0.24 + CHARACTER_IN * max(map(len, names), default=1)
    width_in = WIDTH_IN - left_in - 0.16
    axes = sheet.box(left_in, _KEY_IN, width_in, _ROW_IN * len(queries))
    axes.set_xlim(-0.5, len(summary.engines) - 0.5)
    axes.set_ylim(len(queries) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    room = max(int(width_in / len(summary.engines) / CHARACTER_IN), 3)
    labels = [short(short(engine), room) for engine in summary.engines]
    axes.set_xticks(range(len(labels)), labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=INK)
    size = 7.5 if len(summary.engines) <= 10 else 5.5
    for row, query in enumerate(queries):
        best, fastest = summary.least(query), summary.fastest(query)
        for column, engine in enumerate(summary.engines):
            cell = summary.cells[query, engine]
            if cell.latency_s is None or not best:
                _tile(axes, column, row, BAND)
                axes.text(column, row, f"× {cell.status}", size=size, color=INK, **_CENTRE)
                continue
            ratio = cell.latency_s.median / best
            step = bisect_right(STEPS, ratio)
            _tile(axes, column, row, HEAT[step])
            colour = SURFACE if step >= _DARK_FROM else INK
            weight = "bold" if engine == fastest else "normal"
            text = numbers.times(ratio)
            axes.text(column, row, text, size=size, color=colour, weight=weight, **_CENTRE)
    _key(sheet, left_in, width_in)
    return Drawing(
        "ratios",
        f"Heat map of {len(queries)} queries and {len(summary.engines)} engines "
        f"({', '.join(summary.engines)}): latency divided by the least of any engine.",
        "In bold: an engine that is faster than every other beyond the noise of its runs; a cross "
        f"is no valid latency.{note}",
        sheet.figure,
    )


_CENTRE: dict[str, Any] = {"ha": "center", "va": "center_baseline"}


def _tile(axes: Axes, x: float, y: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=SURFACE, linewidth=1.2)
    )


def _key(sheet: Sheet, left_in: float, width_in: float) -> None:
    """The steps of colour, and what they mean."""
    axes = sheet.box(left_in, 0.2, width_in, 0.12)
    axes.set_xlim(-0.5, len(HEAT) - 0.5)
    axes.set_ylim(0.5, -0.5)
    axes.set_yticks([])
    for step, colour in enumerate(HEAT):
        _tile(axes, step, 0, colour)
    axes.set_xticks([x + 0.5 for x in range(len(STEPS))], [f"{step:g}" for step in STEPS])
    axes.tick_params(labelsize=7, labelcolor=MUTED, pad=2)
