"""The report of a history: a page, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neuralake.history.records import History
from neuralake.report.placing import PAGE, place_report


def write_history(history: History, directory: Path) -> Path:
    """Write the page, in place of a report that lies in the directory.

    Raises
    ------
    ResultsError
        If a package of the extra ``report`` is missing, or the page cannot be written.
    """
    from neuralake.report.history.page import history_page

    place_report(directory, lambda: {PAGE: history_page(history).encode()})
    return directory / PAGE
