"""Rate against latency: up to which offered rate the tail holds."""

from __future__ import annotations

import math

from neuralake.report.figures.chart import Sheet, log_axis
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import GRID
from neuralake.report.ingest import words
from neuralake.report.ingest.figures.axes import (
    BODY_IN,
    LEFT_IN,
    RIGHT_IN,
    label_x,
    latency_axis,
    marks_of,
)
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line

_LEVELS = ("99", "95", "90", "50")


def rate_against_latency(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """The highest common percentile over the rates that were offered; None with one rate."""
    rated = [line for line in summary.lines if line.rate is not None and line.percentiles_ms]
    if len({line.rate for line in rated}) < 2:
        return None
    level = next((v for v in _LEVELS if all(v in line.percentiles_ms for line in rated)), None)
    if level is None:
        return None
    by_case = marks_of(run)
    marks = [by_case[case] for case in dict.fromkeys(line.case for line in rated)]
    sheet = Sheet(f"p{level} of latency over the offered rate, ms (log scales)", marks, BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    ends = [v for line in rated if math.isfinite(v := line.percentiles_ms[level])]
    top = max(ends, default=1.0) * 2
    latency_axis(axes, [*ends, top])
    for case, mark in by_case.items():
        own = sorted((line for line in rated if line.case == case), key=_rate)
        kept = [line for line in own if math.isfinite(line.percentiles_ms[level])]
        points = [(_rate(line), line.percentiles_ms[level]) for line in kept]
        if points:
            axes.plot(*zip(*points, strict=True), color=mark.colour, linewidth=1.2)
        for hollow in (False, True):
            some = [
                point for line, point in zip(kept, points, strict=True) if _lags(line) == hollow
            ]
            if some:
                axes.plot(*zip(*some, strict=True), label=mark.label, **mark.points(hollow=hollow))
        lost = [_rate(line) for line in own if not math.isfinite(line.percentiles_ms[level])]
        if lost:
            axes.plot(lost, [top] * len(lost), color=mark.colour, marker="x", linestyle="none")
    log_axis(axes, [_rate(line) for line in rated])
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    label_x(axes, "rows per second offered")
    said = "; ".join(
        f"{words.name(line.case, line.rate)}: {words.in_ms(line.percentiles_ms[level])} ms"
        for line in rated
    )
    return Drawing(
        "rates",
        f"p{level} of latency over the offered rate. {said}.",
        "Lower is faster. Hollow: the rate was not reached, so that a queue grew. A cross at the "
        f"top: p{level} lies among batches that were never begun.",
        sheet.figure,
    )


def _rate(line: Line) -> float:
    return line.rate or 0.0


def _lags(line: Line) -> bool:
    """Whether less was reached than was offered."""
    mean = sum(line.rows_per_s) / len(line.rows_per_s) if line.rows_per_s else 0.0
    return mean < 0.98 * _rate(line)
