"""Less memory than data: engines spill and answer, or are recorded as out of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from neuralake.catalog.tables import ParquetTable
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.measure.memory import memory_limiter
from neuralake.queries.query import parse_query
from neuralake.queries.workload import Workload
from neuralake.results.records import Limits, Sample
from neuralake.workloads.answers import answer_path
from neuralake.workloads.executor import read_answer
from tests.conftest import Bench, carry_out, make_plan, make_settings
from tests.more import few

MIB = 2**20
LIMIT_BYTES = 384 * MIB
ROWS = 3_500_000
TEXT = "t" * 96
# As many groups as rows, each with a text of its own
GROUPS = parse_query(
    "groups",
    "SELECT COUNT(*) AS groups, SUM(n) AS n, SUM(total) AS total, MAX(text) AS text FROM "
    "(SELECT k, text, COUNT(*) AS n, SUM(v) AS total FROM t GROUP BY k, text) AS g",
)
COUNT = parse_query("count", "SELECT COUNT(*) AS n FROM t")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """A table that takes more memory than the limit, and little of the disk."""
    keys = np.random.default_rng(1).permutation(ROWS)
    frame = pl.DataFrame({"k": keys, "v": keys % 1000}).with_columns(
        text=pl.lit(TEXT) + pl.col("k").cast(pl.String).str.zfill(7)
    )
    assert frame.estimated_size() > LIMIT_BYTES
    directory = tmp_path_factory.mktemp("large")
    settings = make_settings(directory, directory / "results")
    frame.write_parquet(directory / "t.parquet", row_group_size=100_000, compression="zstd")
    table = ParquetTable(name="t", location=str(directory / "t.parquet")).resolve(settings)
    return Workload("large", str(directory), None, (GROUPS, COUNT), {"t": table})


@pytest.fixture
def limits() -> Limits:
    """Kept by the kernel, which charges a process for its own memory only."""
    if memory_limiter(LIMIT_BYTES) != "cgroup":
        pytest.skip("control groups of one's own need root, or a delegated cgroup: sudo make test")
    return Limits(memory_bytes=LIMIT_BYTES, memory_limiter="cgroup")


def first(bench: Bench, engine: str, query: str = "groups") -> Sample:
    """The first execution; a process that replaces one that was lost has one of its own."""
    return next(
        s for s in bench.run.samples if (s.engine, s.query, s.phase) == (engine, query, "first")
    )


def answer(bench: Bench, engine: str) -> dict[str, list[object]]:
    found: dict[str, list[object]] = read_answer(
        answer_path(bench.directory, engine, "groups")
    ).to_pydict()
    return found


# Rows of 120 bytes: of 8,192 each, the batches that DataFusion merges would take the rest
SMALL_BATCHES = EngineSpec("datafusion", {"datafusion.execution.batch_size": "1024"})


@pytest.mark.parametrize(
    ("spec", "memory"),
    few(
        [
            (EngineSpec("duckdb"), "230.3 MiB"),
            (SMALL_BATCHES, f"{(LIMIT_BYTES - 128 * MIB) // 2}b"),
            (EngineSpec("polars"), f"{LIMIT_BYTES // 2}b"),
        ]
    ),
    ids=["duckdb", "datafusion", "polars"],
)
@pytest.mark.more  # by day one that may not spill, and one that finds no room
def test_an_engine_that_spills_answers_in_less_memory_than_the_data_have(
    settings: Settings, large: Workload, limits: Limits, spec: EngineSpec, memory: str
) -> None:
    bench = carry_out(make_plan(large, spec, limits=limits), settings)
    sample = first(bench, spec.name)
    assert (sample.status, sample.message) == ("ok", None)
    assert (sample.bytes_written or 0) > 50 * MIB
    assert answer(bench, spec.name) == {
        "groups": [ROWS],
        "n": [ROWS],
        "total": [ROWS * 999 // 2],
        "text": [f"{TEXT}{ROWS - 1}"],
    }
    assert (first(bench, spec.name, "count").bytes_written or 0) < MIB
    (recorded,) = bench.run.engines
    assert recorded.settings["memory"] == memory
    assert not list(Path(settings.results_root).glob("neuralake-scratch-*"))


def test_an_engine_that_may_not_spill_is_out_of_memory_and_the_run_goes_on(
    settings: Settings, large: Workload, limits: Limits
) -> None:
    unbounded = EngineSpec("polars", {"memory": "unbounded"})
    bench = carry_out(make_plan(large, unbounded, limits=limits), settings)
    assert first(bench, "polars").status == "oom"
    assert first(bench, "polars", "count").status == "ok"
    assert bench.run.finished_at is not None
    assert not list(Path(settings.results_root).glob("neuralake-scratch-*"))


def test_a_disk_that_is_too_small_to_spill_to_is_told(settings: Settings, large: Workload) -> None:
    spec = EngineSpec("duckdb", {"memory": "150m", "spill_limit": "1m"})
    bench = carry_out(make_plan(large, spec), settings)
    assert first(bench, "duckdb").status == "oom"
    assert "max_temp_directory_size" in (first(bench, "duckdb").message or "")
    assert first(bench, "duckdb", "count").status == "ok"
