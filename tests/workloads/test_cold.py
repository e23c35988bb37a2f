"""Cold runs: a new process for each, and the dataset on the disk alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.catalog.tables import ParquetTable
from neuralake.config import Settings
from neuralake.measure.page_cache import cached_bytes
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.cold import evict_tables
from tests.conftest import Bench, run_bench
from tests.engines.others import CASES


@pytest.fixture(scope="module")
def cold_bench(
    dataset_sf001: Path, storage: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bench:
    settings = Settings.from_environ(
        {
            "NEURALAKE_STORAGE_ROOT": str(storage),
            "NEURALAKE_RESULTS_ROOT": str(tmp_path_factory.mktemp("cold")),
        }
    )
    return run_bench(settings, dataset_sf001, "datafusion", queries="1,6", hot_runs=1, cold_runs=2)


def test_each_cold_run_has_a_process_of_its_own_after_the_hot_ones(cold_bench: Bench) -> None:
    taken = [(s.phase, s.query, s.round, s.process) for s in cold_bench.run.samples]
    hot = [
        ("start", None, 0, 0),
        ("open", None, 0, 0),
        *[("first", query, 0, 0) for query in ("q01", "q06")],
        *[("hot", query, 1, 0) for query in ("q01", "q06")],
    ]
    cold = [
        step
        for process, (query, number) in enumerate(
            [("q01", 1), ("q06", 1), ("q01", 2), ("q06", 2)], start=1
        )
        for step in [
            ("start", None, process, process),
            ("open", None, process, process),
            ("cold", query, number, process),
        ]
    ]
    assert taken == hot + cold
    assert cold_bench.run.header.cold_runs == 2


def test_cold_runs_read_from_the_disk_and_hot_ones_do_not(
    cold_bench: Bench, dataset_sf001: Path
) -> None:
    cold = [s for s in cold_bench.run.samples if s.phase == "cold"]
    hot = [s for s in cold_bench.run.samples if s.phase == "hot"]
    assert {s.cached_bytes for s in cold} == {0}
    assert {s.cached_bytes for s in hot} == {None}
    if all(s.bytes_read == 0 for s in cold):
        pytest.skip(f"{dataset_sf001} is not on a block device: set TMPDIR to a directory on one")
    lineitem = sum(f.stat().st_size for f in (dataset_sf001 / "lineitem").glob("*.parquet"))
    for sample in cold:  # both queries read some columns of lineitem
        assert (sample.bytes_read or 0) > lineitem / 20
    # a kernel may reclaim a page at any time
    assert sum(s.bytes_read or 0 for s in hot) < sum(s.bytes_read or 0 for s in cold) / 20


def test_a_cold_answer_is_checked_like_any_other(cold_bench: Bench) -> None:
    assert {s.status for s in cold_bench.run.samples} == {"ok"}
    digests = {(s.engine, s.query, s.digest) for s in cold_bench.run.samples if s.digest}
    assert len(digests) == 2


def test_tables_are_evicted_with_their_logs(settings: Settings, dataset_sf001: Path) -> None:
    tables = open_workload(str(dataset_sf001), settings).tables
    for file in dataset_sf001.rglob("*"):
        if file.is_file():
            file.read_bytes()
    assert cached_bytes([dataset_sf001 / "orders"]) != 0
    assert evict_tables(tables.values()) == 0
    assert cached_bytes([dataset_sf001 / name for name in tables]) == 0


def test_files_outside_of_a_table_are_evicted_with_it(tmp_path: Path) -> None:
    clone, _ = CASES["a shallow clone"](tmp_path)
    origin = next((tmp_path / "the origin").glob("*.parquet"))
    origin.read_bytes()
    assert cached_bytes([origin])
    assert evict_tables([clone]) == 0
    assert cached_bytes([origin]) == 0


def test_a_parquet_table_is_its_files(dataset_sf001: Path) -> None:
    (file,) = (dataset_sf001 / "nation").glob("*.parquet")
    file.read_bytes()
    nation = ParquetTable(name="nation", location=str(file))
    assert cached_bytes([file]) != 0
    assert evict_tables([nation]) == 0
    assert cached_bytes([file]) == 0


def test_of_tables_without_files_nothing_is_known() -> None:
    assert evict_tables([]) is None
    assert evict_tables([ParquetTable(name="t", location="s3://bucket/t")]) is None
