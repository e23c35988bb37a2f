"""Percentile curves: how slow the slowest are, in front of all others."""

from __future__ import annotations

import numpy as np

from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.percentiles import Curve, percentile_sheet
from neuralake.report.ingest.figures.axes import marks_of, shown
from neuralake.report.latency import in_ms
from neuralake.report.numbers import per_second
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary, Line
from neuralake.stats.percentiles import LEAST_BEYOND


def percentile_curves(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """Latency over percentiles, of each case."""
    by_case, lines = marks_of(run), shown(summary)
    if not lines:
        return None

    def curve(line: Line) -> Curve:
        samples = summary.samples_of(line)
        latency_ms = np.concatenate([s.latency_ms for s in samples])
        return Curve(by_case[line.case], latency_ms, sum(s.unended for s in samples))

    sheet = percentile_sheet("Latency by percentile, ms (log scale)", [*map(curve, lines)])
    at = "" if lines[0].rate is None else f" at {per_second(lines[0].rate)} rows/s"
    said = "; ".join(
        f"{line.case.label}: "
        + ", ".join(f"p{k} {in_ms(v)} ms" for k, v in line.percentiles_ms.items())
        for line in lines
    )
    return Drawing(
        "percentiles",
        f"Latency by percentile{at}. {said}.",
        f"Lower is faster. All rounds together{at}; a curve ends where fewer than {LEAST_BEYOND} "
        "samples lie beyond.",
        sheet.figure,
    )
