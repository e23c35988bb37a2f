"""From results to a history."""

from __future__ import annotations

from pathlib import Path

from neuralake.history.analysis import Criteria, analyse
from neuralake.history.commits import read_line
from neuralake.history.records import History
from neuralake.history.series import Chosen, make_series, read_measurements


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
