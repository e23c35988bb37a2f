"""Streams over time: which query of which stream ran when, and the refreshes beside them."""

from __future__ import annotations

from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import label_x
from neuralake.report.figures.palette import BAND, FAILED, MUTED, SURFACE, marks
from neuralake.report.streams import words
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import Measured, StreamsSummary

_LEFT_IN, _RIGHT_IN = 0.95, 0.2
_ROW_IN, _GAP_IN = 0.17, 0.3
_MOST_PANELS = 12


def timeline(run: StreamsRun, summary: StreamsSummary) -> Drawing | None:
    """A panel for each engine: a row a stream of its largest throughput run, a bar a query."""
    name = max(run.header.phases[1:], key=lambda phase: int(phase.rpartition("-")[2]))
    shown = {
        key.engine: found
        for key, found in summary.measured.items()
        if key.phase == name and found.samples
    }
    if not shown or len(shown) > _MOST_PANELS:
        return None
    by_engine = marks([request.name for request in run.header.engines])
    sessions = {engine: _sessions(found) for engine, found in shown.items()}
    heights = {engine: _ROW_IN * len(rows) for engine, rows in sessions.items()}
    body_in = sum(heights.values()) + _GAP_IN * (len(shown) - 1)
    title = f"Queries and refreshes of the {words.phase(name)}, over time"
    sheet = Sheet(title, [by_engine[engine] for engine in shown], body_in)
    below_in = body_in
    for engine, found in shown.items():
        below_in -= heights[engine]
        axes = sheet.box(_LEFT_IN, below_in, WIDTH_IN - _LEFT_IN - _RIGHT_IN, heights[engine])
        below_in -= _GAP_IN
        rows = sessions[engine]
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), rows)
        mark = by_engine[engine]
        for row, session in enumerate(rows):
            axes.axhspan(row - 0.42, row + 0.42, facecolor=BAND, linewidth=0, zorder=0)
            own = [sample for sample in found.samples if sample.session == session]
            bars = [(s.begin_ns / 1e9, s.wall_ns / 1e9) for s in own if s.wall_ns is not None]
            axes.broken_barh(
                bars, (row - 0.36, 0.72), facecolor=mark.colour, edgecolor=SURFACE, linewidth=0.3
            )
            failed = [sample.begin_ns / 1e9 for sample in own if sample.status != "ok"]
            axes.plot(
                failed, [row] * len(failed), marker=FAILED, color=MUTED, ms=4, linestyle="none"
            )
        axes.set_xlim(0, (found.elapsed_s or 1.0) * 1.01)
    label_x(axes, "seconds since all began (each panel has its own)")
    said = "; ".join(
        f"{engine}: {'failed' if found.fault else f'{found.elapsed_s or 0:.2f} s'}"
        for engine, found in shown.items()
    )
    return Drawing(
        "timeline",
        f"Streams over time. {said}.",
        "A bar is a query, or a change of a table. Crosses: it failed, or its answer was wrong.",
        sheet.figure,
    )


def _sessions(found: Measured) -> list[str]:
    return list(dict.fromkeys(sample.session for sample in found.samples))
