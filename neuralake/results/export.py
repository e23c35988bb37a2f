"""Executions as a flat table: one row an execution, columns added but never renamed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from neuralake.errors import ResultsError
from neuralake.results.comparison import SIDES, Comparison, Pair
from neuralake.results.comparisons import is_comparison, load_comparison
from neuralake.results.pairs import PAIRS, read_pairs
from neuralake.results.samples import TIME, listed, table_of
from neuralake.results.store import load_any

PAIRS_SCHEMA = pa.schema(
    [
        ("comparison", pa.string()),
        ("engine", pa.string()),
        ("query", pa.string()),
        ("arm", pa.string()),
        ("process", pa.int32()),
        ("round", pa.int32()),
        ("came_first", pa.bool_()),
        ("wall_ns", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("workload", pa.string()),
        ("scale_factor", pa.float64()),
        ("commit", pa.string()),
        ("options", pa.string()),
        ("engine_versions", pa.string()),
        ("compared_time", TIME),
        ("instructions", pa.int64()),
        ("cycles", pa.int64()),
    ]
)


def pairs_table(comparisons: Iterable[tuple[Comparison, Iterable[Pair]]]) -> pa.Table:
    """All executions of some comparisons, two rows a pair, in :data:`PAIRS_SCHEMA`."""
    rows: list[dict[str, Any]] = []
    for comparison, pairs in comparisons:
        versions = {
            e.engine: {s: listed(v) for s, v in e.versions.items()} for e in comparison.engines
        }
        arms = {"base": comparison.base, "candidate": comparison.candidate}
        for pair in pairs:
            rows += (
                {
                    "comparison": comparison.id,
                    "engine": pair.engine,
                    "query": pair.query,
                    "arm": side,
                    "process": pair.processes,
                    "round": pair.round,
                    "came_first": pair.base_first == (side == "base"),
                    "wall_ns": getattr(pair, f"{side}_wall_ns"),
                    "cpu_ns": getattr(pair, f"{side}_cpu_ns"),
                    "workload": comparison.workload,
                    "scale_factor": comparison.scale_factor,
                    "commit": arms[side].commit or None,
                    "options": " ".join((*arms[side].requirements, *arms[side].options)),
                    "engine_versions": versions.get(pair.engine, {}).get(side),
                    "compared_time": datetime.fromisoformat(comparison.created_at),
                    "instructions": getattr(pair, f"{side}_instructions"),
                    "cycles": getattr(pair, f"{side}_cycles"),
                }
                for side in SIDES
            )
    return table_of(rows, PAIRS_SCHEMA)


def export(directories: Sequence[Path], format: Literal["csv", "parquet"]) -> bytes:
    """Everything that was measured in some runs, or in some comparisons.

    Parameters
    ----------
    directories
        All of runs of one kind, or all of comparisons (:func:`pairs_table`).
    format
        CSV with a header line, or Parquet.

    Raises
    ------
    ResultsError
        If one of them cannot be read, or is a run of another kind than the first.
    """
    if directories and is_comparison(directories[0]):
        each = [(load_comparison(d), read_pairs(d / PAIRS)) for d in directories]
        return written(pairs_table(each), format)
    tables: list[pa.Table] = []
    kinds = []
    for directory in directories:
        kind, run = load_any(directory)
        tables.append(kind.samples(run, directory))
        kinds.append(kind.name)
    if len(set(kinds)) > 1:
        other = next(i for i, kind in enumerate(kinds) if kind != kinds[0])
        raise ResultsError(
            f"{directories[0].name} is a run of {kinds[0]}, and {directories[other].name} one of "
            f"{kinds[other]}: their samples are no one table"
        )
    return written(pa.concat_tables(tables), format)


def written(table: pa.Table, format: Literal["csv", "parquet"]) -> bytes:
    """A table as CSV with a header line, or as Parquet."""
    sink = io.BytesIO()
    if format == "csv":
        pacsv.write_csv(table, sink)
    else:
        pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
