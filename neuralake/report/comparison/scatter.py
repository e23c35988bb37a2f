"""A scatter plot: the change of counted work of each query against its change of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuralake.report import numbers
from neuralake.report.comparison.beside import Beside, correlation
from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import FASTER, GRID, INK, MUTED, SLOWER, UNCHANGED
from neuralake.report.footnote import footnote
from neuralake.report.text import one_line, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NARROW_IN = 3.2
_SIDE_IN = 0.62
_LEAST_REACH = math.log(1.03)
_GREATEST = math.log(4)
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def scatter(
    engine: str, pairs: Sequence[Beside], number: int, workload: str, *, narrow: bool = False
) -> Drawing:
    """A cross a query, as wide and as high as its intervals; on the diagonal both agree.

    Both axes are logarithmic, labelled in percent, and the same. Only queries of which time and
    count disagree are named.

    Parameters
    ----------
    engine
        Its name.
    pairs
        Its queries, one or more.
    number
        Of the engine, from 1.
    workload
        For the footnote.
    narrow
        Whether it is for a phone.
    """
    width = _NARROW_IN if narrow else WIDTH_IN
    sheet = Sheet(
        f"{short(engine)}: change of wall time against change of instructions",
        (),
        width - _SIDE_IN - 0.2,
        footnote(workload),
        width_in=width,
    )
    axes = sheet.axes(_SIDE_IN, 0.2)
    reach = _reach(pairs)
    _frame(axes, reach)
    for pair in pairs:
        _cross(axes, pair, reach)
    apart = [pair for pair in pairs if pair.disagrees]
    alike = correlation(pairs)
    shown = numbers.decimal(alike).replace("-", numbers.MINUS)
    told = "" if alike is None else f" Their correlation is {shown}."
    named = ", ".join(short(pair.query or "") for pair in apart) or "none"
    return Drawing(
        f"scatter-{number}{'-narrow' if narrow else ''}",
        f"Scatter plot of {one_line(engine)}: change of wall time against that of instructions, of "
        f"{numbers.count(len(pairs), 'query', 'queries')}; numbers in the table. "
        f"Beyond their intervals disagree: {one_line(named)}.",
        "To the right is more work, upwards slower; on the diagonal the time follows the work. A "
        "cross is a query, as wide and as high as its intervals of 95 %, grey where they meet the "
        f"diagonal's.{told} Beyond their intervals disagree: {named}.",
        sheet.figure,
    )


def _reach(pairs: Sequence[Beside]) -> float:
    """How far both axes go to both sides: intervals that go further are clipped."""
    points = [
        abs(math.log(change.ratio))
        for pair in pairs
        for change in (pair.counted, pair.timed)
        if change.ratio is not None
    ]
    return min(max(1.25 * max(points, default=0.0), _LEAST_REACH), _GREATEST)


def _frame(axes: Axes, reach: float) -> None:
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    step = next((s for s in _STEPS if math.log1p(s) >= reach / 4), _STEPS[-1])
    high = math.expm1(reach)
    upper = [n * step for n in range(1, 5) if n * step <= high]
    ticks = [*(-t for t in upper[::-1] if t < 1 and math.log1p(-t) >= -reach), 0.0, *upper]
    places = [math.log1p(tick) for tick in ticks]
    labels = [
        f"{'+' if tick > 0 else numbers.MINUS if tick < 0 else ''}{abs(tick) * 100:.3g}"
        for tick in ticks
    ]
    axes.set_xticks(places, labels)
    axes.set_yticks(places, labels)
    axes.grid(color=GRID, linewidth=0.7)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.plot([-reach, reach], [-reach, reach], color=MUTED, linewidth=0.8, linestyle="--")
    axes.set_xlabel("change of instructions, %", size=8, color=MUTED, labelpad=4)
    axes.set_ylabel("change of wall time, %", size=8, color=MUTED, labelpad=4)


def _cross(axes: Axes, pair: Beside, reach: float) -> None:
    counted, timed = pair.counted, pair.timed
    if counted.ratio is None or timed.ratio is None:
        return
    x, y = (max(-reach, min(math.log(r), reach)) for r in (counted.ratio, timed.ratio))
    colour = UNCHANGED
    if pair.disagrees:
        colour = SLOWER if timed.ratio > counted.ratio else FASTER
    if counted.low is not None and counted.high is not None:
        axes.hlines([y], [math.log(counted.low)], [math.log(counted.high)], color=colour, lw=1.1)
    if timed.low is not None and timed.high is not None:
        axes.vlines([x], [math.log(timed.low)], [math.log(timed.high)], color=colour, lw=1.1)
    said = "disagrees" if pair.disagrees else "agrees"
    label = f"{one_line(pair.query or 'suite')}: {said}"
    axes.plot([x], [y], marker="o", markersize=3, color=colour, linestyle="none", label=label)
    if pair.disagrees:
        axes.annotate(
            short(pair.query or "suite"),
            (x, y),
            xytext=(4, 3),
            textcoords="offset points",
            size=6.8,
            color=INK,
        )
