"""The report of a run of lifecycle: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.lifecycle.records import LifecycleRun


def write_lifecycle_report(run: LifecycleRun, directory: Path, to: Path) -> Report:
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


def _contents(run: LifecycleRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.lifecycle.figures import lifecycle_pictures
    from neuralake.report.lifecycle.markdown import lifecycle_markdown
    from neuralake.report.lifecycle.page import lifecycle_page
    from neuralake.results.lifecycle.summary import summarise_lifecycle

    summary = summarise_lifecycle(run, directory)
    pictures = lifecycle_pictures(run, summary)
    page = lifecycle_page(run, summary, pictures)
    return files(page, lifecycle_markdown(run, summary), pictures)
