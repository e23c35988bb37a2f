"""Figures of a run of freshness, as SVG and PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import BODY_IN, LEFT_IN, RIGHT_IN, label_x
from neuralake.report.figures.palette import GRID, INK, MUTED, Mark, marks
from neuralake.report.figures.rates import AtRate, rates_sheet
from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.report.freshness import words
from neuralake.report.latency import in_ms
from neuralake.results.freshness.records import Case, FreshnessRun
from neuralake.results.freshness.samples import (
    VISIBLE_LEAST,
    VISIBLE_MOST,
    Distributions,
    read_distributions,
)
from neuralake.results.freshness.spans import Spans
from neuralake.results.freshness.summary import FreshnessSummary, Line
from neuralake.results.parts import read_part
from neuralake.stats.distribution import Distribution

_MOST_CASES = 6
_POINTS = 400
_BINS = 240
_LEVELS = ("99", "90", "50")


def freshness_pictures(
    run: FreshnessRun, summary: FreshnessSummary, directory: Path
) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    shown = [line for line in summary.lines if line.status == "ok"]
    if not shown:
        return []
    with drawing_style(run.header.id):
        return rendered(
            (
                _visibility(shown, summary),
                _over_rates(shown, "rates"),
                _over_rates(shown, "queries"),
                _timeline(run, shown, directory),
            )
        )


def _visibility(lines: Sequence[Line], summary: FreshnessSummary) -> Drawing:
    """Share of the records that are seen within a time: a band between the ends of intervals."""
    lines = lines[:_MOST_CASES]
    by_case = _marks(lines)
    sheet = Sheet("Share of records that are seen within a time", list(by_case.values()), BODY_IN)
    axes = sheet.axes(LEFT_IN, RIGHT_IN)
    longest = 1.0
    for line in lines:
        found, mark = summary.distributions[line.case], by_case[line.case]
        least, most = found[VISIBLE_LEAST], found[VISIBLE_MOST]
        end = most.percentile("99") or float(most.greatest or 1)
        end = end if math.isfinite(end) else float(most.greatest or 1)
        longest = max(longest, 1.4 * end / 1e3)
        at = np.linspace(0, 1.4 * end, _POINTS)
        upper, lower = _shares(least, at), _shares(most, at)
        axes.fill_between(at / 1e3, lower, upper, color=mark.colour, alpha=0.25, linewidth=0)
        axes.plot(at / 1e3, lower, color=mark.colour, linewidth=1.3, label=mark.label)
    axes.set_xlim(0, longest)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(color=GRID, linewidth=0.7)
    label_x(axes, "ms from the moment at which a record was due")
    said = "; ".join(
        f"{words.name(line.case)}: p50 "
        f"{words.between(line.measures_ms[VISIBLE_LEAST], line.measures_ms[VISIBLE_MOST], '50')} ms"
        for line in lines
    )
    return Drawing(
        "visibility",
        f"Cumulative distribution of visibility. {said}.",
        "Left is fresher. The line is of the first answers with a record, the edge of the band of "
        "the last ones without it: the truth lies within.",
        sheet.figure,
    )


def _over_rates(lines: Sequence[Line], name: str) -> Drawing | None:
    """A percentile over the offered rates: of visibility, or of the queries; None with one rate."""
    of_queries = name == "queries"
    found = {
        line.case: (line.beside_ms if of_queries else line.measures_ms[VISIBLE_MOST])
        for line in lines
    }
    level = next((v for v in _LEVELS if all(v in own for own in found.values())), None)
    if level is None or len({case.rate for case in found}) < 2:
        return None
    labels = list(dict.fromkeys(words.name(case, with_rate=False) for case in found))
    by_label = marks(labels)
    drawn = [
        (
            by_label[label],
            [
                AtRate(case.rate, own[level])
                for case, own in found.items()
                if words.name(case, with_rate=False) == label
            ],
        )
        for label in labels
    ]
    what = "latency of queries" if of_queries else "visibility"
    sheet = rates_sheet(
        f"p{level} of {what} over the rate, ms (log scales)",
        "rows per second offered",
        drawn,
    )
    said = "; ".join(f"{words.name(c)}: {in_ms(own[level])} ms" for c, own in found.items())
    return Drawing(
        name,
        f"p{level} of {what} over the offered rate. {said}.",
        "Lower is better. A cross at the top: it lies among what was never seen."
        if not of_queries
        else "Lower is better; from the moment at which a query was due.",
        sheet.figure,
    )


def _timeline(run: FreshnessRun, lines: Sequence[Line], directory: Path) -> Drawing | None:
    """Visibility over a round, with the commits and the compactions: the first round there is."""
    whole = [r for r in run.rounds if r.parts is not None and r.key.case == lines[-1].case]
    if not whole or whole[0].parts is None:
        return None
    found, parts = whole[0], whole[0].parts
    commits = read_part(directory, parts.commits)
    sightings = read_part(directory, parts.sightings)
    distributions = read_distributions(directory, parts)
    spans = Spans.of(run.header.load)
    mark = _marks(lines)[found.key.case]
    sheet = Sheet("A round over time: visibility, ms, and commits a second", [mark], BODY_IN)
    lower = 0.55
    width = WIDTH_IN - LEFT_IN - RIGHT_IN
    upper_axes = sheet.box(LEFT_IN, lower + 0.16, width, BODY_IN - lower - 0.16)
    axes = sheet.box(LEFT_IN, 0, width, lower)
    end_s = spans.end_ns / 1e9
    answered = np.sort(sightings["answered_ns"].to_numpy()) / 1e9
    gaps = np.diff(answered) * 1e3
    if gaps.size:
        kept = _greatest_of_bins(answered[1:], gaps, end_s)
        upper_axes.vlines(kept[0], 0, kept[1], color=GRID, linewidth=0.8)
    _draw_slices(upper_axes, distributions, spans, mark)
    upper_axes.set_xlim(0, end_s)
    upper_axes.set_ylim(bottom=0)
    upper_axes.tick_params(labelbottom=False)
    upper_axes.grid(axis="y", color=GRID, linewidth=0.7)
    upper_axes.locator_params(axis="y", nbins=4)
    named_s = commits["named_ns"].to_numpy() / 1e9
    packed = commits["is_compaction"].to_numpy(zero_copy_only=False)
    counts, edges = np.histogram(named_s, bins=_BINS // 4, range=(0, end_s))
    axes.bar(edges[:-1], counts / np.diff(edges), width=np.diff(edges), align="edge", color=MUTED)
    for at_s in named_s[packed]:
        axes.axvline(at_s, color=INK, linewidth=0.5)
    axes.set_xlim(0, end_s)
    axes.locator_params(axis="y", nbins=2)
    label_x(axes, "s; below: commits a second, and compactions as lines")
    compactions = int(packed.sum())
    return Drawing(
        "timeline",
        f"A round of {words.name(found.key.case)} over time: {commits.num_rows:,} versions, "
        f"{compactions:,} of them compactions.",
        "Above: p50 and p99 of visibility in each slice, ms, and as grey lines how far apart "
        "answers were. Below: commits a second; each compaction is a line.",
        sheet.figure,
    )


def _draw_slices(axes: object, found: Distributions, spans: Spans, mark: Mark) -> None:
    slices = found.get(VISIBLE_MOST, {})
    for level, hollow in (("50", False), ("99", True)):
        points = [
            (_middle_s(spans, number), value / 1e3)
            for number, own in slices.items()
            if (value := own.percentile(level)) is not None and math.isfinite(value)
        ]
        if points:
            axes.plot(  # type: ignore[attr-defined]
                *zip(*points, strict=True), label=mark.label, **mark.points(hollow=hollow)
            )


def _middle_s(spans: Spans, number: int) -> float:
    loaded_ns = np.array([spans.warm_up_ns + round((number + 0.5) * spans.slice_ns)])
    return float(spans.moments(loaded_ns)[0]) / 1e9


def _greatest_of_bins(
    at_s: np.ndarray[tuple[int], np.dtype[np.float64]],
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    end_s: float,
) -> tuple[list[float], list[float]]:
    """The greatest value of each of a few bins, so that no stall is lost among many answers."""
    bins = np.clip((at_s / end_s * _BINS).astype(int), 0, _BINS - 1)
    places = sorted(set(bins.tolist()))
    return (
        [(place + 0.5) * end_s / _BINS for place in places],
        [float(values[bins == place].max()) for place in places],
    )


def _shares(
    found: Distribution, at: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    cumulated = np.concatenate([[0], found.counts.cumsum()])
    shares: np.ndarray[tuple[int], np.dtype[np.float64]] = cumulated[
        np.searchsorted(found.values, at, side="right")
    ] / max(found.size, 1)
    return shares


def _marks(lines: Sequence[Line]) -> Mapping[Case, Mark]:
    labels = words.apart(line.case for line in lines)
    by_label = marks(list(labels.values()))
    return {case: by_label[label] for case, label in labels.items()}
