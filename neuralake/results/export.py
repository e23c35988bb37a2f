"""Executions as a flat table: one row an execution, columns added but never renamed."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from neuralake.results.comparison import SIDES, Comparison, Pair
from neuralake.results.comparisons import is_comparison, load_comparison
from neuralake.results.pairs import PAIRS, read_pairs
from neuralake.results.records import Run, Sample
from neuralake.results.store import load_run

_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("engine", pa.string()),
        ("phase", pa.string()),
        ("query", pa.string()),
        ("round", pa.int32()),
        ("status", pa.string()),
        ("wall_ns", pa.int64()),
        ("cpu_ns", pa.int64()),
        ("peak_rss_bytes", pa.int64()),
        ("bytes_read", pa.int64()),
        ("rows", pa.int64()),
        ("digest", pa.string()),
        ("started_at", pa.string()),
        ("message", pa.string()),
        ("process", pa.int32()),
        ("cached_bytes", pa.int64()),
        ("throttled_periods", pa.int64()),
        ("throttled_ns", pa.int64()),
        ("started_time", _TIME),
        ("workload", pa.string()),
        ("scale_factor", pa.float64()),
        ("commit", pa.string()),
        ("dirty", pa.bool_()),
        ("neuralake", pa.string()),
        ("engine_versions", pa.string()),
    ]
)
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
        ("compared_time", _TIME),
    ]
)
_OF_A_SAMPLE = [field.name for field in fields(Sample)]


def samples_table(runs: Iterable[Run]) -> pa.Table:
    """All samples of some runs, one row a sample, in :data:`SCHEMA`."""
    rows = []
    for run in runs:
        header = run.header
        versions = {engine.name: _listed(engine.versions) for engine in run.engines}
        of_the_run = {
            "run": header.id,
            "workload": header.workload,
            "scale_factor": header.scale_factor,
            "commit": header.fingerprint.commit,
            "dirty": header.fingerprint.dirty,
            "neuralake": header.fingerprint.neuralake,
        }
        for sample in run.samples:
            own = {name: getattr(sample, name) for name in _OF_A_SAMPLE}
            own["started_time"] = datetime.fromisoformat(sample.started_at)
            rows.append(of_the_run | own | {"engine_versions": versions.get(sample.engine)})
    return _table(rows, SCHEMA)


def pairs_table(comparisons: Iterable[tuple[Comparison, Iterable[Pair]]]) -> pa.Table:
    """All executions of some comparisons, two rows a pair, in :data:`PAIRS_SCHEMA`."""
    rows: list[dict[str, Any]] = []
    for comparison, pairs in comparisons:
        versions = {
            e.engine: {s: _listed(v) for s, v in e.versions.items()} for e in comparison.engines
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
                }
                for side in SIDES
            )
    return _table(rows, PAIRS_SCHEMA)


def export_samples(runs: Iterable[Run], format: Literal["csv", "parquet"]) -> bytes:
    """All samples of some runs as CSV with a header line, or as Parquet."""
    return written(samples_table(runs), format)


def export(directories: Sequence[Path], format: Literal["csv", "parquet"]) -> bytes:
    """Everything that was measured in some runs, or in some comparisons.

    Parameters
    ----------
    directories
        All of runs (:func:`samples_table`), or all of comparisons (:func:`pairs_table`).
    format
        CSV with a header line, or Parquet.

    Raises
    ------
    ResultsError
        If one of them cannot be read.
    """
    if directories and is_comparison(directories[0]):
        each = [(load_comparison(d), read_pairs(d / PAIRS)) for d in directories]
        return written(pairs_table(each), format)
    return export_samples(map(load_run, directories), format)


def written(table: pa.Table, format: Literal["csv", "parquet"]) -> bytes:
    """A table as CSV with a header line, or as Parquet."""
    sink = io.BytesIO()
    if format == "csv":
        pacsv.write_csv(table, sink)
    else:
        pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
