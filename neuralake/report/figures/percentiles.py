"""Percentile curves: how slow the slowest are, in front of all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neuralake.report.figures.chart import Sheet
from neuralake.report.figures.latency import BODY_IN, LEFT_IN, RIGHT_IN, label_x, latency_axis
from neuralake.report.figures.palette import GRID, Mark
from neuralake.stats.percentiles import LEAST_BEYOND, can_tell, percentiles

_POINTS = 200
_LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Curve:
    """What one curve shows.

    Attributes
    ----------
    mark
        How it is drawn.
    latency_ms
        Of each that came to an end, in any order, of shape (n,).
    unended
        How many never did.
    """

    mark: Mark
    latency_ms: npt.NDArray[np.float64]
    unended: int = 0


def percentile_sheet(title: str, curves: Sequence[Curve]) -> Sheet:
    """Latency over percentiles, both on logarithmic axes: each decade of nines has its room."""
    sheet = Sheet(title, [curve.mark for curve in curves], BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    drawn: list[float] = []
    most = 1
    for number, curve in enumerate(curves):
        ordered = np.sort(curve.latency_ms)
        count = ordered.size + curve.unended
        least_share = LEAST_BEYOND / count if count else 1.0
        if least_share >= 0.5:
            continue
        shares = np.geomspace(0.5, least_share, _POINTS)
        ranks = np.ceil(count * (1 - shares) - 1e-9).astype(int) - 1
        known = ranks < ordered.size
        values = ordered[ranks[known]]
        style = _LINES[number % len(_LINES)]
        axes.plot(shares[known], values, color=curve.mark.colour, linewidth=1.4, linestyle=style)
        found = percentiles(ordered, unended=curve.unended)
        points = [(1 - float(v) / 100, ms) for v, ms in found.items() if math.isfinite(ms)]
        if points:
            axes.plot(*zip(*points, strict=True), label=curve.mark.label, **curve.mark.points())
        drawn += [float(values.min()), float(values.max())] if values.size else []
        most = max(most, count)
    latency_axis(axes, drawn)
    axes.set_xscale("log")
    told = [level for level in ("50", "90", "99", "99.9", "99.99") if can_tell(most, level)]
    axes.set_xlim(0.55, max(LEAST_BEYOND / most, 1e-7) / 1.15)
    axes.set_xticks([1 - float(level) / 100 for level in told], [f"p{level}" for level in told])
    axes.minorticks_off()
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    label_x(axes, "percentile (each decade of the rest has the same room)")
    return sheet
