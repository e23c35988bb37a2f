"""Figures of a comparison, as SVG and PNG."""

from __future__ import annotations

from neuralake.report.comparison.forest import forest
from neuralake.report.figures.render import Picture, drawing_style, rendered
from neuralake.results.comparison import Comparison


def forest_pictures(comparison: Comparison) -> list[Picture]:
    """The forest plot of each engine."""
    with drawing_style(comparison.id):
        numbered = enumerate(comparison.engines, start=1)
        return rendered(forest(comparison, engine, number) for number, engine in numbered)
