"""Figures of a run of lifecycle, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neuralake.report.figures.chart import WIDTH_IN, Sheet, row_chart
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import latency_axis
from neuralake.report.figures.palette import GRID, MUTED, Mark, marks
from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.lifecycle import words
from neuralake.report.numbers import decimal
from neuralake.report.text import short
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.storage import Size
from neuralake.results.lifecycle.summary import LifecycleSummary

_LEFT_IN, _RIGHT_IN = 0.75, 0.15
_PANEL_IN, _GAP_IN = 0.8, 0.16
_NAMES_IN = 1.15
_MOST_NAMES = 40


def lifecycle_pictures(run: LifecycleRun, summary: LifecycleSummary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    with drawing_style(run.header.id):
        return rendered((_timeline(run, summary), _degradation(run, summary)))


def _timeline(run: LifecycleRun, summary: LifecycleSummary) -> Drawing | None:
    """Latency, files, bytes and log over the phases: a panel each, a line an engine."""
    if not summary.sizes:
        return None
    by_engine = _marks(run, [size.engine for size in summary.sizes])
    places = {phase.name: i for i, phase in enumerate(run.header.phases)}
    panels: tuple[tuple[str, Callable[[Size], float | None]], ...] = (
        ("queries, ms", lambda size: None if size.queries_s is None else size.queries_s * 1e3),
        ("files", lambda size: size.live_files),
        ("data, MiB", lambda size: size.live_bytes / 2**20),
        ("stored, MiB", lambda size: size.stored_bytes / 2**20),
        ("log, KiB", lambda size: size.log_bytes / 2**10),
    )
    body_in = len(panels) * (_PANEL_IN + _GAP_IN) - _GAP_IN
    sheet = Sheet(
        "A table over the phases of its life", list(by_engine.values()), body_in, axis_in=_NAMES_IN
    )
    for number, (label, value_of) in enumerate(panels):
        below_in = body_in - (number + 1) * _PANEL_IN - number * _GAP_IN
        axes = sheet.box(_LEFT_IN, below_in, WIDTH_IN - _LEFT_IN - _RIGHT_IN, _PANEL_IN)
        drawn: list[float] = []
        for engine, mark in by_engine.items():
            found = [
                (places[size.phase], value)
                for size in summary.sizes
                if size.engine == engine and (value := value_of(size)) is not None
            ]
            if found:
                drawn += [value for _, value in found]
                axes.plot(*zip(*found, strict=True), color=mark.colour, linewidth=1.0)
                points = mark.points() | {"markersize": 3.2}
                axes.plot(*zip(*found, strict=True), label=mark.label, **points)
        if number == 0 and drawn:
            latency_axis(axes, drawn, most_ticks=4)
        else:
            axes.set_ylim(bottom=0)
            axes.locator_params(axis="y", nbins=4)
            axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_ylabel(label, size=8, color=MUTED, labelpad=4)
        if number + 1 < len(panels):
            axes.set_xticks([])
        else:
            step = -(-len(places) // _MOST_NAMES)
            names = [short(name) for name in places]
            axes.set_xticks(range(0, len(names), step), names[::step], rotation=90, size=6.5)
    said = "; ".join(
        f"{engine}: {own[0].live_files:,.0f} files after {own[0].phase}, "
        f"{own[-1].live_files:,.0f} after {own[-1].phase}"
        for engine in by_engine
        if (own := [size for size in summary.sizes if size.engine == engine])
    )
    return Drawing(
        "timeline",
        f"Queries, files, bytes and log over the phases. {said}.",
        "Medians over repetitions. Queries: all of a phase together, on a log scale. Files and "
        "data: of the newest versions; stored: all data files, those of earlier versions too.",
        sheet.figure,
    )


def _degradation(run: LifecycleRun, summary: LifecycleSummary) -> Drawing | None:
    """S_DR with its interval: a row a series, a mark an engine."""
    found = [series for series in summary.series if series.degradation is not None]
    if not found:
        return None
    by_engine = _marks(run, [series.engine for series in found])
    names = list(dict.fromkeys(series.name for series in found))
    chart = row_chart(
        "Degradation rate S_DR: change of the queries' time from phase to phase",
        names,
        by_engine,
        label="percent a phase; right of 0 is slower",
    )
    values = [0.0]
    for place, (engine, mark) in enumerate(by_engine.items()):
        own = [series for series in found if series.engine == engine]
        points, spans = [], []
        for series in own:
            rate = series.degradation
            if rate is None:
                continue
            y = chart.place(names.index(series.name), place)
            points.append((y, rate.median * 100))
            if len(series.rates) > 1:
                spans.append((y, rate.low * 100, rate.high * 100))
            values += [rate.median * 100, rate.low * 100, rate.high * 100]
        chart.spans(spans, mark)
        chart.points(points, mark)
    room = max((max(values) - min(values)) * 0.08, 1.0)
    chart.axes.set_xlim(min(values) - room, max(values) + room)
    chart.axes.axvline(0, color=MUTED, linewidth=0.8)
    said = "; ".join(
        f"{s.engine}, {s.name}: {words.rate(s.degradation)}"
        f" from {decimal(s.total_s[0])} s to {decimal(s.total_s[-1])} s"
        for s in found
    )
    single = all(len(series.rates) < 2 for series in found)
    return Drawing(
        "degradation",
        f"Degradation rate of each engine and series. {said}.",
        "A point is the median over repetitions"
        + (": there is one, so that there is no interval." if single else ", a line its interval."),
        chart.sheet.figure,
    )


def _marks(run: LifecycleRun, engines: list[str]) -> Mapping[str, Mark]:
    every = marks([request.name for request in run.header.engines])
    return {engine: mark for engine, mark in every.items() if engine in engines}
