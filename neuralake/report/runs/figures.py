"""Several runs: one against another, and time against scale factor."""

from __future__ import annotations

import math
from dataclasses import replace

from neuralake.report import numbers
from neuralake.report.figures.chart import WIDTH_IN, Sheet, limits, log_axis, log_ticks, row_chart
from neuralake.report.figures.drawing import Drawing, cut
from neuralake.report.figures.palette import GRID, INK, MUTED, marks
from neuralake.report.figures.render import Picture, drawing_style, render, rendered
from neuralake.report.footnote import footnote
from neuralake.report.run.figures.latency import latency
from neuralake.report.runs.summary import RunsSummary
from neuralake.report.text import short

MOST_RUNS = 6
_PANEL_IN = 1.0
_PANEL_GAP_IN = 0.36
_COLUMNS = 3
_EXPONENTS_SHOWN = 3


def runs_pictures(runs: RunsSummary) -> list[Picture]:
    """Figures of several runs: the first six later ones of equal size, scaling, each latency."""
    with drawing_style(" ".join(run.header.id for run in runs.runs)):
        later = [n for n in range(1, len(runs.runs)) if runs.is_same_size(n)]
        drawn = [run_against_run(runs, number) for number in later[:MOST_RUNS]]
        pictures = rendered([*drawn, scaling(runs), exponents(runs)])
    for number, (run, summary) in enumerate(zip(runs.runs, runs.summaries, strict=True), start=1):
        if summary.engines:
            with drawing_style(run.header.id):
                pictures.append(render(replace(latency(run, summary), name=f"latency-{number}")))
    return pictures


def run_against_run(runs: RunsSummary, number: int) -> Drawing:
    """Ratio of medians of each query and engine, a later run ÷ the first, with its interval.

    Parameters
    ----------
    runs
        Of the runs.
    number
        Of the later run, from 1.
    """
    queries, note = cut(runs.queries)
    by_engine = marks(runs.engines)
    ratios = {(q, e): runs.ratios.get((number, q, e)) for q in queries for e in by_engine}
    chart = row_chart(
        f"{_workload(runs)}: latency of run {number + 1} ÷ run 1",
        queries,
        by_engine,
        label="← faster · ratio of medians (log scale) · slower →",
        footnote=footnote(runs.runs[0].header.workload),
        failures=None in ratios.values(),
    )
    chart.axes.axvline(1, color=MUTED, linewidth=1)
    ends = [0.8, 1.25]
    for index, (engine, mark) in enumerate(by_engine.items()):
        found = [(row, r) for row, query in enumerate(queries) if (r := ratios[query, engine])]
        spans = [(chart.place(row, index), r.low or r.ratio, r.high or r.ratio) for row, r in found]
        chart.spans(spans, mark)
        ends += [end for _, *both in spans for end in both]
        for clear in (True, False):
            points = [(chart.place(row, index), r.ratio) for row, r in found if r.is_clear == clear]
            chart.points(points, mark, hollow=not clear)
        for row, query in enumerate(queries):
            if ratios[query, engine] is None:
                chart.fail(row, index, mark, "no pair")
    log_axis(chart.axes, ends, unit="×")
    base, later = (runs.runs[i].header.id for i in (0, number))
    return Drawing(
        f"run-{number + 1}-against-1",
        f"Latency of run {later} divided by that of run {base}, by query and engine, with "
        "intervals; numbers in the table.",
        "Filled where the 95 % interval leaves 1 out, hollow where it does not. A cross: one of "
        f"the runs has no valid latency.{note}",
        chart.sheet.figure,
    )


