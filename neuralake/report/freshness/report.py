"""What the report of a run of freshness holds: a page, a Markdown summary and figures."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import files
from neuralake.results.freshness.records import FreshnessRun


def freshness_report(run: FreshnessRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report of a run in a directory, by its name."""
    from neuralake.report.freshness.figures import freshness_pictures
    from neuralake.report.freshness.markdown import freshness_markdown
    from neuralake.report.freshness.page import freshness_page
    from neuralake.results.freshness.summary import summarise_freshness

    summary = summarise_freshness(run, directory)
    pictures = freshness_pictures(run, summary, directory)
    page = freshness_page(run, summary, pictures)
    return files(page, freshness_markdown(run, summary), pictures)
