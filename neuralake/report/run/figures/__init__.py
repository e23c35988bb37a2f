"""Figures of a run, as SVG and PNG."""

from __future__ import annotations

from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.run.figures.latency import cold, latency
from neuralake.report.run.figures.ratios import ratios
from neuralake.report.run.figures.resources import cpu, memory
from neuralake.report.run.figures.totals import totals
from neuralake.results.records import Run
from neuralake.results.summary import Summary


def run_pictures(run: Run, summary: Summary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    if not summary.engines:
        return []
    with drawing_style(run.header.id):
        return rendered(draw(run, summary) for draw in (latency, totals, ratios, cold, memory, cpu))
