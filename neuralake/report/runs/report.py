"""The report of several runs: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.records import Run


def write_runs_report(runs: Sequence[Run], directory: Path) -> Report:
    """Write the report of several runs, the later ones against the first.

    The same runs give the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    runs
        Two or more; the first is the base.
    directory
        Made if absent, with its parents.

    Raises
    ------
    ResultsError
        If the runs cannot be compared, a package of the extra ``report`` is missing, the directory
        cannot be written, or it holds anything that is no part of a report.
    """
    return place_report(directory, lambda: _contents(runs))


def _contents(runs: Sequence[Run]) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.runs.figures import runs_pictures
    from neuralake.report.runs.markdown import runs_markdown
    from neuralake.report.runs.page import runs_page
    from neuralake.report.runs.summary import summarise_runs

    summary = summarise_runs(runs)
    pictures = runs_pictures(summary)
    return files(runs_page(summary, pictures), runs_markdown(summary), pictures)
