"""Runs of ingest made by hand: their samples are drawn, and written as a run writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from neuralake.results.ingest.records import (
    Case,
    Freshness,
    IngestHeader,
    IngestRun,
    Key,
    Load,
    Round,
    RoundVerification,
)
from neuralake.results.ingest.samples import COMMITS, SIGHTINGS
from neuralake.results.parts import SAMPLES, Part, PartWriter
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, StorageFacts
from tests.results.make import FINGERPRINT

MS = 1_000_000
Latency = Callable[[str, int, int], float]


def typical_ms(contestant: str, round: int, commit: int) -> float:
    """Four times the disk for deltalake, growing; the disk itself has a bad round."""
    base = 1.0 * (1 + (round == 2))
    factor = {"disk": 1.0, "neuralake": 1.3}.get(contestant, 4.0 + commit / 200)
    return base * factor


def made_run(
    directory: Path,
    *,
    contestants: Sequence[str] = ("neuralake", "deltalake-handle", "disk"),
    rounds: int = 3,
    commits: int = 1200,
    latency_ms: Latency = typical_ms,
    rates: tuple[float, ...] = (),
    readers: tuple[str, ...] = (),
    unstarted: int = 0,
    wrong: bool = False,
    finished: bool = True,
) -> IngestRun:
    """A run and, in its directory, its samples."""
    cases = tuple(Case(name) for name in contestants)
    load = Load(
        arrivals="constant" if rates else "closed", rates=rates, commits=commits, producers=2
    )
    keys = [
        Key(case, number, rate)
        for rate in rates or (None,)
        for number in range(1, rounds + 1)
        for case in cases
    ]
    keys += [
        Key(case, 1, rates[0] if rates else None, reader)
        for reader in readers
        for case in cases
        if case.contestant != "disk"
    ]
    found = tuple(_round(directory, key, commits, latency_ms, unstarted) for key in keys)
    judged = tuple(
        RoundVerification(
            key,
            "wrong" if wrong and key == keys[0] else "verified",
            "polars",
            "batch 7 was acknowledged and is not there" if wrong and key == keys[0] else None,
            *(commits * 1000, commits, commits, 30 * MS),
        )
        for key in keys
        if key.case.contestant != "disk"
    )
    return IngestRun(
        header=IngestHeader(
            schema_version=SCHEMA_VERSION,
            id="20260101T000000-ingest-0000",
            created_at="2026-01-01T00:00:00.000+00:00",
            workload="ingest",
            fingerprint=FINGERPRINT,
            cases=cases,
            load=load,
            rounds=rounds,
            freshness=Freshness(readers),
            storage=StorageFacts("/data/ingest", "ext4", "/dev/vda", "rw", False, 250_000),
            schema={"id": "int64"},
        ),
        finished_at="2026-01-01T00:10:00.000+00:00" if finished else None,
        elapsed_ns=600_000 * MS if finished else None,
        contestants=tuple(EngineRecord(name, versions={"it": "1"}) for name in contestants),
        rounds=found,
        verifications=judged,
    )


def _round(directory: Path, key: Key, commits: int, latency_ms: Latency, unstarted: int) -> Round:
    random = np.random.default_rng((key.round, len(key.stem)))
    noise = random.lognormal(0, 0.25, commits)
    is_ours = key.case.contestant == "neuralake"
    writer = PartWriter(directory / SAMPLES, f"{key.stem}-p0", COMMITS)
    rows, at_ns = [], 0
    for number in range(commits):
        took = round(latency_ms(key.case.contestant, key.round, number) * noise[number] * MS)
        took = round(took * (1 + (key.rate or 0) / 100_000))
        steps = (1000, 2000, took // 4, took // 4, took // 3) if is_ours else (None,) * 5
        commit = (number + 1, 74_000, 1, 1) if is_ours else (None,) * 4
        rows.append(
            (number, 0, False, at_ns, at_ns, at_ns + took, 1000, True, *commit, *steps, None)
        )
        at_ns += took
    writer.write(rows)
    sightings: Part | None = None
    if key.reader is not None:
        seen = PartWriter(directory / SAMPLES, f"{key.stem}-sightings", SIGHTINGS)
        seen.write((r[0], r[5] + 5 * MS, r[5] + 25 * MS) for r in rows[:-3])
        sightings = seen.finish()
    return Round(
        key=key,
        status="ok",
        started_at="2026-01-01T00:00:01.000+00:00",
        elapsed_ns=at_ns,
        commits=commits,
        rows=commits * 1000,
        size_bytes=commits * 74_000 if is_ours else None,
        unstarted=unstarted,
        parts=(writer.finish(),),
        sightings=sightings,
        polls=100 if key.reader else None,
        failed_polls=0 if key.reader else None,
        apart_ns=20 * MS if key.reader else None,
        unseen=3 if key.reader else None,
        cpu_ns=at_ns // 2,
        peak_rss_bytes=2**27,
    )
