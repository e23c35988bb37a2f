"""Polls as a flat table: one row a poll, columns added but never renamed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.freshness.records import FreshnessRun, Parts, Round
from neuralake.results.freshness.samples import POLLS
from neuralake.results.parts import read_part

_OF_THE_ROUND = [
    ("run", pa.string()),
    ("source", pa.string()),
    ("rate", pa.float64()),
    ("is_compacted", pa.bool_()),
    ("reader", pa.string()),
    ("round", pa.int32()),
    ("status", pa.string()),
]
_OF_THE_ANSWER = [("latency_ns", pa.int64()), ("records_seen", pa.int64())]
SCHEMA = pa.schema([*_OF_THE_ROUND, *POLLS, *_OF_THE_ANSWER])


def polls_table(run: FreshnessRun, directory: Path) -> pa.Table:
    """All polls of a run, those of warm-ups and pauses included, in :data:`SCHEMA`.

    ``latency_ns`` counts from the moment at which the poll was due; ``records_seen`` is how many
    records the answer held, of all producers. The status is the round's: ``wrong`` where an answer
    was impossible, a record missing, or the table not right.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    tables = [
        _of_a_round(run, found, found.parts, directory)
        for found in run.rounds
        if found.parts is not None
    ]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _of_a_round(run: FreshnessRun, found: Round, parts: Parts, directory: Path) -> pa.Table:
    case = found.key.case
    polls = read_part(directory, parts.polls)
    values = (
        run.header.id,
        run.header.load.source,
        case.rate,
        case.is_compacted,
        case.reader,
        found.key.round,
        "wrong" if found.key in run.wrong else found.status,
    )
    same = [
        pa.repeat(pa.scalar(value, kind), polls.num_rows)
        for value, (_, kind) in zip(values, _OF_THE_ROUND, strict=True)
    ]
    latency = pc.subtract(polls["answered_ns"], polls["due_ns"])
    sightings = read_part(directory, parts.sightings)
    seen = sightings.group_by("query").aggregate([("end", "sum")])
    places = pc.index_in(polls["query"], value_set=seen["query"])
    held = pc.take(seen["end_sum"], places)
    return pa.table([*same, *polls.columns, latency, held], schema=SCHEMA)
