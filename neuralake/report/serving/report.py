"""The report of a run of serving: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.serving.records import ServingRun


def write_serving_report(run: ServingRun, directory: Path, to: Path) -> Report:
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


def _contents(run: ServingRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.serving.figures import serving_pictures
    from neuralake.report.serving.markdown import serving_markdown
    from neuralake.report.serving.page import serving_page
    from neuralake.results.serving.summary import summarise_serving

    summary = summarise_serving(run, directory)
    pictures = serving_pictures(run, summary)
    return files(serving_page(run, summary, pictures), serving_markdown(run, summary), pictures)
