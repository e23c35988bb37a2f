"""What was answered over what was offered: the saturation point."""

from __future__ import annotations

from neuralake.report.figures.chart import Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import BODY_IN, RIGHT_IN, label_x
from neuralake.report.figures.palette import GRID, INK
from neuralake.report.numbers import per_second
from neuralake.report.serving import words
from neuralake.report.serving.figures.axes import marks_of
from neuralake.results.serving.records import NULL, ServingRun
from neuralake.results.serving.summary import ServingSummary

_LEFT_IN = 0.68


def answered_against_offered(run: ServingRun, summary: ServingSummary) -> Drawing | None:
    """Answered requests a second over those offered; None with one rate.

    The null server is left out where there are others: it would push them into a corner.
    """
    rated = [line for line in summary.lines if line.offered and line.per_second is not None]
    rated = [line for line in rated if line.contestant != NULL] or rated
    if len({line.rate for line in rated}) < 2:
        return None
    by_name = marks_of(run)
    names = list(dict.fromkeys(line.contestant for line in rated))
    sheet = Sheet(
        "Answered over offered, requests per second", [by_name[n] for n in names], BODY_IN
    )
    axes = sheet.axes(_LEFT_IN, RIGHT_IN)
    most = max(line.offered or 0.0 for line in rated)
    axes.plot([0, most], [0, most], color=INK, linewidth=0.8, dashes=(4, 3))
    for name in names:
        own = sorted((v.offered or 0.0, v.per_second or 0.0) for v in rated if v.contestant == name)
        mark = by_name[name]
        axes.plot(*zip(*own, strict=True), color=mark.colour, linewidth=1.2)
        axes.plot(*zip(*own, strict=True), label=mark.label, **mark.points())
    axes.set_xlim(0, most * 1.03)
    axes.set_ylim(0, most * 1.03)
    axes.locator_params(nbins=6)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}")
    axes.grid(color=GRID, linewidth=0.7)
    label_x(axes, "requests per second offered")
    said = "; ".join(f"{words.name(v)}: {per_second(v.per_second)}/s answered" for v in rated)
    return Drawing(
        "answered",
        f"Answered over offered requests a second. {said}.",
        "On the dashed line all that was offered is answered; a line that leaves it is that of a "
        "server that is saturated.",
        sheet.figure,
    )
