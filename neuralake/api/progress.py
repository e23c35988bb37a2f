"""Progress of what a program started, where somebody looks: on a terminal, in a notebook."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console

from neuralake.arms.terms import Observer as ComparisonObserver
from neuralake.arms.terms import Terms
from neuralake.report.colour import console_options
from neuralake.report.comparison.progress import ComparisonProgress
from neuralake.report.line import is_redrawn, line_where_somebody_looks
from neuralake.report.run.progress import BenchProgress
from neuralake.workloads.plan import Observer, Plan


def bench_progress(plan: Plan) -> AbstractContextManager[Observer]:
    """Who is told of the steps of a bench."""
    console = _console()
    line = None if is_redrawn(console) else line_where_somebody_looks(console)
    return BenchProgress(console, plan, line)


def comparison_progress(terms: Terms) -> AbstractContextManager[ComparisonObserver]:
    """Who is told of the steps of a comparison."""
    return ComparisonProgress(line_where_somebody_looks(_console()), terms)


def _console() -> Console:
    # rich would print into the output of a notebook's cell, beside the line that is told there
    return Console(**console_options(stderr=True), force_jupyter=False)
