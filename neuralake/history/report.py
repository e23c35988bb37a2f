"""From results to a history, and from there to its page."""

from __future__ import annotations

from pathlib import Path

from neuralake.history.analysis import Criteria, analyse
from neuralake.history.commits import read_line
from neuralake.history.records import History
from neuralake.history.series import Chosen, make_series, read_measurements
from neuralake.report.placing import PAGE, place_report


def find_history(root: Path, repository: Path, chosen: Chosen, criteria: Criteria) -> History:
    """Read results, order them by the commits of a repository, and find what changed.

    Parameters
    ----------
    root
        Results root, or asv's ``results_dir``.
    repository
        A directory in the repository.
    chosen
        Which series.
    criteria
        What counts as a change.

    Raises
    ------
    HistoryError, ResultsError
        If there is nothing to analyse, or results or commits cannot be read.
    """
    measurements, unread = read_measurements(root)
    series, omissions = make_series(measurements, read_line(repository), chosen)
    return analyse(series, [*unread, *omissions], criteria)


def write_history(history: History, directory: Path) -> Path:
    """Write the page, in place of a report that lies in the directory.

    Raises
    ------
    ResultsError
        If matplotlib is missing, or the page cannot be written.
    """
    from neuralake.history.page import history_page

    place_report(directory, lambda: {PAGE: history_page(history).encode()})
    return directory / PAGE
