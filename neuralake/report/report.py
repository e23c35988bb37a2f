"""The report of one run or several: a page, a Markdown summary and figures, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.records import Run


def write_report(runs: Sequence[Run], directory: Path) -> Report:
    """Write the report of one run, or of several that are compared.

    The same runs give the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    runs
        One or more; the first is the base of a comparison.
    directory
        Made if absent, with its parents.

    Raises
    ------
    ResultsError
        If the runs cannot be compared, matplotlib is missing, the directory cannot be written, or
        it holds anything that is no part of a report.
    """
    return place_report(directory, lambda: _contents(runs))


def _contents(runs: Sequence[Run]) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    from neuralake.report import figures
    from neuralake.report.comparison import compare_runs
    from neuralake.report.markdown import run_markdown, runs_markdown
    from neuralake.report.page.run import run_page
    from neuralake.report.page.runs import runs_page
    from neuralake.report.summary import summarise

    if len(runs) == 1:
        run, summary = runs[0], summarise(runs[0])
        pictures = figures.run_pictures(run, summary)
        return files(run_page(run, summary, pictures), run_markdown(run, summary), pictures)
    comparison = compare_runs(runs)
    pictures = figures.comparison_pictures(comparison)
    for number, (run, summary) in enumerate(zip(runs, comparison.summaries, strict=True), 1):
        pictures += figures.latency_picture(run, summary, number)
    return files(runs_page(comparison, pictures), runs_markdown(comparison), pictures)
