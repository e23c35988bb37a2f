"""Engines that are right are called right, and an answer that is wrong is still found."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Cli

ENGINES = ("polars", "datafusion", "duckdb")
NAN = float("nan")
ROWS = pa.table(
    {
        "n": pa.array([3, None, 1, None, 2, 1], pa.int32()),
        "name": ["b", "a", "Ä", None, "B", "𝄞"],
        "x": pa.array([0.1, 0.2, NAN, -0.0, 0.0, None]),
        "f": pa.array([0.1, 0.2, -0.3, 1e8, 1.0, -1e8], pa.float32()),
        "z": pa.array([datetime(2024, 6, 30, h, 59, tzinfo=UTC) for h in range(18, 24)]),
    }
)
INSTANTS = pa.table(
    {"n": [3, 2, 1, None], "at": pa.array([1, -1, None, 10**15 + 1], pa.timestamp("ns"))}
)
CATALOG = """\
from neuralake.catalog import FunctionTable, ParquetTable
import pyarrow as pa
t = ParquetTable(name="t", location={t!r})
instants = ParquetTable(name="instants", location={instants!r})

def made():
    return pa.table({{"d": pa.array([0, 86400 * 10**6 + 1], pa.timestamp("us", "UTC"))}})

made = FunctionTable(name="made", function=made)
"""

# By name: the header's promises, and the text
RIGHT = {
    "nulls": ("order by n asc", "SELECT n, name FROM t ORDER BY n"),
    "nulls-descending": (
        "order by n desc, name asc",
        "SELECT n, name FROM t ORDER BY n DESC, name",
    ),
    "nulls-last": ("order by n asc nulls last", "SELECT n FROM t ORDER BY n NULLS LAST"),
    "nan": ("order by x asc", "SELECT x FROM t ORDER BY x"),
    "bytes": ("order by name asc nulls first", "SELECT name FROM t ORDER BY name NULLS FIRST"),
    "top": (
        "order by n desc nulls last\n-- limit 3",
        "SELECT n FROM t ORDER BY n DESC NULLS LAST LIMIT 3",
    ),
    "nanoseconds": ("", 'SELECT "at" FROM instants'),
    "midnight": ("", "SELECT CAST(z AS DATE) AS d, COUNT(*) AS n FROM t GROUP BY CAST(z AS DATE)"),
    "truncated": ("", "SELECT DISTINCT date_trunc('month', z) AS month FROM t"),
    "clock": ("", "SELECT TIMESTAMP '2024-01-01 00:00:00' AS midnight, z FROM t"),
    "made": ("", "SELECT d, TIMESTAMP '1970-01-01 00:00:00' AS epoch FROM made"),
    "residue": ("", "SELECT SUM(x - x) + 0.1 + 0.2 - 0.3 AS nothing FROM t WHERE n = 3"),
    "floats": ("", "SELECT SUM(f) AS total, AVG(f) AS mean FROM t WHERE n < 3"),
}


def write_workload(place: Path) -> Path:
    """A directory with the catalog of these tables, and as yet without queries."""
    places = {name: str(place / f"{name}.parquet") for name in ("t", "instants")}
    pq.write_table(ROWS, places["t"])
    pq.write_table(INSTANTS, places["instants"])
    directory = place / "verdicts"
    directory.mkdir()
    (directory / "catalog.py").write_text(CATALOG.format(**places))
    return directory


def text_of(name: str) -> str:
    """A query that engines are right on, with its header."""
    header, text = RIGHT[name]
    return f"-- Title\n-- {header}\n{text}"


# One engine's division of integers is whole, the other's is not
APART = "SELECT CASE WHEN 1 / 2 = 0 THEN 1000.0 ELSE 1001.0 END AS price FROM t"
TOLERANCES = {
    "apart": APART,
    "near": f"-- Near\n-- tolerance 1e-3\n{APART}",
    "unit": f"-- Unit\n-- tolerance price 1 absolute\n{APART}",
    "less": f"-- Less\n-- tolerance price 0.9 absolute\n{APART}",
}


@pytest.fixture
def workload(tmp_path: Path) -> Path:
    return write_workload(tmp_path)


Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(typed: Cli, workload: Path) -> Bench:
    """Bench queries of these texts; keyword ``engines`` chooses others than three."""

    def run(
        queries: dict[str, str], *options: object, engines: str = ",".join(ENGINES)
    ) -> subprocess.CompletedProcess[str]:
        for name, text in queries.items():
            (workload / f"{name}.sql").write_text(text)
        arguments = ("--workload", workload, "--engines", engines, "--runs", 1, "--json")
        return typed("bench", *arguments, *options)

    return run


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], Any]:
    run = json.loads(done.stdout)
    return {(v["query"], v["engine"]): v for v in run["verifications"]}


@pytest.mark.parametrize(
    "engines",
    [ENGINES, pytest.param(("duckdb", "spark"), marks=pytest.mark.more)],  # a JVM of its own
    ids="-".join,
)
def test_engines_that_are_right_are_verified(bench: Bench, engines: tuple[str, ...]) -> None:
    queries = {name: text_of(name) for name in RIGHT}
    options: tuple[str, ...] = ()
    if "spark" in engines:
        del queries["nanoseconds"]  # it has no type for them
        # there is no Delta table, and it starts in less time without what reads them
        options = ("--engine", "spark:delta_reader=snapshot-files")
    done = bench(queries, *options, engines=",".join(engines))
    found = verdicts(done)
    wrong = {key: (v["verdict"], v["detail"]) for key, v in found.items()}
    assert {key: v for key, v in wrong.items() if v[0] != "verified"} == {}
    assert len(found) == len(queries) * len(engines)
    assert done.returncode == 0, done.stderr


def test_nulls_where_the_header_has_none_or_says_nothing_and_tolerances_are_told(
    bench: Bench,
) -> None:
    """One run of two engines, which put nulls at either end, and divide otherwise."""
    top = "-- Top\n-- order by n desc\n-- limit 2\nSELECT n FROM t ORDER BY n DESC LIMIT 2"
    nulls = "-- Nulls\n-- order by n asc nulls last\nSELECT n FROM t ORDER BY n NULLS FIRST"
    done = bench({"top": top, "nulls": nulls} | TOLERANCES, engines="datafusion,duckdb")
    assert done.returncode == 1
    found = verdicts(done)
    assert_a_limit_that_nulls_decide_asks_for_their_place(found)
    excluded = [v for (query, _), v in found.items() if query == "nulls"]
    assert {(v["verdict"], v["against"]) for v in excluded} == {("wrong", "its own ORDER BY")}
    # a tolerance of the header is kept, and no more
    kept = {query: v["verdict"] for (query, _), v in found.items() if query in TOLERANCES}
    assert kept == {"apart": "wrong", "near": "verified", "unit": "verified", "less": "wrong"}


def assert_a_limit_that_nulls_decide_asks_for_their_place(
    found: dict[tuple[str, str], Any],
) -> None:
    wrong = [v for (query, _), v in found.items() if query == "top" and v["verdict"] == "wrong"]
    assert wrong
    for verdict in wrong:
        assert "nulls in n" in verdict["detail"]
        assert "needs NULLS FIRST or NULLS LAST" in verdict["detail"]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    return done.stderr.splitlines()[-1]


def test_an_order_by_a_column_that_the_text_has_not_is_refused_at_once(
    bench: Bench, tmp_path: Path
) -> None:
    said = refused(
        bench({"best": "-- Best\n-- order by sales desc\nSELECT n, x FROM t ORDER BY n"})
    )
    assert said == (
        "neuralake: query file best.sql: its header says 'order by sales', but its result has no "
        "such column: it has n, x"
    )
    assert not list(tmp_path.glob("results/runs/*"))


def test_an_order_by_a_column_that_only_a_result_tells_is_refused_then(
    bench: Bench, typed: Cli, workload: Path
) -> None:
    done = bench(
        {"all": "-- All\n-- order by sales desc\nSELECT * FROM t"}, engines="polars,duckdb"
    )
    assert "query file all.sql: its header says 'order by sales'" in refused(done)
    assert "it has n, name, x, f, z" in done.stderr
    (workload / "all.sql").write_text("-- All\nSELECT * FROM t")
    resumed = typed("bench", "--resume", "latest", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert {v["verdict"] for v in verdicts(resumed).values()} == {"verified"}


def test_a_tolerance_for_a_column_that_is_not_there_is_refused(bench: Bench) -> None:
    done = bench({"q": "-- Title\n-- tolerance total 1e-3\nSELECT n FROM t"})
    assert "its header says 'tolerance total'" in refused(done)


@pytest.mark.parametrize("output_format", ["table", "csv", "json"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_prints_nanoseconds(
    typed: Cli, workload: Path, engine: str, output_format: str
) -> None:
    sql = 'SELECT "at" FROM instants WHERE n = 3 OR n IS NULL'
    options = ("--engine", engine, "--catalog", workload / "catalog.py", "--format", output_format)
    done = typed("query", sql, *options)
    assert done.returncode == 0, done.stderr
    assert "1970-01-01 00:00:00.000000001" in done.stdout
    assert "1970-01-12 13:46:40.000000001" in done.stdout
