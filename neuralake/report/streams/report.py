"""The report of a run of streams: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.streams.records import StreamsRun


def write_streams_report(run: StreamsRun, directory: Path, to: Path) -> Report:
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


def _contents(run: StreamsRun, directory: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.streams.figures import streams_pictures
    from neuralake.report.streams.markdown import streams_markdown
    from neuralake.report.streams.page import streams_page
    from neuralake.results.streams.summary import summarise_streams

    summary = summarise_streams(run, directory)
    pictures = streams_pictures(run, summary)
    return files(streams_page(run, summary, pictures), streams_markdown(run, summary), pictures)
