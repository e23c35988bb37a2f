"""Samples as a flat table: one row a sample, columns added but never renamed."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from neuralake.results.records import Run

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
    ]
)


def samples_table(runs: Iterable[Run]) -> pa.Table:
    """All samples of some runs, in :data:`SCHEMA`."""
    rows = [(run.header.id, sample) for run in runs for sample in run.samples]
    columns = [[run for run, _ in rows]]
    columns += [[getattr(sample, name) for _, sample in rows] for name in SCHEMA.names[1:]]
    return pa.table(
        [pa.array(values, f.type) for values, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def export_samples(runs: Iterable[Run], format: Literal["csv", "parquet"]) -> bytes:
    """All samples of some runs as CSV with a header line, or as Parquet."""
    sink = io.BytesIO()
    if format == "csv":
        pacsv.write_csv(samples_table(runs), sink)
    else:
        pq.write_table(samples_table(runs), sink, compression="zstd")
    return sink.getvalue()
