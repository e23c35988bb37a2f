"""Queries and refreshes as a flat table: one row a task, columns added but never renamed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from neuralake.results.phases.export import OF_THE_PHASE, tasks_of
from neuralake.results.phases.samples import TASKS
from neuralake.results.streams.records import StreamsRun, streams_of

SCHEMA = pa.schema([("run", pa.string()), *OF_THE_PHASE, ("streams", pa.int32()), *TASKS])


def tasks_table(run: StreamsRun, directory: Path) -> pa.Table:
    """All queries and refreshes of a run, in :data:`SCHEMA`.

    ``streams`` is how many ran at once; 0 in the power run. Statuses are as they were measured,
    with ``wrong`` for an answer that was found wrong.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    tables = []
    for phase in run.phases:
        tasks = tasks_of(phase, directory)
        tasks = tasks.append_column(
            "streams", pa.array([streams_of(phase.key.phase)] * tasks.num_rows, pa.int32())
        )
        tasks = tasks.append_column("run", pa.array([run.header.id] * tasks.num_rows, pa.string()))
        tables.append(tasks.select(SCHEMA.names).cast(SCHEMA))
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()
