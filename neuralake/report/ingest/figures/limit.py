"""How near the disk's own limit: ratios with their intervals, a case a row."""

from __future__ import annotations

from neuralake.report.figures.chart import log_axis, row_chart
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import INK, Mark, marks
from neuralake.report.ingest import words
from neuralake.report.ingest.figures.axes import shown
from neuralake.results.ingest.records import DISK, IngestRun
from neuralake.results.ingest.summary import IngestSummary

_LEVELS = ("50", "99")


def to_limit(run: IngestRun, summary: IngestSummary) -> Drawing | None:  # noqa: ARG001 - as others
    """Ratio of the median, and of p99, to those of the disk in the same round."""
    lines = [line for line in shown(summary) if line.to_limit]
    levels = [level for level in _LEVELS if any(level in line.to_limit for line in lines)]
    if not levels:
        return None
    named = {
        level: Mark(f"p{level}", mark.colour, mark.marker)
        for level, mark in zip(levels, marks(levels).values(), strict=True)
    }
    chart = row_chart(
        f"Latency ÷ {DISK}: how near the disk's own limit",
        [line.case.label for line in lines],
        named,
        label=f"ratio to {DISK} in the same round (log scale)",
    )
    drawn = [1.0]
    for index, (level, mark) in enumerate(named.items()):
        found = [
            (row, line.to_limit[level]) for row, line in enumerate(lines) if level in line.to_limit
        ]
        chart.spans([(chart.place(row, index), i.low, i.high) for row, i in found], mark)
        chart.points([(chart.place(row, index), i.median) for row, i in found], mark)
        drawn += [end for _, i in found for end in (i.low, i.high)]
    log_axis(chart.axes, drawn)
    chart.axes.axvline(1, color=INK, linewidth=0.9)
    reached = min((i.confidence for line in lines for i in line.to_limit.values()), default=0.0)
    interval = (
        f"Points are medians over rounds, lines their intervals of {100 * reached:.0f} %."
        if reached
        else "Of one round, which has no interval."
    )
    said = "; ".join(
        f"{line.case.label} p{level} {words.ratio(line.to_limit[level])}"
        for line in lines
        for level in levels
        if level in line.to_limit
    )
    return Drawing(
        "limit",
        f"Ratio of latency to the disk's own limit. {said}.",
        f"1 is the disk's own limit. {interval}",
        chart.sheet.figure,
    )
