"""A table that an engine cannot read rightly costs the queries that read it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog import DeltaTable, ParquetTable
from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError
from neuralake.queries.own import given_queries, given_workload
from neuralake.queries.workload import Workload
from neuralake.results.summary import summarise
from tests.conftest import Cli, carry_out, make_plan, run_bench

QUERIES = {
    "cars": "SELECT COUNT(*) AS n FROM cars",
    "twins": "SELECT COUNT(*) AS n FROM twins",
    "both": "SELECT COUNT(*) AS n FROM cars, twins",
}


def workload(*tables: Table, queries: dict[str, str] = QUERIES) -> Workload:
    return given_workload("mine", given_queries(queries), {t.name: t for t in tables})


@pytest.fixture
def cars(tmp_path: Path) -> DeltaTable:
    deltalake.write_deltalake(str(tmp_path / "cars"), pa.table({"id": [1, 2, 3]}))
    return DeltaTable(name="cars", location=str(tmp_path / "cars"))


@pytest.fixture
def twins(tmp_path: Path) -> ParquetTable:
    """Columns that differ by case only: DuckDB, and Spark, cannot tell them apart."""
    pq.write_table(pa.table({"id": [1, 2], "ID": [3, 4]}), tmp_path / "twins.parquet")
    return ParquetTable(name="twins", location=str(tmp_path / "twins.parquet"))


def test_only_queries_of_a_table_that_does_not_open_fail(
    settings: Settings, cars: DeltaTable, twins: ParquetTable
) -> None:
    bench = carry_out(make_plan(workload(cars, twins), "polars", "duckdb"), settings)
    judged = bench.verdicts
    assert judged["duckdb", "cars"].verdict == "verified"
    for query in ("twins", "both"):
        failed = judged["duckdb", query]
        assert failed.verdict == "failed"
        assert failed.detail == (
            "table twins has the columns id and ID, which DuckDB cannot tell apart: rename one"
        )
        assert judged["polars", query].verdict == "unverified"
    summary = summarise(bench.run)
    assert summary.compared == ("cars",)
    assert summary.by_engine["duckdb"].total_s is not None
    (record,) = [engine for engine in bench.run.engines if engine.name == "duckdb"]
    assert list(record.faults) == ["twins"]


@pytest.mark.more
def test_an_engine_that_opens_no_table_empties_no_total(
    settings: Settings, twins: ParquetTable
) -> None:
    queries = {"twins": QUERIES["twins"]}
    plan = make_plan(workload(twins, queries=queries), "polars", "duckdb")
    summary = summarise(carry_out(plan, settings).run)
    assert summary.compared == ("twins",)
    assert summary.by_engine["polars"].total_s is not None
    assert summary.by_engine["duckdb"].total_s is None


@pytest.mark.usefixtures("third_party")
def test_an_engine_that_reads_other_rows_has_no_time_for_the_table(
    settings: Settings, dataset_sf001: Path
) -> None:
    faulty = EngineSpec("faulty", {"fault": "fewer rows", "query": "orders"})
    bench = run_bench(settings, dataset_sf001, faulty, "tiny", queries="4,6")
    judged = bench.verdicts
    assert judged["faulty", "q04"].verdict == "failed"
    assert judged["faulty", "q04"].detail == (
        "table orders: faulty reads 7 rows, where version 0 has 15,000"
    )
    assert not [s for s in bench.run.samples if (s.engine, s.query) == ("faulty", "q04")]
    assert judged["faulty", "q06"].verdict == "verified"
    assert judged["tiny", "q04"].verdict == "verified"


def test_a_table_that_no_query_reads_is_not_asked_for(
    settings: Settings, cars: DeltaTable, tmp_path: Path
) -> None:
    gone = ParquetTable(name="gone", location=str(tmp_path / "gone.parquet"))
    mine = workload(cars, gone, queries={"cars": QUERIES["cars"]})
    assert list(mine.tables) == ["cars"]
    assert {
        v.verdict for v in carry_out(make_plan(mine, "polars"), settings).run.verifications
    } == {"unverified"}


def test_a_table_that_a_query_reads_must_be_there(cars: DeltaTable, tmp_path: Path) -> None:
    gone = ParquetTable(name="twins", location=str(tmp_path / "gone.parquet"))
    with pytest.raises(CatalogError, match="table twins: no Parquet file at"):
        workload(cars, gone)


def test_every_engine_reads_the_version_that_there_was_at_the_start(
    settings: Settings, cars: DeltaTable
) -> None:
    plan = make_plan(workload(cars, queries={"cars": QUERIES["cars"]}), "polars", "duckdb")
    deltalake.write_deltalake(cars.uri, pa.table({"id": [4]}), mode="append")
    bench = carry_out(plan, settings)
    assert {(s.query, s.rows) for s in bench.run.samples if s.query} == {("cars", 1)}
    assert bench.run.header.dataset["tables"]["cars"]["version"] == 0
    assert {v.verdict for v in bench.run.verifications} == {"verified"}
    assert plan.workload.tables["cars"].lazy().collect().height == 3


def test_one_fault_is_told_in_one_line(typed: Cli, tmp_path: Path, twins: ParquetTable) -> None:
    directory = tmp_path / "queries"
    directory.mkdir()
    (directory / "catalog.py").write_text(
        "from neuralake.catalog import ParquetTable\n"
        f"twins = ParquetTable(name='twins', location={twins.location!r})\n"
    )
    for number in range(5):
        (directory / f"q{number}.sql").write_text(f"SELECT COUNT(*) + {number} AS n FROM twins")
    done = typed("bench", "--workload", directory, "--engines", "polars,duckdb", "--runs", 1)
    assert done.returncode == 1, done.stderr
    told = " ".join(done.stdout.split())
    assert told.count("cannot tell apart") == 1
    assert "duckdb q0, q1, q2, q3, q4: failed: duckdb could not open the tables: " in told
