"""A commit of each contestant under pytest-benchmark, beside the disk's own limit."""

from __future__ import annotations

import itertools
from pathlib import Path

import deltalake
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from neuralake.results.ingest.records import Case, Key
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.tables import fresh
from neuralake.workloads.places import Target

ROWS = 1000
COMMITS = 25


@pytest.mark.benchmark(group="commit", disable_gc=True)
@pytest.mark.parametrize("name", ["neuralake", "deltalake-handle", "deltalake-path", "disk"])
def test_commit(benchmark: BenchmarkFixture, name: str, tmp_path: Path) -> None:
    target = fresh(Target(str(tmp_path)), Key(Case(name), 1))
    kind = contestant_type(name)
    contestant = kind(target)
    batches = Batches(ROWS, seed=1)
    appender = contestant.appender(batches)
    numbers = itertools.count()

    def batch() -> tuple[tuple[object, int], dict[str, object]]:
        number = next(numbers)
        return (batches.batch(number), number), {}

    benchmark.extra_info["batch_rows"] = ROWS
    benchmark.pedantic(appender.append, setup=batch, rounds=COMMITS, warmup_rounds=5)
    appender.close()
    contestant.close()
    if kind.makes_tables:
        rows = deltalake.DeltaTable(target.uri).to_pyarrow_table(columns=["id"])
        assert sorted(rows["id"].to_pylist()) == list(range(next(numbers) * ROWS))
