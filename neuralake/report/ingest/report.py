"""The report of a run of ingest: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.ingest.records import IngestRun


def write_ingest_report(run: IngestRun, directory: Path, to: Path) -> Report:
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


def _contents(run: IngestRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.ingest.figures import ingest_pictures
    from neuralake.report.ingest.markdown import ingest_markdown
    from neuralake.report.ingest.page import ingest_page
    from neuralake.results.ingest.summary import summarise_ingest

    summary = summarise_ingest(run, directory)
    pictures = ingest_pictures(run, summary)
    return files(ingest_page(run, summary, pictures), ingest_markdown(run, summary), pictures)
