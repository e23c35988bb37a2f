"""A bench from Python: what it takes, what it gives, and what it refuses before it measures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neuralake import bench, open_catalog, open_run
from neuralake.api import BenchRun
from neuralake.catalog import Catalog, Database, DeltaTable, FunctionTable
from neuralake.errors import CatalogError, EngineError, NeuralakeError, QueryError, ResultsError
from neuralake.results.journal import read_journal
from neuralake.results.samples import SCHEMA
from tests.api.conftest import QUERIES
from tests.more import few

ENGINES = ["polars", "duckdb"]


@pytest.mark.more
def test_a_directory_of_queries_with_its_catalog(workload: Path) -> None:
    run = bench(workload, engines=ENGINES, runs=2)
    assert run.ok
    assert run.directory == workload.parent / "results/runs" / run.id
    assert run.record.header.workload == "lake"
    found = run.table()
    assert found.column("query").to_pylist() == ["by_day", "by_day", "total", "total"]
    assert found.column("engine").to_pylist() == ["polars", "duckdb"] * 2
    assert set(found.column("verdict").to_pylist()) == {"verified"}
    assert set(found.column("runs").to_pylist()) == {2}
    assert all(seconds > 0 for seconds in found.column("median_s").to_pylist())
    assert found.column("cold_median_s").null_count == 4


def test_samples_are_those_of_an_export_in_arrow_and_polars(workload: Path) -> None:
    run = bench("lake", engines="polars", queries=["total"], runs=1)
    samples = run.samples()
    assert samples.schema.names[: len(SCHEMA)] == SCHEMA.names
    assert samples.column("phase").to_pylist() == ["start", "open", "first", "hot"]
    frame = run.samples("polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame.get_column("wall_ns").to_list() == samples.column("wall_ns").to_pylist()
    assert isinstance(run.table("polars"), pl.DataFrame)
    with pytest.raises(ResultsError, match="there is no frame 'pandas': expected 'arrow' or"):
        run.table("pandas")  # type: ignore[call-overload]


@pytest.mark.more
def test_a_report_where_one_wants_it(workload: Path) -> None:
    run = bench(workload, engines="polars", runs=1)
    assert run.report("out").html == Path("out/index.html")
    assert "by_day" in (workload.parent / "out/index.html").read_text()
    assert run.report().markdown == run.directory / "report/summary.md"


@pytest.mark.more
def test_a_run_shows_itself_as_the_terminal_does(workload: Path) -> None:
    run = bench(workload, engines=ENGINES, runs=1)
    text, html = repr(run), run._repr_html_()
    for part in ("lake: median of 1 hot run", "by_day", "duckdb", "verified", str(run.directory)):
        assert part in text
    assert "\x1b" not in text
    assert html.startswith("<pre")
    assert "by_day" in html


GIVEN: dict[str, Callable[[DeltaTable], Any]] = {
    "a table": lambda orders: orders,
    "tables": lambda orders: [orders],
    "a catalog": lambda orders: Catalog((Database("lake", (orders,)),)),
    "an opened catalog": open_catalog,
}


@pytest.mark.parametrize("given", few(GIVEN, "an opened catalog"))
def test_texts_and_tables(place: Path, orders: DeltaTable, given: str) -> None:
    run = bench(QUERIES, catalog=GIVEN[given](orders), engines="polars", runs=1, name="orders")
    assert run.ok
    assert run.record.header.workload == "orders"
    assert run.record.header.queries == ("total", "by_day")
    assert run.record.header.dataset["tables"]["orders"]["version"] == 0


@pytest.mark.more
def test_texts_and_a_catalog_of_a_file(workload: Path) -> None:
    run = bench(
        {"n": "SELECT count(*) AS n FROM orders"},
        catalog="lake/catalog.py",
        engines="polars",
        runs=1,
    )
    assert run.table().column("verdict").to_pylist() == ["unverified"]


def test_a_directory_and_tables(workload: Path, orders: DeltaTable) -> None:
    (workload / "catalog.py").unlink()
    assert bench(workload, catalog=orders, engines="polars", runs=1).ok


@pytest.mark.more
def test_tpch_by_its_size_and_by_its_place(place: Path, dataset_sf0003: Path) -> None:
    run = bench(scale_factor=0.003, engines="polars", queries="6", runs=1)
    assert run.record.header.dataset_uri == str(dataset_sf0003)
    assert run.record.header.queries == ("q06",)
    again = bench(dataset=dataset_sf0003, engines="polars", queries=["q06", "q01"], runs=1)
    assert again.record.header.queries == ("q06", "q01")


def test_options_limits_and_cold_runs(workload: Path) -> None:
    run = bench(
        workload,
        engines="duckdb",
        options={"duckdb": {"threads": 1}},
        queries="total",
        runs=1,
        cold_runs=1,
        timeout_s=60,
        memory_limit_bytes=4 * 2**30,
    )
    header = run.record.header
    assert header.engines[0].options["threads"] == "1"
    assert (header.limits.timeout_s, header.limits.memory_bytes) == (60, 4 * 2**30)
    assert run.table().column("cold_median_s").null_count == 0


def test_a_wrong_answer_is_no_error_and_is_told(place: Path, orders: DeltaTable) -> None:
    queries = {"half": "SELECT max(amount) / 7 AS x FROM orders"}  # an integer, or not
    run = bench(queries, catalog=orders, engines=["duckdb", "datafusion"], runs=1)
    assert not run.ok
    assert run.table().column("median_s").null_count == 2


def test_a_run_that_was_kept(workload: Path) -> None:
    run = bench(workload, engines="polars", runs=1)
    for name in ("latest", run.id, run.id[:-1], str(run.directory)):
        assert open_run(name).record == run.record
    with pytest.raises(ResultsError, match="no run 'nosuch'"):
        open_run("nosuch")


def interrupted(run: BenchRun) -> BenchRun:
    """The run as it would be if it had been killed before its last query's last run."""
    directory = run.directory.with_name(f"{run.id}-interrupted")
    shutil.copytree(run.directory, directory)
    (directory / "run.json").unlink()
    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    hot = [number for number, line in enumerate(lines) if b'"hot"' in line]
    (directory / "journal.jsonl").write_bytes(b"".join(lines[: hot[-1]]))
    return BenchRun(read_journal(directory / "journal.jsonl"), directory)


