"""Runs made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.results.records import (
    SCHEMA_VERSION,
    EngineRecord,
    Fingerprint,
    Header,
    Phase,
    Run,
    Sample,
    Status,
    Verdict,
    Verification,
)

FINGERPRINT = Fingerprint(
    cpu="A processor",
    cores=4,
    memory_bytes=2**34,
    kernel="6.1",
    os=None,
    load_1m=0.5,
    python="CPython 3.11.7",
    neuralake="0.1.0",
    packages={"polars": "2.1.0"},
    commit=None,
    dirty=None,
)


def header(queries: Sequence[str] = ("q01", "q02"), **changes: object) -> Header:
    fields: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "id": "20260101T000000-tpch-sf1-0000",
        "created_at": "2026-01-01T00:00:00.000+00:00",
        "workload": "tpch",
        "dataset_uri": "/data/tpch/sf1",
        "scale_factor": 1.0,
        "dataset": {"sha256": "0" * 64},
        "queries": tuple(queries),
        "runs": 3,
        "fingerprint": FINGERPRINT,
    }
    return Header(**(fields | changes))  # type: ignore[arg-type]


def sample(
    engine: str,
    query: str | None,
    wall_s: float | None = 1.0,
    round: int = 1,
    *,
    phase: Phase = "hot",
    status: Status = "ok",
    message: str | None = None,
) -> Sample:
    return Sample(
        engine=engine,
        phase=phase,
        query=query,
        round=round,
        status=status,
        started_at="2026-01-01T00:00:01.000+00:00",
        wall_ns=None if wall_s is None else round_ns(wall_s),
        cpu_ns=5,
        peak_rss_bytes=2**20,
        bytes_read=0,
        rows=1,
        digest="d" * 32,
        message=message,
    )


def round_ns(seconds: float) -> int:
    return round(seconds * 1e9)


def judged(
    engine: str, query: str, verdict: Verdict = "verified", detail: str | None = None
) -> Verification:
    return Verification(engine, query, verdict, "official answer", detail)


def run(
    samples: Sequence[Sample],
    verifications: Sequence[Verification] = (),
    engines: Sequence[EngineRecord | str] = ("polars", "spark"),
    **changes: object,
) -> Run:
    queries = list(dict.fromkeys(s.query for s in samples if s.query is not None))
    return Run(
        header=header(queries, **changes),
        finished_at="2026-01-01T00:01:00.000+00:00",
        elapsed_ns=60_000_000_000,
        engines=tuple(EngineRecord(e) if isinstance(e, str) else e for e in engines),
        verifications=tuple(verifications),
        samples=tuple(samples),
    )
