"""Latency over time at the highest rate: into saturation, and out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neuralake.report.figures.chart import WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import LEFT_IN, RIGHT_IN, label_x, latency_axis
from neuralake.report.figures.palette import BAND, FAILED, MUTED
from neuralake.report.serving import words
from neuralake.report.serving.figures.axes import marks_of
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.summary import Line, ServingSummary

_BIN_S = 0.1
_PANEL_IN, _GAP_IN = 0.72, 0.12


def timeline(run: ServingRun, summary: ServingSummary) -> Drawing | None:
    """Latency of requests by the moment that they were due, a panel for each contestant."""
    marks = marks_of(run)
    lines = list(filter(None, (_highest(summary, name) for name in run.header.contestants)))
    if not lines:
        return None
    body_in = len(lines) * (_PANEL_IN + _GAP_IN)
    title = "Latency over time, ms (log scale)"
    sheet = Sheet(title, [marks[line.contestant] for line in lines], body_in)
    load_s = run.header.load.duration_s
    drawn: list[float] = []
    panels = []
    for number, line in enumerate(lines):
        below_in = body_in - (number + 1) * (_PANEL_IN + _GAP_IN) + _GAP_IN
        axes = sheet.box(LEFT_IN, below_in, WIDTH_IN - LEFT_IN - RIGHT_IN, _PANEL_IN)
        panels.append(axes)
        mark = marks[line.contestant]
        axes.axvspan(0, load_s, facecolor=BAND, linewidth=0, zorder=0)
        requests = summary.samples_of(line)[-1].requests
        at_s, low, middle, high = _bins(requests)
        axes.vlines(at_s, low, high, color=mark.colour, linewidth=0.8)
        axes.plot(at_s, middle, label=mark.label, **(mark.points() | {"markersize": 2.4}))
        drawn += [*low.tolist(), *high.tolist()]
        lost = requests.filter(pc.not_equal(requests["status"], "ok"))
        if lost.num_rows:
            when = np.unique(np.floor(_seconds(lost, "intended_ns") / _BIN_S)) * _BIN_S
            edge = axes.get_xaxis_transform()
            crosses: dict[str, Any] = {"marker": FAILED, "markersize": 2.2, "linestyle": "none"}
            axes.plot(when, [0.96] * len(when), color=MUTED, transform=edge, **crosses)
    first_s = -1.0 if any(line.recovery_s is not None for line in lines) else 0.0
    last_s = max(_last_s(summary, line) for line in lines)
    for axes in panels:
        latency_axis(axes, drawn, most_ticks=3)
        axes.set_xlim(first_s, max(last_s, load_s))
        axes.locator_params(axis="x", nbins=6)
        if axes is not panels[-1]:
            axes.tick_params(labelbottom=False)
    label_x(panels[-1], "seconds since the load began, when a request was due")
    said = "; ".join(
        words.name(line)
        + (
            ""
            if line.recovery_s is None
            else f": as before after {words.seconds(line.recovery_s)} s"
        )
        for line in lines
    )
    return Drawing(
        "timeline",
        f"Latency over time at the highest rate. {said}.",
        "Points are medians of a tenth of a second, lines 5 % to 95 % of answered requests; the "
        "band is the load. Crosses at the top: requests of these moments were refused, failed, or "
        "timed out.",
        sheet.figure,
    )


def _highest(summary: ServingSummary, contestant: str) -> Line | None:
    own = [v for v in summary.lines if v.contestant == contestant and v.status == "ok"]
    return max(own, key=lambda line: line.offered or 0.0, default=None)


def _seconds(requests: pa.Table, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found: np.ndarray[tuple[int], np.dtype[np.float64]]
    found = requests[column].to_numpy().astype(float) / 1e9
    return found


def _last_s(summary: ServingSummary, line: Line) -> float:
    return max(float(_seconds(s.requests, "intended_ns").max()) for s in summary.samples_of(line))


def _bins(requests: pa.Table) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """Middle of each tenth of a second, and 5 %, 50 % and 95 % of its latencies in ms."""
    answered = requests.filter(pc.equal(requests["status"], "ok"))
    intended, done = _seconds(answered, "intended_ns"), _seconds(answered, "done_ns")
    latency = (done - intended) * 1e3
    places = np.floor(intended / _BIN_S)
    found = np.unique(places)
    shares = [
        [float(np.quantile(latency[places == place], share)) for place in found]
        for share in (0.05, 0.5, 0.95)
    ]
    return ((found + 0.5) * _BIN_S, *map(np.array, shares))
