"""The steps of an append, of contestants that tell them."""

from __future__ import annotations

from neuralake.report.figures.chart import CHARACTER_IN, Sheet
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.latency import label_x
from neuralake.report.figures.palette import GRID, INK, marks
from neuralake.report.ingest import words
from neuralake.report.latency import in_ms
from neuralake.results.ingest.records import IngestRun
from neuralake.results.ingest.summary import STEPS, IngestSummary

_ROW_IN = 0.3


def steps(run: IngestRun, summary: IngestSummary) -> Drawing | None:  # noqa: ARG001 - as others
    """Medians of the steps, one after another."""
    lines = [line for line in summary.lines if line.steps_ms]
    if not lines:
        return None
    with_rate = len({line.rate for line in lines}) > 1
    names = [words.label(line, with_rate=with_rate) for line in lines]
    by_step = marks(STEPS)
    sheet = Sheet(
        "Steps of an append, median ms", tuple(by_step.values()), _ROW_IN * len(lines) + 0.05
    )
    left_in = 0.24 + CHARACTER_IN * max(map(len, names))
    axes = sheet.axes(left_in, 0.5)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    longest = max(sum(line.steps_ms.values()) for line in lines)
    axes.set_xlim(0, longest)
    for row, line in enumerate(lines):
        at = 0.0
        for step, mark in by_step.items():
            width = line.steps_ms.get(step, 0.0)
            axes.barh(row, width, left=at, height=0.55, color=mark.colour, linewidth=0)
            at += width
        axes.annotate(
            in_ms(at),
            (at, row),
            (4, 0),
            textcoords="offset points",
            size=8,
            color=INK,
            va="center_baseline",
            annotation_clip=False,
        )
    label_x(axes, "ms")
    said = "; ".join(
        f"{name}: " + ", ".join(f"{k} {in_ms(v)}" for k, v in line.steps_ms.items())
        for name, line in zip(names, lines, strict=True)
    )
    return Drawing(
        "steps",
        f"Steps of an append, medians in ms. {said}.",
        "Medians of each step by itself, put in a row: wait for the commit under "
        "way, conform to the table, encode, write the data file, commit the entry.",
        sheet.figure,
    )
