"""What was found as flat Arrow tables."""

from __future__ import annotations

import pyarrow as pa

from neuralake.results.comparison import Comparison
from neuralake.results.records import Run
from neuralake.results.summary import summarise

RUN_SCHEMA = pa.schema(
    [
        ("query", pa.string()),
        ("engine", pa.string()),
        ("status", pa.string()),
        ("verdict", pa.string()),
        ("median_s", pa.float64()),
        ("low_s", pa.float64()),
        ("high_s", pa.float64()),
        ("runs", pa.int32()),
        ("first_s", pa.float64()),
        ("cold_median_s", pa.float64()),
        ("cpu_s", pa.float64()),
        ("cores_used", pa.float64()),
        ("peak_rss_bytes", pa.int64()),
        ("bytes_read", pa.float64()),
        ("bytes_written", pa.int64()),
        ("instructions", pa.float64()),
    ]
)
COMPARISON_SCHEMA = pa.schema(
    [
        ("engine", pa.string()),
        ("query", pa.string()),
        ("verdict", pa.string()),
        ("ratio", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("cpu_ratio", pa.float64()),
        ("base_ns", pa.float64()),
        ("candidate_ns", pa.float64()),
        ("pairs", pa.int64()),
        ("message", pa.string()),
    ]
)


def run_table(run: Run) -> pa.Table:
    """One row a query and engine, in :data:`RUN_SCHEMA`; times are of the hot runs."""
    summary = summarise(run)
    verdicts = {(v.query, v.engine): v.verdict for v in run.verifications}
    rows = []
    for query in summary.queries:
        for engine in summary.engines:
            cell = summary.cells[query, engine]
            latency, cold = cell.latency_s, cell.cold_s
            rows.append(
                {
                    "query": query,
                    "engine": engine,
                    "status": cell.status,
                    "verdict": verdicts.get((query, engine)),
                    "median_s": latency.median if latency else None,
                    "low_s": latency.low if latency else None,
                    "high_s": latency.high if latency else None,
                    "runs": cell.runs,
                    "first_s": cell.first_s,
                    "cold_median_s": cold.median if cold else None,
                    "cpu_s": cell.cpu_s,
                    "cores_used": cell.cores_used,
                    "peak_rss_bytes": cell.peak_rss_bytes,
                    "bytes_read": cell.bytes_read,
                    "bytes_written": cell.bytes_written,
                    "instructions": cell.instructions,
                }
            )
    return pa.Table.from_pylist(rows, schema=RUN_SCHEMA)


def comparison_table(comparison: Comparison) -> pa.Table:
    """One row a verdict, in :data:`COMPARISON_SCHEMA`; the suite's has no query."""
    names = COMPARISON_SCHEMA.names[1:]
    rows = [
        {"engine": engine.engine} | {name: getattr(change, name) for name in names}
        for engine in comparison.engines
        for change in (engine.suite, *engine.queries)
    ]
    return pa.Table.from_pylist(rows, schema=COMPARISON_SCHEMA)
