"""A forest plot: the change of the suite and of each query, with intervals, around no change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuralake.report import numbers
from neuralake.report.comparison import verdicts
from neuralake.report.comparison.measure import Measure, measure_of
from neuralake.report.figures.chart import CHARACTER_IN, WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing, cut
from neuralake.report.figures.palette import (
    EFFECT,
    FASTER,
    GRID,
    INCONCLUSIVE,
    INK,
    MUTED,
    SLOWER,
    SURFACE,
    UNCHANGED,
)
from neuralake.report.footnote import footnote
from neuralake.report.text import one_line, short
from neuralake.results.comparison import Change, Comparison, EngineComparison, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_IN = 0.2
_GAP = 0.35
_NUMBERS_IN = 1.2
_VERDICT_IN = 0.94
_NARROW_IN = 3.2
_TICK_IN = 0.3
_BELOW = 0.3
_EDGE = 0.98
_GREATEST = math.log(4)
_LEAST_SIZE, _MOST_SIZE = 2.6, 6.4
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_COLOURS: dict[Verdict, str] = {
    "slower": SLOWER,
    "faster": FASTER,
    "unchanged": UNCHANGED,
    "more work": SLOWER,
    "less work": FASTER,
    "same work": UNCHANGED,
    "inconclusive": INCONCLUSIVE,
    "wrong": SLOWER,
    "failed": SLOWER,
}


def forest(
    comparison: Comparison, engine: EngineComparison, number: int, *, narrow: bool = False
) -> Drawing:
    """The suite as a diamond on top, and each query as a square below; slower is to the right.

    The axis is that of the logarithm of the ratio, labelled in percent, and symmetric: half the
    time is as far from no change as twice the time. All engines of a comparison have the same.

    Parameters
    ----------
    comparison
        Of which it is a part.
    engine
        Whose changes are drawn.
    number
        Of the engine, from 1.
    narrow
        Whether it is for a phone: without the numbers, which the table has, and so with words that
        can be read there.
    """
    width, numbers_in = (_NARROW_IN, 0.0) if narrow else (WIDTH_IN, _NUMBERS_IN)
    measure = measure_of(comparison.by)
    _, note = cut([change.query or "" for change in engine.queries])
    suite, *queries = _drawn(engine)
    sheet = Sheet(
        f"{short(engine.engine)}: {measure.name}, candidate against base",
        (),
        _ROW_IN * (len(queries) + 1 + _GAP),
        footnote(comparison.workload),
        width_in=width,
    )
    names = ["suite", *(short(change.query or "") for change in queries)]
    left_in = 0.24 + CHARACTER_IN * max(map(len, names))
    axes = sheet.axes(left_in, numbers_in + _VERDICT_IN)
    bands = (math.log1p(comparison.effect), math.log1p(comparison.query_effect))
    reach = max(_reach(_drawn(each), max(bands)) for each in comparison.engines)
    width_in = width - left_in - numbers_in - _VERDICT_IN
    _frame(axes, names, reach, width_in, measure)
    _bands(axes, bands, len(queries))
    greatest = max((p for q in queries if (p := _precision(q)) is not None), default=None)
    for row, change in enumerate((suite, *queries)):
        y = _place(row)
        if change.query is None:
            _diamond(axes, change, y, reach)
        else:
            _square(axes, change, y, reach, greatest)
        _words(axes, change, y, width_in, numbers_in)
    said = verdicts.line(engine, suite)
    clipped = " An arrow: the interval goes on." if _is_clipped((suite, *queries), reach) else ""
    return Drawing(
        f"forest-{number}{'-narrow' if narrow else ''}",
        f"Forest plot of {engine.engine}: change of {measure.name} of the suite and "
        f"of {len(queries)} queries, with intervals; numbers in the table. {one_line(said)}.",
        f"Right is {measure.worse}. The diamond is the suite, as wide as its interval of 95 %; a "
        "square is a query, the larger the more precisely it is known, and hollow where nothing is "
        f"decided. The dot below is {measure.beside}. Shaded: changes that do not matter, "
        f"±{numbers.percent(comparison.effect)} of the suite and "
        f"±{numbers.percent(comparison.query_effect)} of a query.{clipped}{note}",
        sheet.figure,
    )


def _drawn(engine: EngineComparison) -> tuple[Change, ...]:
    """The suite and the queries of an engine that have a row."""
    kept, _ = cut([change.query or "" for change in engine.queries])
    return (verdicts.suite(engine), *engine.queries[: len(kept)])


def _place(row: int) -> float:
    """The y coordinate of a row: the suite stands apart from the queries."""
    return row if row == 0 else row + _GAP


def _logs(change: Change) -> tuple[float, float | None, float | None] | None:
    if change.ratio is None:
        return None
    low, high = (None if x is None else math.log(x) for x in (change.low, change.high))
    return math.log(change.ratio), low, high


def _reach(changes: Sequence[Change], band: float) -> float:
    """How far the axis goes to both sides: intervals that go much further are clipped."""
    known = [logs for change in changes if (logs := _logs(change)) is not None]
    points = max((abs(point) for point, _, _ in known), default=0.0)
    ends = max((abs(end) for logs in known for end in logs if end is not None), default=0.0)
    wanted = min(ends * 1.06, max(3 * band, 1.5 * points))
    return min(max(1.8 * band, wanted, 1.12 * points), _GREATEST)


def _frame(
    axes: Axes, names: Sequence[str], reach: float, width_in: float, measure: Measure
) -> None:
    axes.set_xlim(-reach, reach)
    axes.set_ylim(_place(len(names) - 1) + 0.5, -0.5)
    axes.set_yticks([_place(row) for row in range(len(names))], names)
    axes.get_yticklabels()[0].set_fontweight("bold")
    ticks = _ticks(reach, width_in)
    axes.set_xticks([math.log1p(tick) for tick in ticks], [_tick_label(tick) for tick in ticks])
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.axvline(0, color=MUTED, linewidth=1)
    axes.axhline(0.5 + _GAP / 2, color=GRID, linewidth=1)
    label = f"← {measure.better} · change of {measure.name}, % · {measure.worse} →"
    axes.set_xlabel(label, size=8, color=MUTED, labelpad=4)


def _ticks(reach: float, width_in: float) -> list[float]:
    """Changes in steps of round percents, as many as have room; 0 among them.

    On a logarithmic axis the greatest are the closest: some of them are left out.
    """
    low, high = math.expm1(-reach), math.expm1(reach)
    inches = width_in / (2 * reach)
    for step in (percents / 100 for percents in _STEPS):
        if math.log1p(step) * inches < _TICK_IN:
            continue
        ticks = [0.0]
        for tick in (n * step for n in range(1, math.floor(high / step) + 1)):
            if (math.log1p(tick) - math.log1p(ticks[-1])) * inches >= _TICK_IN:
                ticks.append(tick)
        return [n * step for n in range(math.ceil(low / step), 0)] + ticks
    return [0.0]


def _tick_label(tick: float) -> str:
    sign = "+" if tick > 0 else numbers.MINUS if tick < 0 else ""
    return f"{sign}{abs(tick) * 100:.3g}"


def _bands(axes: Axes, bands: tuple[float, float], queries: int) -> None:
    """Shade the changes that do not matter: those of the suite, and those of a query."""
    from matplotlib.patches import Rectangle

    suite, query = bands
    edge = 0.5 + _GAP / 2
    for half, top, bottom in ((suite, -0.5, edge), (query, edge, _place(queries) + 0.5)):
        axes.add_patch(
            Rectangle((-half, top), 2 * half, bottom - top, facecolor=EFFECT, linewidth=0, zorder=0)
        )


def _precision(change: Change) -> float | None:
    """1 ÷ width of the interval of the logarithm."""
    logs = _logs(change)
    if logs is None or logs[1] is None or logs[2] is None or logs[2] <= logs[1]:
        return None
    return 1 / (logs[2] - logs[1])


def _square(axes: Axes, change: Change, y: float, reach: float, greatest: float | None) -> None:
    """A point whose area is that of its weight, the inverse variance, and its interval."""
    logs = _logs(change)
    if logs is None:
        return
    point, low, high = logs
    colour = _COLOURS[change.verdict]
    _interval(axes, low, high, y, reach, colour)
    precision = _precision(change)
    share = precision / greatest if precision is not None and greatest else 0.0
    is_open = change.verdict == "inconclusive"
    axes.plot(
        [max(-reach, min(point, reach))],
        [y],
        marker="s" if abs(point) <= reach else ">" if point > 0 else "<",
        markersize=max(_MOST_SIZE * share, _LEAST_SIZE),
        markerfacecolor=SURFACE if is_open else colour,
        markeredgecolor=colour,
        markeredgewidth=1.1 if is_open else 0.6,
        linestyle="none",
        clip_on=False,
        zorder=4,
        label=f"{one_line(change.query or '')}: {change.verdict}",
    )
    _cpu(axes, change, y, reach)


def _diamond(axes: Axes, change: Change, y: float, reach: float) -> None:
    from matplotlib.patches import Polygon

    logs = _logs(change)
    if logs is None:
        return
    point, low, high = logs
    colour = _COLOURS[change.verdict]
    left = point - reach / 40 if low is None else low
    right = point + reach / 40 if high is None else high
    is_open = change.verdict == "inconclusive" or low is None
    axes.add_patch(
        Polygon(
            [(left, y), (point, y - 0.32), (right, y), (point, y + 0.32)],
            facecolor=SURFACE if is_open else colour,
            edgecolor=colour,
            linewidth=1.1,
            zorder=4,
            label=f"suite: {change.verdict}",
        )
    )
    _arrows(axes, low, high, y, reach, colour)
    _cpu(axes, change, y, reach)


def _interval(
    axes: Axes, low: float | None, high: float | None, y: float, reach: float, colour: str
) -> None:
    if low is None or high is None:
        return
    axes.hlines([y], [max(low, -reach)], [min(high, reach)], color=colour, linewidth=1.3)
    _arrows(axes, low, high, y, reach, colour)


def _arrows(
    axes: Axes, low: float | None, high: float | None, y: float, reach: float, colour: str
) -> None:
    """Say at the edge that an interval goes on beyond it."""
    for end, edge, marker in ((low, -reach, "<"), (high, reach, ">")):
        if end is not None and abs(end) > reach and (end > 0) == (edge > 0):
            axes.plot(
                [edge * _EDGE],
                [y],
                marker=marker,
                markersize=4.2,
                color=colour,
                linestyle="none",
                clip_on=False,
                label="goes on",
            )


def _is_clipped(changes: Sequence[Change], reach: float) -> bool:
    known = [logs for change in changes if (logs := _logs(change)) is not None]
    return any(end is not None and abs(end) > reach for logs in known for end in logs)


def _cpu(axes: Axes, change: Change, y: float, reach: float) -> None:
    is_cpu = change.cycles_ratio is None
    ratio = change.cpu_ratio if is_cpu else change.cycles_ratio
    if ratio is None or abs(math.log(ratio)) > reach:
        return
    axes.plot(
        [math.log(ratio)],
        [y + _BELOW],
        marker=".",
        markersize=3.4,
        markeredgewidth=0,
        color=MUTED,
        linestyle="none",
        zorder=3,
        label="CPU time" if is_cpu else "estimated cycles",
    )


def _words(axes: Axes, change: Change, y: float, width_in: float, numbers_in: float) -> None:
    """Numbers, if there is room for them, and the verdict, to the right of a row."""
    transform = axes.get_yaxis_transform()
    weight = "bold" if change.query is None else "normal"
    if change.ratio is not None and numbers_in:
        axes.text(
            1 + (numbers_in - 0.04) / width_in,
            y,
            f"{verdicts.percent(change)} {verdicts.interval(change)}".rstrip(),
            size=6.8,
            weight=weight,
            color=INK,
            ha="right",
            va="center_baseline",
            transform=transform,
        )
    axes.text(
        1 + (numbers_in + 0.06) / width_in,
        y,
        verdicts.signed(change.verdict),
        size=6.8,
        weight=weight,
        color=_COLOURS[change.verdict],
        va="center_baseline",
        transform=transform,
    )
