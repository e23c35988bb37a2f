"""The report of a run: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.records import Run
from neuralake.results.texts import NO_TEXTS, Texts


def write_run_report(run: Run, directory: Path, texts: Texts = NO_TEXTS) -> Report:
    """Write the report of a run.

    The same run gives the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Made if absent, with its parents.
    texts
        SQL and plans, as :func:`~neuralake.results.texts.read_texts` finds them in the run's
        directory.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, the directory cannot be written, or it
        holds anything that is no part of a report.
    """
    return place_report(directory, lambda: run_report(run, texts))


def run_report(run: Run, texts: Texts) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report.run.figures import run_pictures
    from neuralake.report.run.markdown import run_markdown
    from neuralake.report.run.page import run_page
    from neuralake.results.summary import summarise

    summary = summarise(run)
    pictures = run_pictures(run, summary)
    return files(run_page(run, summary, pictures, texts), run_markdown(run, summary), pictures)
