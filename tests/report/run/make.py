"""Whole runs made by hand: cold, hot and first samples, failures, and troubles of all kinds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from neuralake.results.records import (
    EngineRecord,
    Limits,
    Resumption,
    Run,
    Sample,
    Status,
    Verdict,
    Verification,
)
from tests.results.make import FINGERPRINT, header

MIB = 2**20
TPCH = tuple(f"q{number:02}" for number in range(1, 23))
NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> | `x` **b** [a](http://a.test) @someone "
    "#1 \x1b[31mred\x1b]0;title\x07\n## heading $x_{ &amp; ]]> --> \u202e"
)
Failures = Mapping[tuple[str, str], tuple[Status, str]]


def made_run(
    engines: Sequence[str] = ("polars", "datafusion", "spark"),
    queries: Sequence[str] = TPCH,
    *,
    hot: int = 5,
    cold: int = 0,
    failures: Failures | None = None,
    speed: float = 1.0,
    **changes: object,
) -> Run:
    """A run that looks like a real one; the same arguments give the same run.

    ``speed`` multiplies every latency, and the scale factor of the header does too.
    """
    dice = random.Random(7)
    factor = changes.get("scale_factor", 1.0)
    size = speed * (factor if isinstance(factor, float) else 1.0)
    samples: list[Sample] = []
    judged: list[Verification] = []
    for number, engine in enumerate(engines):
        samples += [
            _sample(engine, "start", None, 0, 0.2 * 3**number),
            _sample(engine, "open", None, 0, 0.1 * 3**number),
        ]
        for query in queries:
            base = dice.lognormvariate(-1.5, 0.8) * (1.4**number + 9 * (number == 2)) * size
            status: Status = "ok"
            message: str | None = None
            if failures is not None and (engine, query) in failures:
                status, message = failures[engine, query]
            samples.append(_sample(engine, "first", query, 0, base * 1.6))
            samples += [
                replace(
                    _sample(engine, "cold", query, n, base * dice.uniform(2.2, 2.6)),
                    bytes_read=90 * MIB,
                    cached_bytes=3 * MIB if query == queries[0] else 0,
                    process=n,
                )
                for n in range(1, cold + 1)
            ]
            samples += [
                _sample(engine, "hot", query, n, base * dice.lognormvariate(0, 0.05))
                for n in range(1, hot + 1)
            ]
            if status != "ok":
                returned = status == "wrong"
                samples[-1] = replace(
                    samples[-1],
                    status=status,
                    message=message,
                    wall_ns=samples[-1].wall_ns if returned else None,
                )
            judged.append(_judged(engine, query, status, message))
    fields = {"scale_factor": 1.0, "runs": hot, "cold_runs": cold} | changes
    return Run(
        header=header(queries, **fields),
        finished_at="2026-01-01T00:10:00.000+00:00",
        elapsed_ns=600_000_000_000,
        engines=tuple(
            EngineRecord(
                engine,
                options={"threads": "4"},
                settings={"threads": 4, "streaming": True, "nested": {"b": 2, "a": [1, 2]}},
                versions={engine: "1.2.3"},
            )
            for engine in engines
        ),
        verifications=tuple(judged),
        samples=tuple(samples),
    )


def troubled_run() -> Run:
    """Everything that a report has to say, at once."""
    failures: Failures = {
        ("polars", "q03"): ("wrong", "row 2: expected 17, got 18"),
        ("datafusion", "q09"): ("timeout", "no answer after 60 s"),
        ("spark", "q21"): ("oom", "killed at 2 GiB\njava.lang.OutOfMemoryError: Java heap space"),
        ("spark", "q22"): ("crashed", "the process ended with signal 11"),
        ("datafusion", "q11"): ("error", "DataFusionError: " + "no such column " * 40),
    }
    run = made_run(
        cold=3, failures=failures, limits=Limits(60.0, 2 * 2**30, "cgroup"), scale_factor=0.3
    )
    later = replace(FINGERPRINT, load_1m=3.5)
    return replace(
        run,
        engines=(
            *run.engines[:2],
            replace(run.engines[2], settings={"delta_reader": "snapshot-files"}),
            EngineRecord("trino", unavailable="no JDK: pip install 'trino[jdk]'"),
        ),
        verifications=tuple(
            replace(v, verdict="unverified", against=None) if v.query == "q05" else v
            for v in run.verifications
        ),
        finished_at=None,
        elapsed_ns=None,
        resumptions=(Resumption("2026-01-01T00:05:00.000+00:00", 40, later),),
    )


def nasty_run() -> Run:
    """Every text that may come from elsewhere holds HTML, Markdown, ANSI and more."""
    run = made_run(
        engines=(NASTY, "polars"),
        queries=(NASTY, "q01", "$a$b^{", "x" * 300),
        failures={(NASTY, "q01"): ("error", NASTY), ("polars", "$a$b^{"): ("wrong", NASTY)},
        id=NASTY,
        workload=NASTY,
        dataset_uri=NASTY,
        dataset={NASTY: NASTY},
        fingerprint=replace(FINGERPRINT, cpu=NASTY, packages={NASTY: NASTY}),
    )
    bad = EngineRecord(f"bad {NASTY}", unavailable=NASTY)
    engines = [replace(e, settings={NASTY: [NASTY]}, versions={NASTY: NASTY}) for e in run.engines]
    return replace(run, engines=(*engines, bad))


def many_samples_run(samples: int) -> Run:
    """A run of 22 queries on three engines with at least so many samples."""
    return made_run(hot=-(-samples // (22 * 3)))


def _sample(engine: str, phase: str, query: str | None, number: int, wall_s: float) -> Sample:
    return Sample(
        engine=engine,
        phase=phase,  # type: ignore[arg-type]
        query=query,
        round=number,
        status="ok",
        started_at="2026-01-01T00:00:01.000+00:00",
        wall_ns=round(wall_s * 1e9),
        cpu_ns=round(wall_s * 2.7e9),
        peak_rss_bytes=round((300 + 900 * wall_s) * MIB),
        bytes_read=0,
        rows=10,
        digest="0123456789abcdef" * 2,
    )


def _judged(engine: str, query: str, status: Status, message: str | None) -> Verification:
    verdict: Verdict = {"ok": "verified", "wrong": "wrong"}.get(status, "failed")  # type: ignore[assignment]
    against = None if verdict == "failed" else "official answer"
    return Verification(engine, query, verdict, against, message)
