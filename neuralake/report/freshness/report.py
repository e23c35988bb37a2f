"""The report of a run of freshness: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.freshness.records import FreshnessRun


def write_freshness_report(run: FreshnessRun, directory: Path, to: Path) -> Report:
    """Write the report of a run.

    The same run gives the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its samples lie.
    to
        Directory of the report; made if absent, with its parents.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, samples are damaged, the directory cannot
        be written, or it holds anything that is no part of a report.
    """
    return place_report(to, lambda: _contents(run, directory))


def _contents(run: FreshnessRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.freshness.figures import freshness_pictures
    from neuralake.report.freshness.markdown import freshness_markdown
    from neuralake.report.freshness.page import freshness_page
    from neuralake.results.freshness.summary import summarise_freshness

    summary = summarise_freshness(run, directory)
    pictures = freshness_pictures(run, summary, directory)
    page = freshness_page(run, summary, pictures)
    return files(page, freshness_markdown(run, summary), pictures)
