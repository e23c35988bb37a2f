"""Requests as a flat table: one row a request, columns added but never renamed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from neuralake.results.parts import Part, read_part
from neuralake.results.serving.records import ServingRun
from neuralake.results.serving.samples import REQUESTS

_OF_THE_ROUND = [
    ("run", pa.string()),
    ("contestant", pa.string()),
    ("rate", pa.string()),
    ("offered", pa.float64()),
    ("round", pa.int32()),
]
SCHEMA = pa.schema([*_OF_THE_ROUND, *REQUESTS, ("latency_ns", pa.int64()), ("late_ns", pa.int64())])


def requests_table(run: ServingRun, directory: Path) -> pa.Table:
    """All requests of a run, in :data:`SCHEMA`: those of warm-ups and of searches included.

    ``latency_ns`` counts from the moment at which the request was due, ``late_ns`` is how long
    after it the request was sent. Requests of a search for the capacity have no rate.

    Parameters
    ----------
    run
        Finished or interrupted.
    directory
        Of the run, where its part files lie.
    """
    name = run.header.id
    tables = [
        _of_parts(directory, found.parts, (name, found.contestant, None, None, None))
        for found in run.capacities
        if found.parts
    ]
    tables += [
        _of_parts(
            directory,
            found.parts,
            (name, found.key.contestant, found.key.rate, found.offered, found.key.round),
        )
        for found in run.rounds
        if found.parts
    ]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _of_parts(directory: Path, parts: Sequence[Part], values: tuple[object, ...]) -> pa.Table:
    requests = pa.concat_tables([read_part(directory, part) for part in parts])
    same = [
        pa.repeat(pa.scalar(value, kind), requests.num_rows)
        for value, (_, kind) in zip(values, _OF_THE_ROUND, strict=True)
    ]
    latency = pc.subtract(requests["done_ns"], requests["intended_ns"])
    late = pc.subtract(requests["started_ns"], requests["intended_ns"])
    return pa.table([*same, *requests.columns, latency, late], schema=SCHEMA)
