"""Progress where somebody looks: on a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console

from neuralake.arms.pairs import Observer as ComparisonObserver
from neuralake.arms.pairs import Terms
from neuralake.report.comparison.progress import ComparisonProgress
from neuralake.report.run.progress import BenchProgress
from neuralake.workloads.plan import Observer, Plan


def bench_progress(plan: Plan) -> AbstractContextManager[Observer]:
    """Who is told of the steps of a bench."""
    return BenchProgress(Console(stderr=True, highlight=False), plan)


def comparison_progress(terms: Terms) -> AbstractContextManager[ComparisonObserver]:
    """Who is told of the steps of a comparison."""
    return ComparisonProgress(Console(stderr=True, highlight=False), terms)
