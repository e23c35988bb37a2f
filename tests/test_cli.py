"""The command line as people use it: what it prints, where, and its exit status."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import FAST_ENGINES, Bench, Cli, cli_environment

SQL = "SELECT n_name FROM nation WHERE n_nationkey = 7"
SMALL = ("-s", "0.01")
CATALOG = """
import pyarrow as pa
from neuralake.catalog.tables import DeltaTable, table
from neuralake.tpch.tables import TABLES

orders = DeltaTable(name="orders", location={location!r}, columns=TABLES["orders"].columns)

@table
def numbers():
    return pa.table({{"n": [1, 2, 3]}})
"""


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a bad input is refused."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("neuralake: ")
    assert "Traceback" not in line
    return line.removeprefix("neuralake: ")


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


# Help


def test_help_lists_the_commands(typed: Cli) -> None:
    done = typed("--help")
    assert done.returncode == 0
    for command in ("generate", "bench", "query", "engines", "catalog", "results"):
        assert f"\n  {command} " in done.stdout
    assert "NEURALAKE_ENV" in done.stdout


@pytest.mark.parametrize(
    "command",
    ["generate", "bench", "query", "engines", "catalog list", "catalog show", "results list"],
)
def test_each_command_has_help(typed: Cli, command: str) -> None:
    done = typed(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage: neuralake" in done.stdout


def test_help_imports_nothing_heavy(cli: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "neuralake", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"pyarrow", "polars", "numpy", "matplotlib", "deltalake", "rich", "duckdb"}


def test_the_console_script_is_the_same(cli: Cli) -> None:
    script = Path(sys.executable).with_name("neuralake")
    version = subprocess.check_output([script, "--version"], text=True)
    assert version == cli("--version").stdout
    assert version.startswith("neuralake, version ")


# What works


def test_generate_says_where_the_dataset_is(typed: Cli, tmp_path: Path) -> None:
    done = typed("generate", "-s", "0.001", "--to", tmp_path / "here")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'here'}\n")
    assert done.stderr == ""
    again = typed("generate", "-s", "0.001", "--to", tmp_path / "here", "--json", "--verify")
    assert json.loads(again.stdout)["scale_factor"] == 0.001


def test_bench_measures_reports_and_keeps(cli: Cli, typed: Cli, tmp_path: Path) -> None:
    options = ("--engines", "duckdb,polars", "--queries", "6", "--runs", "1")
    done = cli("bench", *SMALL, *options, "--engine", "polars:threads=1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "verified" in done.stdout
    assert "1/1" in done.stdout
    (run,) = (tmp_path / "results" / "runs").iterdir()
    assert f"results: {run}" in done.stdout
    assert f"report: {run / 'report' / 'index.html'}" in done.stdout
    assert (run / "report" / "figures" / "latency.svg").is_file()
    directories = {"answers", "logs", "plans", "queries", "report"}
    assert {path.name for path in run.iterdir()} == {"journal.jsonl", "run.json", *directories}
    listed = json.loads(typed("results", "list", "--json").stdout)
    assert [item["id"] for item in listed] == [run.name]
    shown = json.loads(typed("results", "show", "--json").stdout)
    assert shown == json.loads((run / "run.json").read_text())
    assert shown["engines"][1]["settings"]["threads"] == 1


def test_bench_over_a_dataset_prints_json(typed: Cli, dataset_sf0003: Path) -> None:
    done = typed(
        *("bench", "--dataset", dataset_sf0003, "--engines", "duckdb"),
        *("--queries", "1", "--runs", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert [v["verdict"] for v in run["verifications"]] == ["unverified"]


@pytest.mark.parametrize("engine", FAST_ENGINES)
def test_query_prints_a_table(typed: Cli, engine: str) -> None:
    done = typed("query", SQL, "--engine", engine, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "GERMANY" in done.stdout


def test_query_prints_formats_for_programs(typed: Cli, storage: Path, tmp_path: Path) -> None:
    assert typed("query", SQL, *SMALL, "--format", "csv").stdout == '"n_name"\n"GERMANY"\n'
    assert json.loads(typed("query", SQL, *SMALL, "--format", "json").stdout) == [
        {"n_name": "GERMANY"}
    ]
    with (tmp_path / "answer.parquet").open("wb") as sink:
        subprocess.run(
            [sys.executable, "-m", "neuralake", "query", SQL, *SMALL, "--format", "parquet"],
            stdout=sink,
            env=cli_environment(storage, tmp_path),
            check=True,
        )
    assert pq.read_table(tmp_path / "answer.parquet").to_pylist() == [{"n_name": "GERMANY"}]


def test_query_runs_a_tpch_query_with_options(typed: Cli) -> None:
    done = typed("query", "--tpch", "6", *SMALL, "--set", "engine=in-memory", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('"revenue"\n')


def test_query_explains(typed: Cli) -> None:
    done = typed("query", "--tpch", "6", *SMALL, "--explain", "--engine", "duckdb")
    assert done.returncode == 0, done.stderr
    assert "lineitem" in done.stdout.lower() or "PARQUET" in done.stdout.upper()


def test_query_over_a_catalog_of_ones_own(typed: Cli, tmp_path: Path, dataset_sf001: Path) -> None:
    file = tmp_path / "lake.py"
    file.write_text(CATALOG.format(location=str(dataset_sf001 / "orders")))
    sql = "SELECT n FROM numbers JOIN orders ON o_orderkey = n ORDER BY n"
    done = typed("query", sql, "--catalog", file, "--format", "csv")
    assert done.stdout == '"n"\n1\n2\n3\n', done.stderr


def test_engines_are_listed(typed: Cli) -> None:
    shown = typed("engines").stdout
    assert "polars" in shown
    assert "instructions of runs: " in shown
    found = {item["name"]: item for item in json.loads(typed("engines", "--json").stdout)}
    assert found["datafusion"]["available"] is True


def test_the_catalog_is_listed_and_shown(typed: Cli) -> None:
    listed = json.loads(typed("catalog", "list", "--json").stdout)
    assert len(listed) == 8
    assert "lineitem" in typed("catalog", "list").stdout
    shown = typed("catalog", "show", "lineitem", *SMALL)
    assert shown.returncode == 0
    assert "l_orderkey" in shown.stdout
    assert json.loads(typed("catalog", "show", "orders", "--json").stdout)["columns"]


def test_a_table_that_cannot_be_used_is_shown_with_exit_status_1(typed: Cli) -> None:
    absent = typed("catalog", "show", "lineitem", "-s", "0.5")
    assert absent.returncode == 1
    assert "l_orderkey" in absent.stdout


def test_results_are_shown_and_exported(typed: Cli, official_bench: Bench, tmp_path: Path) -> None:
    root = {"NEURALAKE_RESULTS_ROOT": str(official_bench.directory.parents[1])}
    assert official_bench.run.header.id in typed("results", "list", environment=root).stdout
    shown = typed("results", "show", official_bench.directory)
    assert shown.stdout.count("22/22") == 3
    exported = typed("results", "export", environment=root).stdout
    assert len(list(csv.DictReader(io.StringIO(exported)))) == len(official_bench.run.samples)
    file = tmp_path / "samples.parquet"
    done = typed(
        *("results", "export", official_bench.run.header.id[:15], "--format", "parquet"),
        *("--to", file),
        environment=root,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert pq.read_table(file).num_rows == len(official_bench.run.samples)


def test_no_colour_where_there_is_no_terminal(typed: Cli) -> None:
    assert "\x1b" not in typed("engines").stdout


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bench", "--engines", "oracle"), "unknown engine 'oracle': expected one of"),
        (("bench", "--engines", "polars,"), "unknown engine ''"),
        (("bench", "--engine", "polars:x=1"), "engine polars has no option 'x'"),
        (("bench", "--engine", "polars"), "expected NAME:KEY=VALUE"),
        (("bench", "--engines", "polars", "--queries", "23"), "unknown query '23'"),
        (("bench", "--engines", "polars", "--queries", "²"), "unknown query '²'"),
        (("bench", "--runs", "0"), "--runs"),
        (("bench", "--runs", "many"), "--runs"),
        (("bench", "--dataset", "/nowhere", "-s", "1"), "either --scale-factor or --dataset"),
        (("bench", "--dataset", "/nowhere", "--engines", "polars"), "no dataset at /nowhere"),
        (("query",), "expected either SQL or --tpch N"),
        (("query", "SELECT 1", "--tpch", "1"), "expected either SQL or --tpch N"),
        (("query", "--tpch", "23"), "--tpch"),
        (("query", "--tpch", "1", "--format", "xml"), "--format"),
        (("query", "SELECT 1", "--engine", "oracle"), "unknown engine 'oracle'"),
        (("query", "SELECT 1", "--set", "threads"), "expected KEY=VALUE"),
        (("query", "SELECT 1", "-s", "0.5"), "no dataset at"),
        (("query", "SELECT 1", "--catalog", "nowhere.py"), "nowhere.py"),
        (("query", "SELECT 1", "--catalog", "no.such.module"), "no"),
        (("query", " ", "-s", "0.01"), "the query is empty"),
        (("catalog", "show", "nothing"), "nothing"),
        (("results", "show"), "no run in"),
        (("results", "show", "nothing"), "no run 'nothing'"),
        (("results", "export", "--format", "xml"), "--format"),
        (("nonsense",), "nonsense"),
        (("bench", "--nonsense"), "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_input_is_one_line_and_status_2(
    typed: Cli, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in refused(typed(*arguments))
    assert files(tmp_path) == ["tmp"]


@pytest.mark.parametrize(
    ("command", "scale_factor"),
    [
        *[("generate", value) for value in ("0", "-1", "nan", "1e9", "inf")],
        ("bench", "nan"),
        ("query SELECT", "nan"),
        ("catalog list", "0"),
    ],
)
def test_an_impossible_scale_factor_is_said(
    typed: Cli, tmp_path: Path, command: str, scale_factor: str
) -> None:
    root = {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "storage")}
    line = refused(typed(*command.split(), "--scale-factor", scale_factor, environment=root))
    assert "scale factor" in line
    assert files(tmp_path) == ["tmp"]


def test_a_scale_factor_that_is_no_number_is_said(typed: Cli) -> None:
    assert "'large' is no number: expected one such as 0.01" in refused(
        typed("bench", "-s", "large")
    )


def test_an_unknown_environment_is_said(typed: Cli) -> None:
    done = typed("results", "list", environment={"NEURALAKE_ENV": "staging"})
    assert refused(done) == "NEURALAKE_ENV is 'staging': expected local or production"


@pytest.mark.parametrize("command", ["generate -s 0.001 --to", "results export --to"])
def test_a_destination_that_cannot_be_written_is_said(
    typed: Cli, tmp_path: Path, official_bench: Bench, command: str
) -> None:
    root = {"NEURALAKE_RESULTS_ROOT": str(official_bench.directory.parents[1])}
    (tmp_path / "file").write_text("precious")
    for destination in (tmp_path / "file" / "below", Path("/proc/nothing/here")):
        assert str(destination) in refused(typed(*command.split(), destination, environment=root))
    assert (tmp_path / "file").read_text() == "precious"
    assert files(tmp_path) == ["file", "tmp"]


def test_results_that_cannot_be_written_are_said_before_measuring(
    typed: Cli, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("precious")
    done = typed(
        *("bench", *SMALL, "--engines", "duckdb", "--queries", "6", "--runs", "1"),
        environment={"NEURALAKE_RESULTS_ROOT": str(tmp_path / "file")},
    )
    assert "set NEURALAKE_RESULTS_ROOT to a writable directory" in refused(done)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: b"rubbish", "corrupt"),
        (lambda manifest: b"", "corrupt"),
        (
            lambda manifest: manifest.replace(b'"schema_version": 1', b'"schema_version": 2'),
            "its schema version is 2: expected 1",
        ),
        (
            lambda manifest: manifest.replace(b'"tpchgen-cli ', b'"tpchgen-cli 0.'),
            "it was made by tpchgen-cli 0.",
        ),
    ],
)
def test_a_dataset_that_cannot_be_trusted_is_said(  # type: ignore[no-untyped-def]
    typed: Cli, tmp_path: Path, dataset_sf0003: Path, change, message: str
) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(dataset_sf0003, dataset)
    manifest = dataset / "manifest.json"
    manifest.write_bytes(change(manifest.read_bytes()))
    line = refused(typed("bench", "--engines", "duckdb", "--dataset", dataset))
    assert message in line
    assert "remove the directory and generate it again" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda orders: orders.drop_columns(["o_comment"]), "o_comment"),
        (
            lambda orders: orders.set_column(
                0, "o_orderkey", orders["o_orderkey"].cast(pa.string())
            ),
            "o_orderkey",
        ),
    ],
    ids=["missing", "type"],
)
def test_a_table_that_differs_from_its_declaration_is_said(  # type: ignore[no-untyped-def]
    typed: Cli, tmp_path: Path, dataset_sf0003: Path, change, message: str
) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(dataset_sf0003, dataset)
    orders = change(pq.read_table(dataset / "orders"))
    deltalake.write_deltalake(
        str(dataset / "orders"), orders, mode="overwrite", schema_mode="overwrite"
    )
    assert "orders" in refused(typed("bench", "--engines", "duckdb", "--dataset", dataset))
    catalog = tmp_path / "lake.py"
    catalog.write_text(CATALOG.format(location=str(dataset / "orders")))
    for engine in FAST_ENGINES:
        sql = "SELECT COUNT(*) FROM orders"
        line = refused(typed("query", sql, "--catalog", catalog, "--engine", engine))
        assert "orders" in line
        assert message in line


@pytest.mark.parametrize(
    ("engine", "sql", "named"),
    [
        ("polars", "SELECT 1 +", "expression"),
        ("datafusion", "SELECT * FROM nowhere", "nowhere"),
        ("duckdb", "SELECT nothing FROM nation", "nothing"),
        # found only while it runs, and told below a Java exception that says nothing
        pytest.param(
            "spark",
            "SELECT (SELECT n_name FROM nation)",
            "More than one row returned by a subquery",
            marks=pytest.mark.more,
        ),
    ],
)
def test_sql_that_cannot_run_is_said(
    cli: Cli, typed: Cli, engine: str, sql: str, named: str
) -> None:
    # Spark opens eight tables in half the time as plain files
    reader = ("--set", "delta_reader=snapshot-files") if engine == "spark" else ()
    run = typed if engine in ("polars", "datafusion") else cli  # others print past Python, too
    line = refused(run("query", sql, *SMALL, "--engine", engine, *reader))
    assert line.startswith(f"{engine}: ")
    assert named in line


def test_a_corrupt_result_is_said_and_listed(
    typed: Cli, tmp_path: Path, official_bench: Bench
) -> None:
    runs = tmp_path / "results" / "runs"
    for name, damaged in (("20260101-a", "run.json"), ("20260102-b", "journal.jsonl")):
        shutil.copytree(official_bench.directory, runs / name)
        with (runs / name / damaged).open("ab") as file:
            file.write(b"rubbish\n")
    (runs / "20260102-b" / "run.json").unlink()
    assert "run.json is corrupt" in refused(typed("results", "show", "20260101-a"))
    assert "journal.jsonl is damaged at line" in refused(typed("results", "export", "20260102-b"))
    listed = typed("results", "list")
    assert listed.returncode == 0
    assert "corrupt" in listed.stdout
    assert "damaged" in listed.stdout


def test_an_error_shows_its_trace_with_debug(typed: Cli) -> None:
    done = typed("--debug", "results", "show", "nothing")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


# Two at once, and an end before the end


def test_two_benches_at_once_would_disturb_each_other(typed: Cli, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir(exist_ok=True)
    with (tmp_path / "tmp" / "neuralake-measurement.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write('{"pid": 4711, "purpose": "neuralake bench", "since": "2026-01-01"}')
        lock.flush()
        options = ("--engines", "duckdb", "--queries", "6", "--runs", "1")
        line = refused(typed("bench", *SMALL, *options))
    assert "already measuring: process 4711 (neuralake bench, since 2026-01-01)" in line
    assert not (tmp_path / "results").exists()


def test_an_interrupted_bench_says_so_and_leaves_no_process(storage: Path, tmp_path: Path) -> None:
    command = ["bench", *SMALL, "--engines", "duckdb,polars", "--queries", "1", "--runs", "100000"]
    with subprocess.Popen(
        [sys.executable, "-m", "neuralake", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cli_environment(storage, tmp_path),
        start_new_session=True,
    ) as bench:
        worker = wait_for_worker(bench.pid, tmp_path)
        bench.send_signal(signal.SIGINT)
        output, errors = bench.communicate()
    assert bench.returncode == 130
    assert output == ""
    (run,) = (tmp_path / "results" / "runs").iterdir()
    assert re.fullmatch(
        rf"neuralake: interrupted: \d+ samples are kept in {re.escape(str(run))}; "
        rf"neuralake bench --resume {run.name} goes on\n",
        errors,
    )
    assert (run / "run.json").is_file()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    interrupted = subprocess.check_output(
        [sys.executable, "-m", "neuralake", "results", "list", "--json"],
        env=cli_environment(storage, tmp_path),
    )
    (overview,) = json.loads(interrupted)
    assert overview["state"] == "interrupted"
    assert overview["samples"] >= 3


def wait_for_worker(pid: int, directory: Path) -> int:
    """The worker of a bench, once it has taken samples."""
    for _ in range(1200):
        journals = list((directory / "results").glob("runs/*/journal.jsonl"))
        if journals and journals[0].read_bytes().count(b'"phase":"hot"') > 2:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("the bench takes no samples")
