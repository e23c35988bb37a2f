"""Rate against latency: up to which offered rate a percentile holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuralake.report.figures.chart import Sheet, log_axis
from neuralake.report.figures.latency import BODY_IN, LEFT_IN, RIGHT_IN, label_x, latency_axis
from neuralake.report.figures.palette import GRID, Mark


@dataclass(frozen=True)
class AtRate:
    """One point.

    Attributes
    ----------
    rate
        That was offered, a second.
    latency_ms
        The percentile; infinite where it lies among what never came to an end.
    lags
        Whether less was reached than was offered.
    """

    rate: float
    latency_ms: float
    lags: bool = False


def rates_sheet(title: str, label: str, lines: Sequence[tuple[Mark, Sequence[AtRate]]]) -> Sheet:
    """A percentile over the offered rate, on logarithmic axes: a line for each mark.

    Parameters
    ----------
    title
        What is seen, with the unit.
    label
        Of the x axis.
    lines
        Points of each mark, in any order; at least one.
    """
    sheet = Sheet(title, [mark for mark, _ in lines], BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    every = [point for _, points in lines for point in points]
    ends = [point.latency_ms for point in every if math.isfinite(point.latency_ms)]
    top = max(ends, default=1.0) * 2
    latency_axis(axes, [*ends, top])
    for mark, points in lines:
        own = sorted(points, key=lambda point: point.rate)
        kept = [point for point in own if math.isfinite(point.latency_ms)]
        if kept:
            places = [(point.rate, point.latency_ms) for point in kept]
            axes.plot(*zip(*places, strict=True), color=mark.colour, linewidth=1.2)
        for hollow in (False, True):
            some = [(p.rate, p.latency_ms) for p in kept if p.lags == hollow]
            if some:
                axes.plot(*zip(*some, strict=True), label=mark.label, **mark.points(hollow=hollow))
        lost = [point.rate for point in own if not math.isfinite(point.latency_ms)]
        if lost:
            axes.plot(lost, [top] * len(lost), color=mark.colour, marker="x", linestyle="none")
    log_axis(axes, [point.rate for point in every])
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    label_x(axes, label)
    return sheet
