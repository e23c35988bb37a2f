"""Commits as a flat table: one row a commit, columns added but never renamed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.ingest.records import IngestRun, Round
from neuralake.results.ingest.samples import COMMITS
from neuralake.results.parts import read_part

_OF_THE_ROUND = [
    ("run", pa.string()),
    ("contestant", pa.string()),
    ("is_maintained", pa.bool_()),
    ("round", pa.int32()),
    ("rate", pa.float64()),
    ("reader", pa.string()),
    ("status", pa.string()),
]
SCHEMA = pa.schema([*_OF_THE_ROUND, *COMMITS, ("latency_ns", pa.int64()), ("late_ns", pa.int64())])


def commits_table(run: IngestRun, directory: Path) -> pa.Table:
    """All commits of a run, those of warm-ups included, in :data:`SCHEMA`.

    ``latency_ns`` counts from the moment at which the batch was due, ``late_ns`` is how long after
    it a producer came to it. The status is the round's: ``wrong`` where its table does not hold
    what was acknowledged.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    tables = [
        _of_a_round(run, found, read_part(directory, part))
        for found in run.rounds
        for part in found.parts
    ]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _of_a_round(run: IngestRun, found: Round, commits: pa.Table) -> pa.Table:
    key = found.key
    values = (
        run.header.id,
        key.case.contestant,
        key.case.is_maintained,
        key.round,
        key.rate,
        key.reader,
        "wrong" if key in run.wrong else found.status,
    )
    same = [
        pa.repeat(pa.scalar(value, kind), commits.num_rows)
        for value, (_, kind) in zip(values, _OF_THE_ROUND, strict=True)
    ]
    latency = pc.subtract(commits["done_ns"], commits["intended_ns"])
    late = pc.subtract(commits["started_ns"], commits["intended_ns"])
    return pa.table([*same, *commits.columns, latency, late], schema=SCHEMA)
