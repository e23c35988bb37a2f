"""Every kind of a comparison's page, written for the tests in a browser."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.comparison import write_comparison_report
from tests.report.comparison.make import (
    change,
    made_comparison,
    made_engine,
    nasty_comparison,
    slower_engine,
    troubled_comparison,
    unchanged_engine,
)

PAGES = ("whole", "troubled", "nasty", "many", "empty")


def write_pages(root: Path) -> None:
    """A report of each name in a directory."""
    queries = [change(f"a query named {n}", "unchanged") for n in range(110)]
    comparisons = {
        "whole": made_comparison(slower_engine(), unchanged_engine()),
        "troubled": troubled_comparison(),
        "nasty": nasty_comparison(),
        "many": made_comparison(made_engine("polars", change(None, "unchanged"), queries)),
        "empty": made_comparison(finished_at=None),
    }
    assert tuple(comparisons) == PAGES
    for name, comparison in comparisons.items():
        write_comparison_report(comparison, root / name)
