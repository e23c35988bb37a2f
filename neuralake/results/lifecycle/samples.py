"""The tasks of a phase, judged by their answers, and by the tables that they left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuralake.results.phases.records import PhaseRecord
from neuralake.results.phases.samples import TaskSample, judged_samples

_ROWS_OF = "rows of "


def end_check_name(table: str) -> str:
    """Name of the check of a table's rows at the end of a phase."""
    return f"{_ROWS_OF}{table}"


def wrong_tables(phase: PhaseRecord) -> dict[str, str]:
    """Tables that held other rows at the end of a phase than they must, with what was found."""
    return {
        check.name.removeprefix(_ROWS_OF): check.detail or ""
        for check in phase.end
        if check.is_right is False and check.name.startswith(_ROWS_OF)
    }


def lifecycle_samples(phase: PhaseRecord, directory: Path) -> list[TaskSample]:
    """The tasks of a phase; a change of a table that held wrong rows afterwards is ``wrong``.

    Parameters
    ----------
    phase
        As the journal has it.
    directory
        Of the run.

    Raises
    ------
    ResultsError
        If its samples are absent or damaged.
    """
    wrong = wrong_tables(phase)
    found = []
    for sample in judged_samples(phase, directory):
        own = wrong.keys() & sample.versions.keys()
        if own and sample.kind != "query" and sample.status == "ok":
            table = min(own)
            message = f"table {table}: {wrong[table]}"
            sample = replace(sample, status="wrong", message=message)  # noqa: PLW2901
        found.append(sample)
    return found
