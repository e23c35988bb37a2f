"""Every kind of a comparison, for the tests of its page in a browser."""

from __future__ import annotations

from collections.abc import Callable

from neuralake.results.comparison import Comparison
from tests.report.comparison.make import (
    change,
    made_comparison,
    made_engine,
    nasty_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)


def _many() -> Comparison:
    queries = [change(f"a query named {n}", "unchanged") for n in range(110)]
    return made_comparison(made_engine("polars", change(None, "unchanged"), queries))


COMPARISONS: dict[str, Callable[[], Comparison]] = {
    "whole": lambda: made_comparison(slower_engine(), unchanged_engine()),
    "troubled": troubled_comparison,
    "nasty": nasty_comparison,
    "many": _many,
    "empty": lambda: made_comparison(finished_at=None),
}
