"""Tasks as a flat table: one row a task, columns added but never renamed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.lifecycle.samples import lifecycle_samples
from neuralake.results.phases.export import OF_THE_PHASE, tasks_of
from neuralake.results.phases.samples import TASKS

SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("plan", pa.string()),
        *OF_THE_PHASE,
        ("series", pa.string()),
        ("turn", pa.int32()),
        *TASKS,
    ]
)


def lifecycle_table(run: LifecycleRun, directory: Path) -> pa.Table:
    """All tasks of a run, in :data:`SCHEMA`.

    Statuses are as they were measured, with ``wrong`` for an answer that was found wrong, and for
    a change after which a table was.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    planned = {phase.name: phase for phase in run.header.phases}
    tables = []
    for phase in run.phases:
        tasks = tasks_of(phase, directory, lifecycle_samples(phase, directory))
        own = planned[phase.key.phase]
        for name, value, kind in (
            ("run", run.header.id, pa.string()),
            ("plan", run.header.plan, pa.string()),
            ("series", own.series, pa.string()),
            ("turn", own.turn, pa.int32()),
        ):
            tasks = tasks.append_column(name, pa.array([value] * tasks.num_rows, kind))
        tables.append(tasks.select(SCHEMA.names).cast(SCHEMA))
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()
