"""A series: its values with intervals, the levels, and the changes between them."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from neuralake.history.records import Analysed, Change
from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import BETTER, GRID, INK, MUTED, WORSE, Mark
from neuralake.report.history.words import percent, value
from neuralake.report.numbers import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BODY_IN = 1.35
_LABELS_IN = 0.3
_MOST_TICKS = 6
_COLOURS = {"regression": WORSE, "improvement": BETTER}


def series_drawing(
    analysed: Analysed, name: str, label: str, mark: Mark, foot: str | None
) -> Drawing:
    """Draw one series.

    Parameters
    ----------
    analysed
        The series and its changes.
    name
        Of the figure.
    label
        Of the series.
    mark
        Of its engine.
    foot
        Last line of the figure.
    """
    series, points = analysed.series, analysed.series.points
    body_in = _BODY_IN + (_LABELS_IN if analysed.changes else 0)
    sheet = Sheet(f"{label} ({series.unit})", (), body_in, foot, axis_in=0.3)
    axes = sheet.box(0.62, 0, WIDTH_IN - 0.8, _BODY_IN)
    low, high = _limits(analysed)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.7, len(points) - 0.3)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.locator_params(axis="y", nbins=4)
    axes.yaxis.set_major_formatter(lambda y, _: value(y))
    step = max(math.ceil(len(points) / _MOST_TICKS), 1)
    shown = range(0, len(points), step)
    axes.set_xticks(shown, [points[i].commit.hash[:7] for i in shown])
    axes.tick_params(axis="x", labelsize=7, labelcolor=MUTED)
    for change in analysed.changes:
        _mark_change(axes, change, analysed)
    known = [(i, p.low, p.high) for i, p in enumerate(points) if p.low and p.high]
    axes.vlines(
        [i for i, _, _ in known],
        [max(bottom, low) for _, bottom, _ in known],
        [min(top, high) for _, _, top in known],
        color=mark.colour,
        linewidth=1,
    )
    dots = mark.points() | {"markersize": 3.8 if len(points) <= 60 else 2.4}
    axes.plot(range(len(points)), [p.value for p in points], **dots)
    for start, stop in _levels(analysed):
        level = median(p.value for p in points[start:stop])
        axes.hlines(level, start - 0.5, stop - 0.5, color=INK, linewidth=1.4, zorder=1.9)
    return Drawing(name, _description(analysed, label), _caption(analysed), sheet.figure)


def _mark_change(axes: Axes, change: Change, analysed: Analysed) -> None:
    """A line at the best estimate, a band over its interval, and the size above."""
    places = {p.commit.hash: i for i, p in enumerate(analysed.series.points)}
    since, until = places[change.since.hash], places[change.until.hash]
    axes.axvspan(since + 0.5, until - 0.5, facecolor=GRID, linewidth=0, zorder=0)
    colour = _COLOURS[change.kind]
    axes.axvline(change.index - 0.5, color=colour, linewidth=1.1, dashes=(4, 2), zorder=1)
    last = len(analysed.series.points) - 1
    left, right = change.index < 0.12 * last, change.index > 0.88 * last
    axes.annotate(
        percent(change.ratio),
        (change.index - 0.5, 1),
        (0, 3 + 9 * (_number(change, analysed) % 2)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        size=7.5,
        weight="bold",
        color=colour,
        ha="left" if left else "right" if right else "center",
        annotation_clip=False,
    )


def _number(change: Change, analysed: Analysed) -> int:
    return analysed.changes.index(change)


def _levels(analysed: Analysed) -> list[tuple[int, int]]:
    """First and last + 1 of the points at each level."""
    bounds = [0, *(c.index for c in analysed.changes), len(analysed.series.points)]
    return list(pairwise(bounds))


def _limits(analysed: Analysed) -> tuple[float, float]:
    """Limits of the y axis: all values, and intervals as far as they do not dwarf them."""
    points = analysed.series.points
    values = [p.value for p in points]
    least, most = min(values), max(values)
    room = max(most - least, 0.02 * most)
    low = min(least, max(min((p.low for p in points if p.low), default=least), least - room))
    high = max(most, min(max((p.high for p in points if p.high), default=most), most + room))
    pad = max(high - low, 0.02 * high) * 0.08
    return low - pad, high + pad


def _description(analysed: Analysed, label: str) -> str:
    changes = [
        f"{change.kind} of {percent(change.ratio)} at {change.after.short}"
        for change in analysed.changes
    ]
    said = "; ".join(changes) or "no change"
    return f"{label} at {count(len(analysed.series.points), 'commit')}: {said}."


def _caption(analysed: Analysed) -> str:
    series = analysed.series
    better = "more" if series.higher_is_better else "less"
    commits = f"{count(len(series.points), 'commit')}, oldest first; {better} is better."
    anchor = f" Ratio to {series.anchor}." if series.anchor else ""
    short = "" if analysed.is_testable else " Too few commits to be tested."
    return commits + anchor + short
