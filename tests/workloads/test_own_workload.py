"""A team's own workload, from a directory of SQL files, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from neuralake.workloads.answers import answer_path
from neuralake.workloads.executor import read_answer
from tests.conftest import Cli
from tests.more import few

SHOP = Path(__file__).parents[2] / "examples/shop"
CATALOG = '''"""What the fleet drives."""
from neuralake.catalog import DeltaTable

trips = DeltaTable(name="trips", location={trips!r})
cars = DeltaTable(name="cars", location={cars!r})
'''

QUERIES = {
    "distance_by_car": """\
-- How far each car went
-- order by distance desc, plate asc
SELECT c.plate, SUM(t.distance) AS distance
FROM trips t JOIN cars c ON t.car = c.car
GROUP BY c.plate ORDER BY distance DESC, c.plate
""",
    "long_trips": """\
-- Trips that are long
-- :least decimal 7.5
SELECT trip, distance FROM trips WHERE distance >= :least
""",
    "no-header": "SELECT COUNT(*) AS trips FROM trips",
}


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A directory with three queries over two Delta tables, and their catalog."""
    distances = [Decimal(n) / 2 for n in range(20)]
    trips = pa.table(
        {
            "trip": pa.array(range(20), pa.int64()),
            "car": pa.array([n % 3 for n in range(20)], pa.int64()),
            "distance": pa.array(distances, pa.decimal128(9, 2)),
        }
    )
    cars = pa.table({"car": pa.array([0, 1, 2], pa.int64()), "plate": ["B-A 1", "B-B 2", "H-C 3"]})
    places = {"trips": str(tmp_path / "lake/trips"), "cars": str(tmp_path / "lake/cars")}
    deltalake.write_deltalake(places["trips"], trips)
    deltalake.write_deltalake(places["cars"], cars)
    directory = tmp_path / "fleet"
    directory.mkdir()
    (directory / "catalog.py").write_text(CATALOG.format(**places))
    for name, text in QUERIES.items():
        (directory / f"{name}.sql").write_text(text)
    return directory


ALONE = ("--engines", "polars")  # where nothing is said of a verdict


def bench(cli: Cli, *arguments: object) -> subprocess.CompletedProcess[str]:
    return cli("bench", "--engines", "polars,datafusion", "--runs", 1, *arguments)


