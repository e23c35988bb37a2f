"""Latency over commits, which shows whether it grows with the table."""

from __future__ import annotations

import numpy as np

from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import LEFT_IN, RIGHT_IN, label_x, latency_axis
from neuralake.report.figures.palette import INK
from neuralake.report.ingest.figures.axes import marks_of, shown
from neuralake.report.latency import in_ms
from neuralake.report.numbers import times
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary

_MOST_BINS = 60
_LEAST_A_BIN = 10
_PANEL_IN, _GAP_IN = 0.62, 0.12


def over_commits(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """Median latency of commits in a row, of the longest round of each case: a panel each."""
    by_case, lines = marks_of(run), shown(summary)
    if not lines:
        return None
    marks = [by_case[line.case] for line in lines]
    body_in = len(lines) * (_PANEL_IN + _GAP_IN)
    sheet = Sheet("Latency over the commits of a round, ms (log scale)", marks, body_in)
    panels = [
        sheet.box(
            LEFT_IN,
            body_in - (number + 1) * (_PANEL_IN + _GAP_IN) + _GAP_IN,
            WIDTH_IN - LEFT_IN - RIGHT_IN,
            _PANEL_IN,
        )
        for number in range(len(lines))
    ]
    drawn: list[float] = []
    longest = 1
    for line, mark, axes in zip(lines, marks, panels, strict=True):
        latency = max((s.latency_ms for s in summary.samples_of(line)), key=len)
        bins = max(min(_MOST_BINS, latency.size // _LEAST_A_BIN), 1)
        pieces = np.array_split(latency, bins)
        ends = np.cumsum([piece.size for piece in pieces])
        middles = ends - np.array([piece.size for piece in pieces]) / 2
        lows, medians, highs = (
            [float(np.quantile(piece, share)) for piece in pieces] for share in (0.05, 0.5, 0.95)
        )
        axes.vlines(middles, lows, highs, color=mark.colour, linewidth=0.8)
        dots = mark.points() | {"markersize": 2.6}
        axes.plot(middles, medians, label=mark.label, **dots)
        if line.first_ms is not None:
            axes.axhline(line.first_ms, color=INK, linewidth=0.8, dashes=(4, 3), zorder=1.5)
        drawn += [*lows, *highs]
        longest = max(longest, latency.size)
    for axes in panels:
        latency_axis(axes, drawn, most_ticks=3)
        axes.set_xlim(0, longest)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        if axes is not panels[-1]:
            axes.tick_params(labelbottom=False)
    label_x(panels[-1], "commits of the round")
    said = "; ".join(
        f"{line.case.label}: last ÷ first {times(line.drift.ratio)} "
        f"({in_ms(line.first_ms)} to {in_ms(line.last_ms)} ms)"
        for line in lines
        if line.drift is not None
    )
    return Drawing(
        "commits",
        f"Latency over the commits of a round. {said or 'Too few commits'}.",
        "Points are medians of commits in a row, lines their 5 % to 95 %, of the longest round of "
        "each. Points that rise above the dashed line, the median of the first commits, are those "
        "of a table that grows slower.",
        sheet.figure,
    )