def test_an_interrupted_run_goes_on(workload: Path, orders: DeltaTable) -> None:
    whole = bench(workload, engines=ENGINES, runs=1)
    resumed = interrupted(whole).resume()
    assert resumed.ok
    assert len(resumed.record.resumptions) == 1
    assert len(resumed.record.samples) >= len(whole.record.samples)


@pytest.mark.more
def test_an_interrupted_run_of_given_queries_goes_on_with_them(
    place: Path, orders: DeltaTable
) -> None:
    begun = interrupted(bench(QUERIES, catalog=orders, engines="polars", runs=1))
    with pytest.raises(ResultsError, match=r"resume it there, with open_run\(.*\)\.resume"):
        begun.resume()
    with pytest.raises(ResultsError, match="the text of total"):
        begun.resume({**QUERIES, "total": "SELECT 1 AS x FROM orders"}, catalog=orders)
    assert begun.resume(QUERIES, catalog=orders).ok


def local_table() -> FunctionTable:
    def rates() -> pl.DataFrame:
        return pl.DataFrame({"a": [1]})

    return FunctionTable(name="rates", function=rates)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"workload": "nowhere"}, QueryError, "no workload at nowhere"),
        ({"workload": {}, "catalog": "lake/catalog.py"}, QueryError, "there is no query"),
        ({"workload": {"q": 1}, "catalog": "lake/catalog.py"}, QueryError, "query 'q' is 1"),
        ({"workload": {"q": "SELECT 1"}}, CatalogError, "queries go with their tables"),
        ({"catalog": "lake/catalog.py"}, QueryError, "a catalog goes with queries"),
        ({"workload": {"q": "SELECT 1"}, "catalog": 7}, CatalogError, "7 is no table"),
        ({"workload": {"q": "SELECT 1"}, "catalog": ["x"]}, CatalogError, "'x' is no table"),
        (
            {"workload": {"q": "SELECT a FROM rates"}, "catalog": local_table()},
            CatalogError,
            "put it at the top level of a module",
        ),
        ({"workload": "lake", "scale_factor": 1}, QueryError, "goes without scale_factor"),
        ({"scale_factor": 1, "dataset": "here"}, QueryError, "either scale_factor or dataset"),
        ({"workload": "lake", "engines": []}, EngineError, "engines are"),
        ({"workload": "lake", "engines": [3]}, EngineError, "expected names"),
        ({"workload": "lake", "engines": ["nosuch"]}, EngineError, "unknown engine 'nosuch'"),
        (
            {"workload": "lake", "engines": "polars", "options": {"duckdb": {"threads": 1}}},
            EngineError,
            "duckdb is not among the engines",
        ),
        ({"workload": "lake", "queries": []}, QueryError, "there is no query"),
        ({"workload": "lake", "queries": "nosuch"}, QueryError, "unknown query 'nosuch'"),
        ({"workload": "lake", "runs": 0}, QueryError, "hot runs are 0: expected a whole number"),
        ({"workload": "lake", "runs": 2.5}, QueryError, "hot runs are 2.5"),
        ({"workload": "lake", "cold_runs": -1}, QueryError, "cold runs are -1"),
        ({"workload": "lake", "timeout_s": 0}, QueryError, "the timeout is 0"),
        ({"workload": "lake", "memory_limit_bytes": -5}, QueryError, "the memory limit is -5"),
        (
            {"workload": {"q": "SELECT 1"}, "catalog": "lake/catalog.py", "name": "a/b"},
            QueryError,
            "a workload cannot be called 'a/b'",
        ),
        (
            {"workload": {"q": "SELECT 1"}, "catalog": "lake/catalog.py", "name": "tpch"},
            QueryError,
            "as the one that comes with Neuralake",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_one_line_before_anything_is_measured(
    workload: Path, arguments: dict[str, Any], error: type[NeuralakeError], message: str
) -> None:
    with pytest.raises(error) as raised:
        bench(**arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (workload.parent / "results").exists()


SCRIPT = """\
from neuralake import bench
run = bench("lake", engines="polars", runs=1)
print(run.ok)
"""


def test_a_script_needs_no_guard_and_is_quiet(workload: Path) -> None:
    (workload.parent / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=workload.parent,
        env=os.environ | {"TMPDIR": str(workload.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)
