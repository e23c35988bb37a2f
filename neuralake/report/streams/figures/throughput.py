"""Throughput against streams: whether more at once is more in all."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.figures.chart import Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import BODY_IN, LEFT_IN, RIGHT_IN, label_x
from neuralake.report.figures.palette import GRID, marks
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def throughput_against_streams(run: StreamsRun, summary: StreamsSummary) -> Drawing | None:
    """Queries an hour over the number of streams; None with one number."""
    known = [line for line in summary.lines if line.throughput is not None]
    if len({line.streams for line in known}) < 2:
        return None
    by_engine = marks([request.name for request in run.header.engines])
    drawn = [engine for engine in by_engine if any(line.engine == engine for line in known)]
    sheet = Sheet("Throughput, queries an hour", [by_engine[e] for e in drawn], BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    for engine in drawn:
        own = [line for line in known if line.engine == engine]
        places = sorted((line.streams, line.throughput or 0.0) for line in own)
        mark = by_engine[engine]
        axes.plot(*zip(*places, strict=True), color=mark.colour, linewidth=1.2)
        axes.plot(*zip(*places, strict=True), label=mark.label, **mark.points())
    axes.set_ylim(bottom=0)
    axes.set_xticks(sorted({line.streams for line in known}))
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    label_x(axes, "streams at once")
    said = "; ".join(
        f"{line.engine}, {line.streams}: {numbers.per_second(line.throughput)}" for line in known
    )
    return Drawing(
        "throughput",
        f"Throughput over the number of streams. {said}.",
        "Higher is better. Each point is the median of the rounds.",
        sheet.figure,
    )
