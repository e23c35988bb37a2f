"""Runs of serving made by hand: their samples are drawn, and written as a run writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from neuralake.results.parts import SAMPLES, Part, PartWriter
from neuralake.results.records import SCHEMA_VERSION, EngineRecord
from neuralake.results.serving.records import (
    Capacity,
    Key,
    Load,
    Rate,
    Round,
    ServingHeader,
    ServingRun,
    Step,
)
from neuralake.results.serving.samples import REQUESTS
from neuralake.workloads.serving.plan import parse_offered
from tests.results.make import FINGERPRINT

MS = 1_000_000
CAPACITY = {"in-process": 2000.0, "http": 1000.0, "null": 4000.0}
BASE_MS = {"in-process": 1.0, "http": 2.0, "null": 0.5}


def made_run(
    directory: Path,
    *,
    contestants: Sequence[str] = ("in-process", "http", "null"),
    rates: str = "50%,150%",
    rounds: int = 1,
    duration_s: float = 2.0,
    wrong: bool = False,
    finished: bool = True,
    recovery_ns: int | None = 300 * MS,
    kinds: Sequence[str] = ("point",),
) -> ServingRun:
    """A run and, in its directory, its samples.

    Beyond the capacity a request is refused as often as there is too much, and answers take ten
    times as long.
    """
    load = Load(rates=parse_offered(rates), duration_s=duration_s, recovery_s=1.0)
    keys = [
        (Key(name, rate.text, number), rate)
        for number in range(1, rounds + 1)
        for rate in load.rates
        for name in contestants
    ]
    found = tuple(
        _round(
            directory, key, rate, load, recovery_ns, kinds, wrong=wrong and (key, rate) == keys[0]
        )
        for key, rate in keys
    )
    return ServingRun(
        header=ServingHeader(
            schema_version=SCHEMA_VERSION,
            id="20260101T000000-serving-0000",
            created_at="2026-01-01T00:00:00.000+00:00",
            workload="serving",
            fingerprint=FINGERPRINT,
            contestants=tuple(contestants),
            load=load,
            rounds=rounds,
            schema={"id": "int64"},
        ),
        finished_at="2026-01-01T00:10:00.000+00:00" if finished else None,
        elapsed_ns=600_000 * MS if finished else None,
        contestants=(
            *(EngineRecord(name, versions={"it": "1"}) for name in contestants),
            EngineRecord("roapi", unavailable="ROAPI is not installed"),
        ),
        capacities=tuple(
            Capacity(
                name,
                "ok",
                CAPACITY[name],
                (Step(1, 100, 0, 0, CAPACITY[name] / 2, 1.0), Step(2, 200, 0, 0, CAPACITY[name])),
                ready_ns=None if name == "in-process" else 700 * MS,
            )
            for name in contestants
        ),
        rounds=found,
    )


def _round(
    directory: Path,
    key: Key,
    rate: Rate,
    load: Load,
    recovery_ns: int | None,
    kinds: Sequence[str],
    *,
    wrong: bool,
) -> Round:
    capacity = CAPACITY[key.contestant]
    offered = rate.offered(capacity)
    is_saturating = offered >= capacity
    random = np.random.default_rng((key.round, len(key.stem)))
    count = round(offered * load.duration_s)
    low = round(capacity * 0.1 * load.recovery_s) if is_saturating else 0
    load_ns = round(load.duration_s * 1e9)
    intended = np.concatenate(
        [
            -np.arange(low, 0, -1) * round(1e9 / (capacity * 0.1)),
            np.arange(count) * round(1e9 / offered),
            load_ns + np.arange(low) * round(1e9 / (capacity * 0.1)),
        ]
    ).astype(np.int64)
    phases = ["before"] * low + ["load"] * count + ["after"] * low
    slow = np.where(np.array(phases) == "load", 10.0 if is_saturating else 1.0, 1.0)
    took = (BASE_MS[key.contestant] * MS * slow * random.lognormal(0, 0.3, intended.size)).astype(
        int
    )
    share = max(1 - capacity / offered, 0.0)
    is_refused = (random.random(intended.size) < share) & (np.array(phases) == "load")
    status = np.where(is_refused, "refused", "wrong" if wrong else "ok")
    took[is_refused] = MS // 5
    size = intended.size
    writer = PartWriter(directory / SAMPLES, key.stem, REQUESTS)
    writer.write_table(
        pa.table(
            [
                pa.array(np.arange(size)),
                pa.array(phases),
                pa.array([kinds[n % len(kinds)] for n in range(size)]),
                pa.array(np.arange(size)),
                pa.array(intended),
                pa.array(intended + 20_000),
                pa.array(intended + took),
                pa.array(status.tolist()),
                pa.array(np.where(is_refused, 429, 200)),
                pa.array([300] * size),
                pa.array([1] * size),
                pa.array(np.arange(size, dtype=np.uint64)),
                pa.nulls(size, pa.string()),
            ],
            names=REQUESTS.names,
        )
    )
    part: Part = writer.finish()
    refused = int(is_refused.sum())
    return Round(
        key=key,
        status="ok",
        started_at="2026-01-01T00:00:01.000+00:00",
        offered=offered,
        requests=count,
        answered=0 if wrong else count - refused,
        refused=refused,
        wrong=count - refused if wrong else 0,
        elapsed_ns=load_ns,
        parts=(part,),
        cpu_ns=None if key.contestant == "in-process" else load_ns // 2,
        peak_rss_bytes=2**27,
        driver_cpu_ns=load_ns // 20,
        recovery_ns=recovery_ns if is_saturating else None,
        recovers=recovery_ns is not None if is_saturating else None,
        message="point 7: row 1, column code: 3 is not 4" if wrong else None,
    )
