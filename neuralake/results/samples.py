"""Executions of runs of queries as a flat table: one row an execution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from neuralake.results.records import Run, Sample

TIME = pa.timestamp("us", tz="UTC")
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
        ("started_time", TIME),
        ("workload", pa.string()),
        ("scale_factor", pa.float64()),
        ("commit", pa.string()),
        ("dirty", pa.bool_()),
        ("neuralake", pa.string()),
        ("engine_versions", pa.string()),
        ("bytes_written", pa.int64()),
        ("instructions", pa.int64()),
    ]
)
_OF_A_SAMPLE = [field.name for field in fields(Sample)]


def samples_table(runs: Iterable[Run]) -> pa.Table:
    """All samples of some runs, one row a sample, in :data:`SCHEMA`."""
    rows = []
    for run in runs:
        header = run.header
        versions = {engine.name: listed(engine.versions) for engine in run.engines}
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
    return table_of(rows, SCHEMA)


def table_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table."""
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def listed(versions: Mapping[str, str]) -> str:
    """Versions in one text."""
    return ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
