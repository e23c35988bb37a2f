"""The tasks of a phase as a flat table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from neuralake.results.phases.records import PhaseRecord
from neuralake.results.phases.samples import TASKS, TaskSample, judged_samples

OF_THE_PHASE = (
    ("engine", pa.string()),
    ("phase", pa.string()),
    ("repetition", pa.int32()),
)


def tasks_of(
    phase: PhaseRecord, directory: Path, samples: Sequence[TaskSample] | None = None
) -> pa.Table:
    """The tasks of a phase, one a row; those whose answers were wrong have this as their status.

    Parameters
    ----------
    phase
        As the journal has it.
    directory
        Of the run, where its part files lie.
    samples
        Of the phase where more is known of them than what its answers were.
    """
    judged = judged_samples(phase, directory) if samples is None else samples
    rows = [sample.row() for sample in judged]
    columns = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(TASKS)]
    tasks = pa.table(columns, schema=TASKS)
    key = phase.key
    for value, (name, kind) in zip(
        (key.engine, key.phase, key.repetition), OF_THE_PHASE, strict=True
    ):
        tasks = tasks.append_column(name, pa.array([value] * tasks.num_rows, kind))
    return tasks
