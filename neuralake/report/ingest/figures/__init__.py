"""Figures of a run of ingest, as SVG and PNG."""

from __future__ import annotations

from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.ingest.figures.commits import over_commits
from neuralake.report.ingest.figures.freshness import freshness
from neuralake.report.ingest.figures.limit import to_limit
from neuralake.report.ingest.figures.percentiles import percentile_curves
from neuralake.report.ingest.figures.rates import rate_against_latency
from neuralake.report.ingest.figures.steps import steps
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary

_DRAW = (
    *(percentile_curves, to_limit, over_commits),
    *(steps, rate_against_latency, freshness),
)


def ingest_pictures(run: IngestRun, summary: IngestSummary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    if not any(line.status == "ok" for line in summary.lines):
        return []
    with drawing_style(run.header.id):
        return rendered(draw(run, summary) for draw in _DRAW)
