"""A table that an arm does not read rightly costs the queries that read it, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.arms.agent import Agent
from neuralake.arms.answers import Answers
from neuralake.arms.pairs import EnginePairs
from neuralake.arms.processes import ArmProcess, Place
from neuralake.arms.terms import Terms
from neuralake.arms.timed import SidedQuery
from neuralake.queries.query import Query
from neuralake.results.comparison import SIDES, EngineComparison, Side
from neuralake.results.pairs import PairJournal, read_pairs
from neuralake.stats.paired import Question
from tests.arms.test_pairs import Watch
from tests.more import few
from tests.workloads.conftest import install

SOUND = {"fault": "none"}
QUERIES = {"of_t": "t", "of_u": "u", "of_both": "t, u"}


class Bench:
    """Two arms with one catalog, or one each, and an engine with options in each."""

    def __init__(
        self, tmp_path: Path, catalogs: Mapping[Side, str], queries: Mapping[str, str] = QUERIES
    ) -> None:
        self.tmp_path = tmp_path
        environment = {"PYTHONPATH": str(install(tmp_path / "site-packages"))}
        self.places: dict[Side, Place] = {}
        for side in SIDES:
            directory = tmp_path / side / "queries"
            directory.mkdir(parents=True)
            (directory / "catalog.py").write_text(catalogs[side])
            for name, tables in queries.items():
                (directory / f"{name}.sql").write_text(f"SELECT COUNT(*) AS n FROM {tables}\n")
            log, python = tmp_path / f"{side}.log", Path(sys.executable)
            self.places[side] = Place(
                side, "HEAD", python, tmp_path, None, directory, None, log, environment
            )
        # as an arm's process would, which costs a second of the processor
        loaded = Agent().load(None, str(self.places["base"].workload), None)
        self.tables = loaded["tables"]
        texts = {name: loaded["queries"][name]["sql"] for name in queries}
        self.queries = tuple(
            SidedQuery(Query(name, name, sql), dict.fromkeys(SIDES, sql))
            for name, sql in texts.items()
        )

    def run(
        self,
        engine: str,
        base: Mapping[str, str] | None = None,
        candidate: Mapping[str, str] | None = None,
        seconds: float = 0,
    ) -> EngineComparison:
        with PairJournal(self.tmp_path / "pairs.jsonl") as journal:
            return EnginePairs(
                engine=engine,
                options={"base": base or {}, "candidate": candidate or base or {}},
                places=self.places,
                queries=self.queries,
                tables=self.tables,
                answers=Answers(self.tmp_path / "answers", None),
                terms=Terms(Question(), seconds, until_time=True),
                rounds=2,
                journal=journal.append,
                observer=Watch(),
            ).run(seconds)

    @property
    def measured(self) -> set[str]:
        return {pair.query for pair in read_pairs(self.tmp_path / "pairs.jsonl")}


def declared(*tables: tuple[str, str, Path]) -> str:
    """A catalog: class, name and place of each table."""
    lines = ["from neuralake.catalog import DeltaTable, ParquetTable"]
    lines += [f"{n} = {kind}(name={n!r}, location={str(place)!r})" for kind, n, place in tables]
    return "\n".join(lines) + "\n"


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    """A Delta table of ten rows, and Parquet of ten."""
    rows = pa.table({"key": list(range(10))})
    deltalake.write_deltalake(str(tmp_path / "t"), rows)
    pq.write_table(rows, tmp_path / "u.parquet")
    return declared(
        ("DeltaTable", "t", tmp_path / "t"), ("ParquetTable", "u", tmp_path / "u.parquet")
    )


def verdicts(found: EngineComparison) -> dict[str | None, str]:
    return {change.query: change.verdict for change in found.queries}


def messages(found: EngineComparison) -> dict[str | None, str | None]:
    return {change.query: change.message for change in found.queries}


@pytest.mark.more  # by day of which an arm reads other rows
def test_a_table_that_neither_arm_opens_costs_its_queries_alone(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"key": [1, 2, 3]}))
    twins = pa.table({"id": [1, 2], "ID": [3, 4]})  # DuckDB cannot tell these columns apart
    pq.write_table(twins, tmp_path / "u.parquet")
    text = declared(
        ("DeltaTable", "t", tmp_path / "t"), ("ParquetTable", "u", tmp_path / "u.parquet")
    )
    bench = Bench(tmp_path, dict.fromkeys(SIDES, text))
    found = bench.run("duckdb")
    reason = (
        "both arms: table u has the columns id and ID, which DuckDB cannot tell apart: rename one"
    )
    assert found.faults == {"u": reason}
    assert bench.measured == {"of_t"}
    assert messages(found) == {"of_t": None, "of_u": reason, "of_both": reason}
    assert verdicts(found) | {"of_t": ""} == {"of_t": "", "of_u": "failed", "of_both": "failed"}
    assert found.suite.pairs == 2


def test_a_table_at_fault_is_left_out_of_the_processes_after_the_first(
    tmp_path: Path, catalog: str
) -> None:
    bench = Bench(tmp_path, dict.fromkeys(SIDES, catalog))
    process = ArmProcess(bench.places["base"])
    try:
        process.load()
        process.start("faulty", {"fault": "open one", "query": "u"})
        first = process.open(count=True)
        assert (set(first.faults), first.counts["t"].counted) == ({"u"}, 10)
        later = process.open(first.faults)
        assert (later.faults, later.counts) == ({}, {})
    finally:
        process.close()


@pytest.mark.more
def test_a_table_that_one_arm_cannot_open_is_measured_in_neither(
    tmp_path: Path, catalog: str
) -> None:
    bench = Bench(tmp_path, dict.fromkeys(SIDES, catalog))
    found = bench.run("faulty", SOUND, {"fault": "open one", "query": "u"})
    assert found.faults == {"u": "candidate: table u: faulty cannot open it: not this table"}
    assert bench.measured == {"of_t"}
    assert verdicts(found)["of_u"] == "failed"


@pytest.mark.parametrize(
    ("table", "whose"), few([("t", "where version 0 has 10"), ("u", "where its files have 10")])
)
def test_an_arm_that_reads_other_rows_is_wrong(
    tmp_path: Path, catalog: str, table: str, whose: str
) -> None:
    bench = Bench(tmp_path, dict.fromkeys(SIDES, catalog))
    found = bench.run("faulty", SOUND, {"fault": "fewer rows", "query": table})
    reason = f"candidate: table {table}: faulty reads 7 rows, {whose}"
    assert found.faults == {table: reason}
    assert verdicts(found)[f"of_{table}"] == verdicts(found)["of_both"] == "wrong"
    assert messages(found)["of_both"] == reason
    assert len(bench.measured) == 1


@pytest.mark.more
def test_two_arms_that_are_wrong_alike_are_found_out(tmp_path: Path, catalog: str) -> None:
    bench = Bench(tmp_path, dict.fromkeys(SIDES, catalog))
    found = bench.run("faulty", {"fault": "fewer rows", "query": "t"})
    assert found.faults == {"t": "both arms: table t: faulty reads 7 rows, where version 0 has 10"}
    assert verdicts(found) | {"of_u": ""} == {"of_t": "wrong", "of_both": "wrong", "of_u": ""}


MADE = """
import pyarrow as pa
from neuralake.catalog import table

