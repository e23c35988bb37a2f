"""Percentile curves: how slow the slowest are, in front of all others."""

from __future__ import annotations

import math

import numpy as np

from neuralake.report.figures.chart import Sheet
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
    shown,
)
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary
from neuralake.stats.percentiles import LEAST_BEYOND, LEVELS, can_tell

_POINTS = 200
_LINES = ("-", "--", "-.", ":")


def percentile_curves(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """Latency over percentiles, both on logarithmic axes: each decade of nines has its room."""
    by_case, lines = marks_of(run), shown(summary)
    if not lines:
        return None
    marks = [by_case[line.case] for line in lines]
    sheet = Sheet("Latency by percentile, ms (log scale)", marks, BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    drawn: list[float] = []
    most = 1
    for number, (line, mark) in enumerate(zip(lines, marks, strict=True)):
        samples = summary.samples_of(line)
        ordered = np.sort(np.concatenate([s.latency_ms for s in samples]))
        count = ordered.size + sum(s.unended for s in samples)
        least_share = LEAST_BEYOND / count
        if least_share >= 0.5:
            continue
        shares = np.geomspace(0.5, least_share, _POINTS)
        ranks = np.ceil(count * (1 - shares) - 1e-9).astype(int) - 1
        known = ranks < ordered.size
        values = ordered[ranks[known]]
        style = _LINES[number % len(_LINES)]
        axes.plot(shares[known], values, color=mark.colour, linewidth=1.4, linestyle=style)
        marked = [level for level in LEVELS if can_tell(count, level)]
        points = [(1 - float(v) / 100, line.percentiles_ms[v]) for v in marked]
        points = [(share, value) for share, value in points if math.isfinite(value)]
        axes.plot(*zip(*points, strict=True), label=mark.label, **mark.points())
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
    at = "" if lines[0].rate is None else f" at {words.rows_per_s(lines[0].rate)} rows/s"
    said = "; ".join(
        f"{line.case.label}: "
        + ", ".join(f"p{k} {words.in_ms(v)} ms" for k, v in line.percentiles_ms.items())
        for line in lines
    )
    return Drawing(
        "percentiles",
        f"Latency by percentile{at}. {said}.",
        f"Lower is faster. All rounds together{at}; a curve ends where fewer than {LEAST_BEYOND} "
        "samples lie beyond.",
        sheet.figure,
    )