def scaling(runs: RunsSummary) -> Drawing | None:
    """Latency against scale factor, a panel a query, with the fitted line and its exponent."""
    if not runs.laws:
        return None
    fitted = {query for query, _ in runs.laws}
    queries, note = cut([query for query in runs.queries if query in fitted])
    by_engine = marks(runs.engines)
    rows = math.ceil(len(queries) / _COLUMNS)
    sheet = Sheet(
        f"{_workload(runs)}: latency (ms) against scale factor, and the exponent",
        tuple(by_engine.values()),
        rows * (_PANEL_IN + _PANEL_GAP_IN),
        footnote(runs.runs[0].header.workload),
        axis_in=0.2,
    )
    points = {(q, e): runs.points(q, e) for q in queries for e in by_engine}
    every = [point for found in points.values() for point in found]
    x_limits = limits([size for size, _ in every], 0.1)
    y_limits = limits([time * 1e3 for _, time in every])
    pitch_in = (WIDTH_IN - 0.55) / _COLUMNS
    for place, query in enumerate(queries):
        row, column = divmod(place, _COLUMNS)
        axes = sheet.box(
            0.5 + column * pitch_in,
            (rows - 1 - row) * (_PANEL_IN + _PANEL_GAP_IN),
            pitch_in - 0.14,
            _PANEL_IN,
        )
        axes.loglog()
        axes.set_xlim(x_limits)
        axes.set_ylim(y_limits)
        for axis, ends in ((axes.xaxis, x_limits), (axes.yaxis, y_limits)):
            ticks = log_ticks(*ends)[:: 1 if len(log_ticks(*ends)) < 6 else 2]
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.tick_params(
            labelsize=6.5,
            pad=2,
            labelleft=column == 0,
            labelbottom=place + _COLUMNS >= len(queries),
        )
        axes.grid(color=GRID, linewidth=0.6)
        said = []
        for engine, mark in by_engine.items():
            law = runs.laws.get((query, engine))
            said.append(numbers.decimal(law.exponent if law else None))
            if law is not None:
                fitted_ms = [law(x) * 1e3 for x in x_limits]
                axes.plot(x_limits, fitted_ms, color=mark.colour, linewidth=0.9)
            sizes, times = (
                [p[0] for p in points[query, engine]],
                [p[1] * 1e3 for p in points[query, engine]],
            )
            axes.plot(sizes, times, **(mark.points() | {"markersize": 3.8}))
        axes.set_title(short(query), loc="left", size=7.5, weight="bold", color=INK, pad=3)
        if len(said) <= _EXPONENTS_SHOWN:
            axes.set_title("  ".join(said), loc="right", size=6.5, color=MUTED, pad=3)
    return Drawing(
        "scaling",
        f"Latency against scale factor on logarithmic axes for {len(queries)} queries on "
        f"{', '.join(runs.engines)}, with fitted lines; the exponents are in the table.",
        "Numbers above a panel are the fitted exponents, engines in the order of the legend: 1 is "
        f"twice the time for twice the data.{note}",
        sheet.figure,
    )


def exponents(runs: RunsSummary) -> Drawing | None:
    """The fitted exponent of each query and engine, with its interval."""
    if not runs.laws:
        return None
    queries, note = cut(runs.queries)
    by_engine = marks(runs.engines)
    chart = row_chart(
        f"{_workload(runs)}: exponent of latency against scale factor",
        queries,
        by_engine,
        label="exponent: 1 is twice the time for twice the data",
        footnote=footnote(runs.runs[0].header.workload),
        failures=any((q, e) not in runs.laws for q in queries for e in by_engine),
    )
    chart.axes.axvline(1, color=MUTED, linewidth=1)
    shown = [0.0, 1.1]
    for index, (engine, mark) in enumerate(by_engine.items()):
        found = [
            (chart.place(row, index), law)
            for row, query in enumerate(queries)
            if (law := runs.laws.get((query, engine))) is not None
        ]
        chart.spans(
            [(y, w.low, w.high) for y, w in found if w.low is not None and w.high is not None], mark
        )
        chart.points([(y, law.exponent) for y, law in found], mark)
        shown += [law.exponent for _, law in found]
        for row, query in enumerate(queries):
            if (query, engine) not in runs.laws:
                chart.fail(row, index, mark, "no fit")
    room = (max(shown) - min(shown)) * 0.06
    chart.axes.set_xlim(min(shown) - room, max(shown) + room)
    return Drawing(
        "exponents",
        "Exponent of latency against scale factor, by query and engine; numbers in the table.",
        "Lines are 95 % intervals, which need three scale factors; those that reach beyond the "
        f"axis are cut.{note}",
        chart.sheet.figure,
    )


def _workload(runs: RunsSummary) -> str:
    return short(runs.runs[0].header.workload, 32)
