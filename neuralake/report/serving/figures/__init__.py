"""Figures of a run of serving, as SVG and PNG."""

from __future__ import annotations

from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.serving.figures.answered import answered_against_offered
from neuralake.report.serving.figures.percentiles import percentile_curves
from neuralake.report.serving.figures.rates import rate_against_latency
from neuralake.report.serving.figures.timeline import timeline
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import ServingSummary

_DRAW = (rate_against_latency, percentile_curves, answered_against_offered, timeline)


def serving_pictures(run: ServingRun, summary: ServingSummary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    if not any(line.status == "ok" for line in summary.lines):
        return []
    with drawing_style(run.header.id):
        return rendered(draw(run, summary) for draw in _DRAW)
