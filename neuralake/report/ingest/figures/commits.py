"""Latency over commits, which shows whether it grows with the table."""

from __future__ import annotations

import numpy as np

from neuralake.report.figures.chart import Sheet
from neuralake.report.figures.drawing import Drawing
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
from neuralake.report.numbers import times
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import IngestSummary

_MOST_BINS = 100
_LEAST_A_BIN = 5


def over_commits(run: IngestRun, summary: IngestSummary) -> Drawing | None:
    """Median latency of commits in a row, of the longest round of each case."""
    by_case, lines = marks_of(run), shown(summary)
    if not lines:
        return None
    marks = [by_case[line.case] for line in lines]
    sheet = Sheet("Latency over the commits of a round, ms (log scale)", marks, BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    drawn: list[float] = []
    for line, mark in zip(lines, marks, strict=True):
        latency = max((s.latency_ms for s in summary.samples_of(line)), key=len)
        bins = max(min(_MOST_BINS, latency.size // _LEAST_A_BIN), 1)
        pieces = np.array_split(latency, bins)
        ends = np.cumsum([piece.size for piece in pieces])
        middles = ends - np.array([piece.size for piece in pieces]) / 2
        lows, medians, highs = (
            [float(np.quantile(piece, share)) for piece in pieces] for share in (0.05, 0.5, 0.95)
        )
        axes.fill_between(middles, lows, highs, color=mark.colour, alpha=0.18, linewidth=0)
        axes.plot(middles, medians, color=mark.colour, linewidth=1.4)
        dots = mark.points() | {"markersize": 3.2}
        step = max(bins // 10, 1)
        axes.plot(middles[::step], medians[::step], label=mark.label, **dots)
        drawn += [*lows, *highs]
    latency_axis(axes, drawn)
    axes.locator_params(axis="x", nbins=6)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.set_xlim(left=0)
    label_x(axes, "commits of the round")
    said = "; ".join(
        f"{line.case.label}: last ÷ first {times(line.drift.ratio)} "
        f"({words.in_ms(line.first_ms)} to {words.in_ms(line.last_ms)} ms)"
        for line in lines
        if line.drift is not None
    )
    return Drawing(
        "commits",
        f"Latency over the commits of a round. {said or 'Too few commits'}.",
        "Lower is faster; a line that rises grows slower with the table. Lines are medians of "
        "commits in a row, bands their 5 % to 95 %, of the longest round of each.",
        sheet.figure,
    )
