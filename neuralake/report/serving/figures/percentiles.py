"""Percentile curves: how slow the slowest are, in front of all others."""

from __future__ import annotations

import numpy as np

from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.percentiles import Curve, percentile_sheet
from neuralake.report.latency import in_ms
from neuralake.report.serving import words
from neuralake.report.serving.figures.axes import marks_of
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import Line, ServingSummary
from neuralake.stats.percentiles import LEAST_BEYOND

_SHARE = 0.5


def percentile_curves(run: ServingRun, summary: ServingSummary) -> Drawing | None:
    """Latency over percentiles, of each contestant at the rate nearest to half its capacity."""
    marks = marks_of(run)
    lines = list(filter(None, (_middle(run, summary, name) for name in run.header.contestants)))
    if not lines:
        return None

    def curve(line: Line) -> Curve:
        samples = summary.samples_of(line)
        latency_ms = np.concatenate([s.latency_ms() for s in samples])
        return Curve(marks[line.contestant], latency_ms, sum(s.unended for s in samples))

    sheet = percentile_sheet("Latency by percentile, ms (log scale)", [*map(curve, lines)])
    said = "; ".join(
        f"{words.name(line)}: "
        + ", ".join(f"p{k} {in_ms(v)} ms" for k, v in line.percentiles_ms.items())
        for line in lines
    )
    return Drawing(
        "percentiles",
        f"Latency by percentile. {said}.",
        "Lower is faster. Each contestant at the rate nearest to half its capacity: "
        f"{', '.join(map(words.name, lines))}. A curve ends where fewer than {LEAST_BEYOND} "
        "samples lie beyond.",
        sheet.figure,
    )


def _middle(run: ServingRun, summary: ServingSummary, contestant: str) -> Line | None:
    capacity = run.capacity_of(contestant)
    if capacity is None or capacity.per_second is None:
        return None
    aim = _SHARE * capacity.per_second
    own = [v for v in summary.lines if v.contestant == contestant and v.percentiles_ms]
    return min(own, key=lambda line: abs((line.offered or 0.0) - aim), default=None)
