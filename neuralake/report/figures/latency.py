"""What figures of latency share: a logarithmic y axis of milliseconds, and margins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuralake.report.figures.chart import limits, log_ticks
from neuralake.report.figures.palette import GRID, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BODY_IN = 2.1
LEFT_IN, RIGHT_IN = 0.55, 0.2


def latency_axis(axes: Axes, values: Sequence[float], most_ticks: int = 8) -> None:
    """A logarithmic y axis over some latencies in milliseconds, with few and plain ticks."""
    low, high = limits(values)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = log_ticks(low, high)
    ticks = ticks[:: math.ceil(len(ticks) / most_ticks)]
    axes.set_yticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color=GRID, linewidth=0.7)


def label_x(axes: Axes, text: str) -> None:
    """The label below."""
    axes.set_xlabel(text, size=8, color=MUTED, labelpad=4)
