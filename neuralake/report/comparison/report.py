"""The report of a comparison: a page, a Markdown comment and forest plots, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.report.placing import Report, files, place_report
from neuralake.results.comparison import Comparison


def write_comparison_report(comparison: Comparison, directory: Path) -> Report:
    """Write the report of a comparison.

    The same comparison gives the same bytes. A report that lies in the directory is replaced.

    Parameters
    ----------
    comparison
        Finished or interrupted.
    directory
        Made if absent, with its parents.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, the directory cannot be written, or it
        holds anything that is no part of a report.
    """
    return place_report(directory, lambda: _contents(comparison))


def _contents(comparison: Comparison) -> dict[str, bytes]:
    from neuralake.report.comparison.figures import forest_pictures, scatter_pictures
    from neuralake.report.comparison.markdown import comparison_markdown
    from neuralake.report.comparison.page import comparison_page

    pictures = [*forest_pictures(comparison), *scatter_pictures(comparison)]
    page = comparison_page(comparison, pictures)
    return files(page, comparison_markdown(comparison), pictures)
