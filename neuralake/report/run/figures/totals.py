"""Total and geometric mean of each engine."""

from __future__ import annotations

from neuralake.report import numbers
from neuralake.report.figures.chart import CHARACTER_IN, WIDTH_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import BAND, GRID, INK, MUTED, marks
from neuralake.report.footnote import footnote
from neuralake.report.run.headline import title
from neuralake.report.text import short
from neuralake.results.records import Run
from neuralake.results.summary import Summary

_BAR_IN = 0.27
_GAP_IN = 0.34
_NOTHING = "no query has a latency on every engine"


def totals(run: Run, summary: Summary) -> Drawing:
    """Bars from zero, one panel for the total and one for the geometric mean."""
    by_engine = marks(summary.engines)
    count = max(len(by_engine), 1)
    panel_in = _BAR_IN * count
    of = f"{len(summary.compared)} of {len(summary.queries)} queries"
    sheet = Sheet(
        f"{short(title(run), 32)}: total and geometric mean over {of}",
        (),
        2 * (panel_in + _GAP_IN),
        footnote(run.header.workload),
        axis_in=0.08,
    )
    left_in = 0.24 + CHARACTER_IN * max((len(mark.label) for mark in by_engine.values()), default=1)
    panels = (
        ("total, ms", panel_in + _GAP_IN, [e.total_s for e in summary.by_engine.values()]),
        ("geometric mean, ms", 0, [e.geometric_mean_s for e in summary.by_engine.values()]),
    )
    for label, below_in, values in panels:
        axes = sheet.box(left_in, below_in, WIDTH_IN - left_in - 0.7, panel_in)
        axes.set_ylim(count - 0.5, -0.5)
        axes.set_yticks(range(len(by_engine)), [mark.label for mark in by_engine.values()])
        axes.set_xticks([])
        axes.set_title(label, loc="left", size=8, color=MUTED, pad=4)
        longest = max((value for value in values if value is not None), default=1.0)
        axes.set_xlim(0, longest)
        axes.axvline(0, color=GRID, linewidth=1)
        for row, (mark, value) in enumerate(zip(by_engine.values(), values, strict=True)):
            if value is None:
                axes.text(0, row, f"  {_NOTHING}", size=8, color=INK, va="center_baseline")
                continue
            axes.barh(row, longest, height=0.62, color=BAND, linewidth=0)
            axes.barh(row, value, height=0.62, color=mark.colour, linewidth=0, label=mark.label)
            axes.annotate(
                numbers.in_ms(value),
                (value, row),
                (4, 0),
                textcoords="offset points",
                size=8,
                color=INK,
                va="center_baseline",
                annotation_clip=False,
            )
    left = [query for query in summary.queries if query not in set(summary.compared)]
    said = "; ".join(
        f"{engine}: {numbers.in_ms(e.total_s)} ms in total, geometric mean "
        f"{numbers.in_ms(e.geometric_mean_s)} ms"
        for engine, e in summary.by_engine.items()
    )
    return Drawing(
        "totals",
        f"Total and geometric mean over {of}. {said}.",
        f"Medians of the hot runs, over {of}: those with a valid latency on every engine."
        + (f" Left out: {', '.join(left)}." if left else ""),
        sheet.figure,
    )
