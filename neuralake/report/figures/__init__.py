"""Figures of one run and of several, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from neuralake.report.comparison import Comparison
from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.forest import forest
from neuralake.report.figures.latency import cold, latency
from neuralake.report.figures.ratios import ratios
from neuralake.report.figures.render import Picture, drawing_style, render
from neuralake.report.figures.resources import cpu, memory
from neuralake.report.figures.runs import exponents, run_against_run, scaling
from neuralake.report.figures.totals import totals
from neuralake.report.summary import Summary
from neuralake.results import comparison as paired
from neuralake.results.records import Run

MOST_RUNS = 6


def run_pictures(run: Run, summary: Summary) -> list[Picture]:
    """All figures of one run: those for which it has numbers."""
    if not summary.engines:
        return []
    with drawing_style(run.header.id):
        return _rendered(
            draw(run, summary) for draw in (latency, totals, ratios, cold, memory, cpu)
        )


def latency_picture(run: Run, summary: Summary, number: int) -> list[Picture]:
    """The latency of one run among several; none if no engine ran."""
    if not summary.engines:
        return []
    with drawing_style(run.header.id):
        return _rendered([replace(latency(run, summary), name=f"latency-{number}")])


def comparison_pictures(comparison: Comparison) -> list[Picture]:
    """Figures of several runs: the first six later ones of equal size, and scaling."""
    with drawing_style(" ".join(run.header.id for run in comparison.runs)):
        later = [n for n in range(1, len(comparison.runs)) if comparison.is_same_size(n)]
        drawn = [run_against_run(comparison, number) for number in later[:MOST_RUNS]]
        return _rendered([*drawn, scaling(comparison), exponents(comparison)])


def forest_pictures(comparison: paired.Comparison) -> list[Picture]:
    """The forest plot of each engine of a paired comparison."""
    with drawing_style(comparison.id):
        numbered = enumerate(comparison.engines, start=1)
        return _rendered(forest(comparison, engine, number) for number, engine in numbered)


def _rendered(drawings: Iterable[Drawing | None]) -> list[Picture]:
    return [render(drawing) for drawing in drawings if drawing is not None]
