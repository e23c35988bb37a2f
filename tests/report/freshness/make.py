"""Runs of freshness made by hand: samples as a round has them, analysed as a round's are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuralake.results.freshness.records import (
    Asking,
    Case,
    FreshnessHeader,
    FreshnessRun,
    Key,
    Load,
    Parts,
    ProcessUse,
    Round,
    RoundVerification,
)
from neuralake.results.freshness.samples import (
    BATCHES,
    COMMITS,
    DISTRIBUTIONS,
    POLLS,
    SIGHTINGS,
    WAYS,
    distribution_rows,
)
from neuralake.results.parts import SAMPLES, PartWriter, read_part
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, StorageFacts
from neuralake.workloads.freshness.analysis import Analysis
from neuralake.workloads.freshness.moments import Records
from tests.results.make import FINGERPRINT

MS = 1_000_000
LOAD = Load(rates=(1000.0, 4000.0), duration_s=12.0, warm_up_s=1.0, pieces=2, pause_s=1.0)


def made_run(
    directory: Path,
    *,
    load: Load = LOAD,
    rounds: int = 2,
    slow_ms: int = 0,
    unseen: int = 0,
    violation: str | None = None,
    wrong: bool = False,
    finished: bool = True,
) -> FreshnessRun:
    """A run and, in its directory, its samples.

    Every 20 ms a version brings what was due, 8 ms after the last record of it; polls come every 10
    ms, and take 2 ms beside the records and 1 ms alone, but ``slow_ms`` longer at the higher rate.
    """
    cases = [Case(rate, is_compacted=True, reader="http") for rate in load.rates]
    keys = [Key(case, number) for number in range(1, rounds + 1) for case in cases]
    found = tuple(
        _round(directory, load, key, slow_ms if key.case.rate > 1000 else 0, unseen, violation)
        for key in keys
    )
    detail = "producer 0: 7 records are missing" if wrong else None
    judged = tuple(
        RoundVerification(key, "wrong" if wrong else "verified", "polars", detail, 10, 5, 3)
        for key in keys
    )
    return FreshnessRun(
        header=FreshnessHeader(
            schema_version=SCHEMA_VERSION,
            id="20260101T000000-freshness-0000",
            created_at="2026-01-01T00:00:00.000+00:00",
            workload="freshness",
            fingerprint=FINGERPRINT,
            load=load,
            asking=Asking(readers=("http",), poll_s=0.01, bound_s=0.06),
            compaction=(True,),
            rounds=rounds,
            storage=StorageFacts("/data/freshness", "ext4", "/dev/vda", "rw", False, 250_000),
            schema={"number": "int64"},
        ),
        finished_at="2026-01-01T00:10:00.000+00:00" if finished else None,
        elapsed_ns=600_000 * MS if finished else None,
        readers=(EngineRecord("http", versions={"datafusion": "1"}, settings={"answer": "json"}),),
        rounds=found,
        verifications=judged,
    )


def _round(
    directory: Path, load: Load, key: Key, slow_ms: int, unseen: int, violation: str | None
) -> Round:
    records = Records(load, key.case.rate)
    due = records.due_ns(0, 0, records.count)
    samples = directory / SAMPLES
    commits: list[tuple[Any, ...]] = [(0, -MS, False, 0, 0, 0, [], None)]
    batches, ways, first = [], [], 0
    for end_ns in range(20 * MS, records.spans.end_ns, 20 * MS):
        end = int(np.searchsorted(due, end_ns))
        if end > first:
            named = end_ns + 8 * MS
            number = len(commits)
            batches.append((0, first, end - first, int(due[first]), end_ns, named + MS, number))
            is_packed = number % 50 == 0
            counts = 1, 9 * is_packed, end - first
            commits.append((number, named, is_packed, *counts, [(0, end)], None))
            write_ms = 31 if number % 150 == 0 else 1
            took_ms = 10, 1, 2, 3, 1, 1, write_ms, 2, 2, 1
            way = number, 0, end - first, int(due[first:end].mean())
            ways.append((*way, *(ms * MS for ms in took_ms)))
            first = end
    polls, sightings = [], []
    for number, due_ns in enumerate(range(0, records.spans.end_ns, 10 * MS)):
        is_beside = bool(records.spans.is_beside(np.array([due_ns]))[0])
        answered = due_ns + (2 + slow_ms if is_beside else 1) * MS
        held = max((c[6][0][1] for c in commits[1:] if c[1] <= due_ns), default=0)
        polls.append((number, due_ns, due_ns, answered, None))
        sightings.append((number, due_ns, answered, 0, held))
    if unseen:
        sightings = [
            (q, a, b, p, min(end, records.count - unseen)) for q, a, b, p, end in sightings
        ]
    parts = []
    for name, schema, rows in (
        ("batches", BATCHES, batches),
        ("polls", POLLS, polls),
        ("sightings", SIGHTINGS, sightings),
        ("commits", COMMITS, commits),
        ("ways", WAYS, ways),
    ):
        writer = PartWriter(samples, f"{key.stem}-{name}", schema)
        writer.write(rows)
        parts.append(writer.finish())
    tables = [read_part(directory, parts[place]) for place in (0, 2, 3)]
    analysis = Analysis(records, tables[0], tables[1], tables[2], unsure_ns=4 * MS)
    writer = PartWriter(samples, f"{key.stem}-distributions", DISTRIBUTIONS)
    writer.write(distribution_rows(analysis.distributions))
    return Round(
        key=key,
        status="ok",
        started_at="2026-01-01T00:00:01.000+00:00",
        elapsed_ns=records.spans.end_ns,
        records=records.count,
        acknowledged=records.count,
        unseen=unseen,
        late_ns=MS,
        polls=len(polls),
        asked=len(polls),
        apart_ns=10 * MS,
        violations=int(violation is not None),
        violation=violation,
        versions=len(commits),
        compactions=sum(bool(c[2]) for c in commits),
        use={
            "server": ProcessUse(records.spans.end_ns // 4, 2**28, records.spans.end_ns // 8),
            "writer: append": ProcessUse(records.spans.end_ns // 2, 2**27),
        },
        parts=Parts(
            batches=parts[0],
            polls=parts[1],
            sightings=parts[2],
            commits=parts[3],
            distributions=writer.finish(),
            ways=parts[4],
        ),
    )