def benched(cli: Cli, *arguments: object) -> dict[str, Any]:
    """The run of a bench that came to a good end."""
    done = bench(cli, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    run: dict[str, Any] = json.loads(done.stdout)
    return run


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert done.stdout == ""
    return line.removeprefix("neuralake: ")


# What works


def test_the_engines_agree_and_nothing_is_of_tpch(typed: Cli, fleet: Path, tmp_path: Path) -> None:
    run = benched(typed, "--workload", fleet)
    header = run["header"]
    assert header["workload"] == "fleet"
    assert header["scale_factor"] is None
    assert header["queries"] == ["distance_by_car", "long_trips", "no-header"]
    assert header["dataset_uri"] == str(fleet / "catalog.py")
    assert [(v["verdict"], v["against"]) for v in run["verifications"]] == [
        ("verified", "agreement with datafusion"),
        ("verified", "agreement with polars"),
    ] * 3
    assert {s["status"] for s in run["samples"]} == {"ok"}
    shown = typed("results", "show")
    assert "fleet: median of 1 hot run, ms" in shown.stdout
    assert shown.stdout.count("3/3") == 2
    del header["fingerprint"]  # of all packages, the generator's among them
    assert "tpc" not in (shown.stdout + json.dumps(run)).lower()
    (directory,) = (tmp_path / "results/runs").iterdir()
    answer = read_answer(answer_path(directory, "polars", "long_trips"))
    assert answer.column("trip").to_pylist() == [15, 16, 17, 18, 19]


def test_the_result_says_which_data_it_was(typed: Cli, fleet: Path, tmp_path: Path) -> None:
    (fleet / "long_trips.sql").unlink()
    before = benched(typed, "--workload", fleet, *ALONE)["header"]["dataset"]
    trips = before["tables"]["trips"]
    assert list(before["tables"]) == ["trips", "cars"]
    assert trips["format"] == "delta"
    assert trips["uri"] == str(tmp_path / "lake/trips")
    assert (trips["version"], trips["files"]) == (0, 1)
    deltalake.DeltaTable(trips["uri"]).delete("trip = 7")
    after = benched(typed, "--workload", fleet, *ALONE)["header"]["dataset"]
    assert after["tables"]["trips"]["version"] == 1
    assert after["tables"]["trips"]["id"] == trips["id"]
    assert after["tables"]["cars"] == before["tables"]["cars"]


@pytest.mark.parametrize("source", few(["lakehouse", "lakehouse.py"]))
def test_the_catalog_may_be_elsewhere(typed: Cli, fleet: Path, tmp_path: Path, source: str) -> None:
    """By a module's name, or a file."""
    (fleet / "catalog.py").rename(tmp_path / "lakehouse.py")
    options = ("--workload", "fleet", "--catalog", source, "--queries", "no-header", *ALONE)
    run = benched(typed, *options)
    assert {s["status"] for s in run["samples"]} == {"ok"}
    assert source in run["header"]["dataset_uri"]


@pytest.mark.more  # by day one of them, with a catalog from elsewhere
def test_queries_are_chosen_by_name(typed: Cli, fleet: Path) -> None:
    run = benched(typed, "--workload", fleet, "--queries", "no-header,long_trips", *ALONE)
    assert run["header"]["queries"] == ["no-header", "long_trips"]


@pytest.mark.more  # by day a query that fails in test_third_party.py
def test_an_unknown_table_fails_its_query_alone(typed: Cli, fleet: Path) -> None:
    (fleet / "lost.sql").write_text("SELECT * FROM nowhere")
    done = bench(typed, "--workload", fleet)
    assert done.returncode == 1, done.stderr
    assert "polars lost: failed" in done.stdout
    run = json.loads(typed("results", "show", "--json").stdout)
    assert {s["status"] for s in run["samples"] if s["query"] == "lost"} == {"error"}
    assert sum(v["verdict"] == "verified" for v in run["verifications"]) == 6


@pytest.mark.more  # by day in test_verdicts.py
def test_answers_that_differ_are_wrong(typed: Cli, fleet: Path) -> None:
    (fleet / "quotient.sql").write_text("SELECT 7 / 2 AS quotient FROM cars")  # 3, or 3.5
    done = bench(typed, "--workload", fleet, "--queries", "quotient")
    assert done.returncode == 1, done.stderr
    assert "polars quotient: wrong against agreement with datafusion" in done.stdout


@pytest.mark.more  # as one of TPC-H, which is not resumed on another dataset either
def test_an_interrupted_run_goes_on_and_not_on_other_data(
    typed: Cli, fleet: Path, tmp_path: Path
) -> None:
    whole = benched(typed, "--workload", fleet, *ALONE)
    (directory,) = (tmp_path / "results/runs").iterdir()
    (directory / "run.json").unlink()
    lines = (directory / "journal.jsonl").read_text().splitlines(keepends=True)
    (directory / "journal.jsonl").write_text("".join(lines[:6]))
    done = typed("bench", "--resume", directory, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["header"] == whole["header"]
    (directory / "run.json").unlink()
    (directory / "journal.jsonl").write_text("".join(lines[:6]))
    deltalake.DeltaTable(str(tmp_path / "lake/trips")).delete("trip = 7")
    assert "tables.trips.bytes of the dataset was" in refused(typed("bench", "--resume", directory))


HOSTILE = "<img src=x onerror=alert(1)> **b** [a](b) `c` | \x1b[31mred\x1b[0m \n.round1"


def test_a_query_and_its_directory_may_be_called_anything(
    typed: Cli, fleet: Path, tmp_path: Path
) -> None:
    fleet = fleet.rename(fleet.with_name("Flotte für \x1b[31m2026\n$(rm)"))
    for name in (HOSTILE, "a", "a.round1", "%2E", "long" * 60):
        (fleet / f"{name}.sql").write_text(QUERIES["no-header"])
    done = bench(typed, "--workload", fleet, *ALONE)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "<img src=x onerror=alert(1)> **b**" in done.stdout
    (directory,) = (tmp_path / "results/runs").iterdir()
    assert len(list((directory / "answers").iterdir())) == 8
    run = json.loads((directory / "run.json").read_bytes())
    assert run["header"]["workload"] == "Flotte-für-31m2026-rm"


@pytest.mark.more
def test_the_shop_of_the_examples_is_one(typed: Cli, tmp_path: Path) -> None:
    script = [sys.executable, str(SHOP / "make_data.py")]
    subprocess.run(script, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    done = typed(
        *("bench", "--workload", SHOP, "--engines", "polars,datafusion,duckdb", "--runs", 1),
        environment={"NEURALAKE_STORAGE_ROOT": str(tmp_path / "data")},
    )
    assert done.returncode == 0, done.stderr
    assert "shop: median of 1 hot run, ms" in done.stdout
    assert done.stdout.count("3/3") == 3


# Bad input


def test_what_is_no_workload_is_said(typed: Cli, fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place, message in {
        tmp_path / "nowhere": "it does not exist; expected a directory of SQL files",
        fleet / "catalog.py": "it is a file; expected a directory of SQL files",
        tmp_path / "empty": "no *.sql file in",
        tmp_path / ("x" * 300): "no workload at",
    }.items():
        assert message in refused(bench(typed, "--workload", place))
    fleet.rename(tmp_path / "tpch")
    assert "rename the directory" in refused(bench(typed, "--workload", tmp_path / "tpch"))
    assert not (tmp_path / "results").exists()


def test_a_workload_without_a_catalog_is_said(typed: Cli, fleet: Path, tmp_path: Path) -> None:
    (fleet / "catalog.py").unlink()
    line = refused(bench(typed, "--workload", fleet))
    assert f"expected {fleet / 'catalog.py'}, or --catalog FILE|MODULE" in line
    line = refused(bench(typed, "--workload", fleet, "--catalog", tmp_path / "none.py"))
    assert "none.py: it does not exist" in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SELECT '\xe4'", "bad.sql: byte 8 is not UTF-8; save it as UTF-8"),
        (b"-- order by price\nSELECT 1", "query bad: 'price' is not a sort key"),
        (b"-- limit some\nSELECT 1", "query bad: limit is 'some'"),
        (b"-- only a title\n", "query bad has no SQL text"),
    ],
)
def test_a_query_that_cannot_be_read_is_said(
    typed: Cli, fleet: Path, content: bytes, message: str
) -> None:
    (fleet / "bad.sql").write_bytes(content)
    assert message in refused(bench(typed, "--workload", fleet))


def test_a_query_file_that_is_a_directory_or_has_no_name_in_utf_8_is_said(
    typed: Cli, fleet: Path
) -> None:
    (fleet / "bad.sql").mkdir()
    assert "bad.sql cannot be read: Is a directory" in refused(bench(typed, "--workload", fleet))
    (fleet / "bad.sql").rename(os.fsdecode(os.fsencode(fleet) + b"/\xff.sql"))
    assert "its name is not UTF-8; rename it" in refused(bench(typed, "--workload", fleet))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workload", "fleet", "-s", 1), "goes without --scale-factor and --dataset"),
        (("--workload", "fleet", "--dataset", "x"), "goes without --scale-factor and --dataset"),
        (("--catalog", "fleet/catalog.py"), "--catalog goes with --workload"),
        (
            ("--workload", "fleet", "--queries", "1"),
            "there are distance_by_car, long_trips, no-header; expected names such as distance",
        ),
    ],
)
def test_options_that_do_not_go_together_are_said(
    typed: Cli, fleet: Path, options: tuple[object, ...], message: str
) -> None:
    assert message in refused(bench(typed, *options))


def test_a_table_that_is_not_there_is_said_before_measuring(
    typed: Cli, fleet: Path, tmp_path: Path
) -> None:
    catalog = fleet / "catalog.py"
    catalog.write_text(catalog.read_text().replace("lake/cars", "lake/boats"))
    assert "table cars: no Delta table at" in refused(bench(typed, "--workload", fleet))
    assert not (tmp_path / "results").exists()