@table
def t():
    "Made here."
    return pa.table({{"key": list(range({rows}))}})
"""


@pytest.mark.more
def test_arms_that_read_other_rows_than_one_another_are_wrong(tmp_path: Path) -> None:
    """Of what a function makes nobody else knows the number."""
    catalogs: dict[Side, str] = {"base": MADE.format(rows=3), "candidate": MADE.format(rows=1004)}
    bench = Bench(tmp_path, catalogs, {"of_t": "t", "of_none": "(SELECT 1) AS nothing"})
    found = bench.run("duckdb")
    reason = "table t: duckdb reads 3 rows in the base and 1,004 in the candidate"
    assert found.faults == {"t": reason}
    assert (verdicts(found)["of_t"], messages(found)["of_t"]) == ("wrong", reason)
    assert bench.measured == {"of_none"}


@pytest.mark.more
def test_an_arm_that_opens_no_table_fails_and_ends_nothing_else(
    tmp_path: Path, catalog: str
) -> None:
    bench = Bench(tmp_path, dict.fromkeys(SIDES, catalog))
    found = bench.run("faulty", SOUND, {"fault": "open"}, seconds=60)
    assert found.ending == "failed"
    assert found.suite.verdict == "failed"
    reason = "candidate: cannot open the tables: RuntimeError: no tables today"
    assert set(messages(found).values()) == {reason}
