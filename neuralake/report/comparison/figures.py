"""Figures of a comparison, as SVG and PNG."""

from __future__ import annotations

from dataclasses import replace

from neuralake.report.comparison.forest import forest
from neuralake.report.figures.render import Picture, drawing_style, render, render_inline
from neuralake.results.comparison import Comparison


def forest_pictures(comparison: Comparison) -> list[Picture]:
    """The forest plot of each engine."""
    with drawing_style(comparison.id):
        return [
            replace(
                render(forest(comparison, engine, number)),
                narrow=render_inline(forest(comparison, engine, number, narrow=True)).inline,
            )
            for number, engine in enumerate(comparison.engines, start=1)
        ]
