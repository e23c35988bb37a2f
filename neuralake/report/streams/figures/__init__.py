"""Figures of a run of streams, as SVG and PNG."""

from __future__ import annotations

from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.streams.figures.latencies import alone_and_beside
from neuralake.report.streams.figures.throughput import throughput_against_streams
from neuralake.report.streams.figures.timeline import timeline
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary

_DRAW = (throughput_against_streams, timeline, alone_and_beside)


def streams_pictures(run: StreamsRun, summary: StreamsSummary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    if not any(found.samples for found in summary.measured.values()):
        return []
    with drawing_style(run.header.id):
        return rendered(draw(run, summary) for draw in _DRAW)
