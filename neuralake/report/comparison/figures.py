"""Figures of a comparison, as SVG and PNG."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from neuralake.report.comparison.beside import side_by_side
from neuralake.report.comparison.forest import forest
from neuralake.report.comparison.scatter import scatter
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


def scatter_pictures(comparison: Comparison) -> list[Picture]:
    """The scatter plot of each engine that was timed and counted."""
    if comparison.counted is None:
        return []
    counted = {engine.engine: engine.queries for engine in comparison.counted.engines}
    found = []
    with drawing_style(comparison.id):
        for number, engine in enumerate(comparison.engines, start=1):
            pairs = list(side_by_side(counted.get(engine.engine, ()), engine.queries))
            if pairs:
                plot = partial(scatter, engine.engine, pairs, number, comparison.workload)
                narrow = render_inline(plot(narrow=True)).inline
                found.append(replace(render(plot()), narrow=narrow))
    return found
