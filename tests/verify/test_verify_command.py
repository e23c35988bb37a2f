"""`neuralake verify` on this machine: what it says, how it ends, and what it survives."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog.columns import Column
from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.delta import DeltaTable
from neuralake.queries.content import content_of
from neuralake.verify.check import CheckFailedError
from neuralake.verify.inspector import Inspector
from neuralake.verify.junit import junit
from neuralake.verify.verification import Plan, verify
from tests.conftest import Cli, cli_environment
from tests.more import few
from tests.verify.views import ROWS_OF_VIEWS, make_views

TROUBLE = """
import os, time
import pyarrow as pa
from neuralake.catalog import table

@table
def good():
    return pa.table({"n": [1, 2]})

@table
def exits():
    raise SystemExit("enough")

@table
def dies():
    os._exit(9)

@table
def hangs():
    time.sleep(3600)

@table
def fails():
    raise ValueError("no\\nrows")
"""


@pytest.fixture
def lake(tmp_path: Path) -> dict[str, str]:
    """A storage root of the test's own."""
    (tmp_path / "lake").mkdir()
    return {"NEURALAKE_STORAGE_ROOT": str(tmp_path / "lake")}


def statuses(text: str) -> dict[str, str]:
    return {result["name"]: result["status"] for result in json.loads(text)["results"]}


def test_a_line_a_check_and_one_in_the_end(typed: Cli, lake: dict[str, str]) -> None:
    done = typed("verify", environment=lake)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("passed   settings")
    assert "skipped  catalog  no catalog is named" in done.stdout
    assert lines[-1].startswith("local: 5 passed, 5 skipped in ")
    assert list(Path(lake["NEURALAKE_STORAGE_ROOT"]).iterdir()) == []


def test_json_and_junit_say_the_same(typed: Cli, lake: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(TROUBLE)
    done = typed(
        *("verify", "--catalog", "shop.py", "--engines", "polars", "--json"),
        *("--only", "settings,catalog,table.shop.good,table.shop.fails,api"),
        *("--junit", "verify.xml"),
        environment=lake,
    )
    assert done.returncode == 1
    found = statuses(done.stdout)
    assert found == {
        "settings": "passed",
        "catalog": "passed",
        "table.shop.good": "passed",
        "table.shop.fails": "failed",
        "api": "skipped",
    }
    (suite,) = ET.parse(tmp_path / "verify.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "1")
    kinds = {"system-out": "passed", "failure": "failed", "skipped": "skipped"}
    assert [kinds[case[0].tag] for case in suite] == list(found.values())
    names = [f"{case.get('classname')}.{case.get('name')}" for case in suite]
    assert names[2] == "neuralake.verify.table.shop.good"


def test_a_check_that_crashes_or_hangs_is_one_that_failed_and_no_more(
    typed: Cli, lake: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(TROUBLE)
    done = typed(
        *("verify", "--catalog", "shop.py", "--engines", "polars", "--json"),
        *("--timeout", "20s", "--only", "table,rows"),
        environment=lake,
    )
    assert (done.returncode, done.stderr) == (1, "")
    results = {r["name"]: r for r in json.loads(done.stdout)["results"]}
    failed = {
        n.rpartition(".")[2]: r["reason"] for n, r in results.items() if r["status"] == "failed"
    }
    assert set(failed) == {"exits", "dies", "hangs", "fails"}
    assert "SystemExit: enough" in failed["exits"]
    assert failed["dies"] == "the process ended with exit status 9"
    assert failed["hangs"] == "no answer within 20 s"
    assert "ValueError: no rows" in failed["fails"]
    assert results["rows.shop.good"]["status"] == "passed"
    assert results["rows.shop.dies"]["reason"] == "table.shop.dies has not passed"


@pytest.mark.parametrize(
    "engines", few(["polars,duckdb", "polars,datafusion,duckdb,sail,daft"], "polars,duckdb")
)
def test_views_and_tables_of_databases_are_the_same_on_every_engine(
    typed: Cli, lake: dict[str, str], tmp_path: Path, engines: str
) -> None:
    make_views(tmp_path / "shop.py", Path(lake["NEURALAKE_STORAGE_ROOT"]))
    done = typed(
        *("verify", "--catalog", "shop.py", "--engines", engines, "--json"),
        *("--only", "table,engine,rows,primary_key"),
        environment=lake,
    )
    results = {r["name"]: r for r in json.loads(done.stdout)["results"]}
    assert {r["status"] for r in results.values()} == {"passed"}, done.stdout
    assert done.returncode == 0
    for name, number in ROWS_OF_VIEWS.items():
        said = results[f"rows.shop.{name}"]["reason"]
        assert said.startswith(f"{number} rows on {engines.replace(',', ', ')}; "), said
    keyed = [results[f"rows.shop.{name}"]["reason"] for name in ("doubled", "grown")]
    assert all("; checksum " in said for said in keyed)
    assert "primary_key.shop.doubled" in results


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "storge"), "no check is called 'storge': expected one of settings, storage"),
        (("--only", "storage.clok"), "did you mean storage.clock?"),
        (("--skip", "rows"), "no check is called 'rows'"),
        (("--engines", "polers"), "did you mean polars?"),
        (("--engine", "polars:x=1"), "--engine goes with --engines"),
        (("--sample", "0"), "0 is no whole number from 1"),
        (("--timeout", "soon"), "soon"),
        (("--clock-skew", "-1"), "-1"),
        (("--junit", "nowhere/verify.xml"), "there is no directory nowhere"),
        (("--catalog", "nowhere.py"), "no catalog at nowhere.py"),
        (("--catalog", "a.py", "--scale-factor", "1"), "--catalog goes without"),
    ],
)
def test_bad_input_is_one_line(
    typed: Cli, lake: dict[str, str], options: tuple[str, ...], words: str
) -> None:
    done = typed("verify", *options, environment=lake)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_directory_that_is_absent_or_open_to_all(
    typed: Cli, lake: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "lake"
    root.chmod(0o777)
    done = typed("verify", environment=lake)
    assert done.returncode == 1
    assert "anybody on this machine may write to" in done.stdout
    root.rmdir()
    done = typed("verify", "--json", environment=lake)
    assert done.returncode == 1
    found = statuses(done.stdout)
    assert [name for name, status in found.items() if status == "failed"] == ["storage.reachable"]
    assert not root.exists()


@pytest.mark.parametrize(
    ("variables", "check", "words"),
    [
        (
            {"NEURALAKE_READER_ACCESS_KEY_ID": "READER"},
            "settings",
            "NEURALAKE_READER_SECRET_ACCESS_KEY is not set",
        ),
        (
            {"NEURALAKE_SERVE_URL": "http://user:pass@host"},
            "settings",
            "NEURALAKE_SERVE_URL holds credentials",
        ),
        (
            {"NEURALAKE_SERVE_URL": "http://api.example", "NEURALAKE_ENV": "production"},
            "settings",
            "NEURALAKE_SERVE_URL is plain HTTP to api.example, which production refuses",
        ),
        (
            {"NEURALAKE_SERVE_URL": "http://127.0.0.1:9"},
            "api",
            "http://127.0.0.1:9 does not answer",
        ),
        ({"NEURALAKE_TOPIC_URL": "kafka://127.0.0.1:9"}, "kafka", "names no topic"),
    ],
)
def test_settings_and_services_that_are_wrong(
    typed: Cli, lake: dict[str, str], variables: dict[str, str], check: str, words: str
) -> None:
    only = ",".join(dict.fromkeys(("settings", check)))
    done = typed("verify", "--only", only, "--json", environment=lake | variables)
    assert done.returncode == 1
    failed = [r for r in json.loads(done.stdout)["results"] if r["status"] == "failed"]
    assert [r["name"] for r in failed] == [check]
    assert words in failed[0]["reason"]


SERVED = """
import pyarrow as pa
from neuralake.catalog import table

@table
def days():
    return pa.table({"day": [1, 2]})
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[str]:
    """A server of one table, which asks for a token."""
    (tmp_path / "served.py").write_text(SERVED)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "neuralake", "serve", "--listen", "127.0.0.1:0"),
            *("--catalog", str(tmp_path / "served.py")),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**cli_environment(tmp_path, tmp_path), "NEURALAKE_SERVE_TOKEN": "T0KEN"},
    )
    assert process.stdout is not None
    yield process.stdout.readline().removeprefix("serving on ").strip()
    process.terminate()
    process.communicate(timeout=60)


def test_an_api_is_asked_with_its_token_and_without(
    typed: Cli, lake: dict[str, str], tmp_path: Path, api: str
) -> None:
    def ask(token: str, catalog: str) -> tuple[str, str]:
        (tmp_path / "own.py").write_text(catalog)
        variables = lake | {"NEURALAKE_SERVE_URL": api, "NEURALAKE_SERVE_TOKEN": token}
        done = typed(
            *("verify", "--catalog", "own.py", "--only", "api", "--json"), environment=variables
        )
        assert "T0KEN" not in done.stdout
        (result,) = json.loads(done.stdout)["results"]
        return result["status"], result["reason"]

    assert ask("T0KEN", SERVED) == ("passed", f"{api} answers, and serves 1 tables")
    assert ask("other", SERVED) == ("failed", f"{api}/api/sql answers 401: expected 200")
    other = SERVED.replace("days", "weeks")
    assert ask("T0KEN", other) == ("failed", f"{api} does not serve weeks")


# Keys, whole and sampled


def write(path: Path, rows: pa.Table, name: str, **keys: object) -> DeltaTable:
    deltalake.write_deltalake(str(path / name), rows)
    return DeltaTable(name=name, location=str(path / name), **keys)  # type: ignore[arg-type]


def test_a_sample_holds_all_rows_of_a_value_or_none(tmp_path: Path) -> None:
    twice = pa.table({"a": [n // 2 for n in range(2000)], "b": ["x"] * 2000})
    both = write(tmp_path, twice, "both", primary_key=("a", "b"))
    with pytest.raises(CheckFailedError, match=r"^1,000 values of the primary key \(a, b\) are"):
        Inspector().unique(both, None)
    with pytest.raises(CheckFailedError) as found:
        Inspector().unique(both, 200)
    assert 50 < int(str(found.value).split()[0]) < 150  # of 100 that are expected
    once = write(tmp_path, pa.table({"a": range(2000)}), "once", primary_key=("a",))
    said = Inspector().unique(once, 200)
    assert said == "the rows of every 10th value, of 2,000 rows, have different values of a"


def test_a_key_without_a_value_is_told(tmp_path: Path) -> None:
    rows = pa.table({"a": pa.array([1, None, 3], pa.int64())})
    with pytest.raises(CheckFailedError, match="1 of 3 rows have no value in the primary key a"):
        Inspector().unique(write(tmp_path, rows, "t", primary_key=("a",)), None)


def test_a_sampled_reference_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    parent = write(tmp_path, pa.table({"id": range(1000)}), "parent")
    key = ForeignKey(("p",), "parent", ("id",))
    child = write(
        tmp_path, pa.table({"p": [n + 500 for n in range(1000)]}), "child", foreign_keys=(key,)
    )
    with pytest.raises(
        CheckFailedError, match=r"^500 values of p are not in parent.id, such as p 1000"
    ):
        Inspector().refers(child, key, parent, None)
    with pytest.raises(CheckFailedError, match=r"values of p are not in parent.id"):
        Inspector().refers(child, key, parent, 100)


def test_a_key_that_is_marked_as_sensitive_is_not_shown(tmp_path: Path) -> None:
    column = Column("a", pa.string(), sensitive=True)
    rows = pa.table({"a": ["me@home", "me@home"]})
    with pytest.raises(CheckFailedError) as found:
        Inspector().unique(write(tmp_path, rows, "t", columns=(column,), primary_key=("a",)), None)
    assert str(found.value).endswith("such as a ***")


def test_a_sample_of_rows_sees_both_ends_and_the_count(
    typed: Cli, lake: dict[str, str], tmp_path: Path
) -> None:
    rows = pa.table({"id": range(1000), "v": [n % 7 for n in range(1000)]})
    deltalake.write_deltalake(str(tmp_path / "lake" / "t"), rows)
    deltalake.write_deltalake(str(tmp_path / "lake" / "u"), rows)
    (tmp_path / "own.py").write_text(
        "from neuralake.catalog import DeltaTable\n"
        "t = DeltaTable(name='t', location='t', primary_key=('id',))\n"
        "u = DeltaTable(name='u', location='u')\n"
    )
    done = typed(
        *("verify", "--catalog", "own.py", "--engines", "polars,datafusion,duckdb"),
        *("--only", "rows", "--sample", 10, "--json"),
        environment=lake,
    )
    reasons = [r["reason"] for r in json.loads(done.stdout)["results"]]
    assert done.returncode == 0
    assert reasons[0].startswith("1,000 rows on polars, datafusion, duckdb; checksum ")
    assert reasons[1] == "1,000 rows on polars, datafusion, duckdb; counted only: no key"


# Checksums


def test_rows_have_one_checksum_in_any_order_and_encoding() -> None:
    rows = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    other = pa.table(
        {"b": pa.array(["z", "x", None], pa.large_string()), "a": pa.array([3, 1, 2], pa.int16())}
    )
    assert content_of([rows]) == content_of([other])
    assert content_of([rows.slice(0, 1), rows.slice(1)]) == content_of([other])


def test_rows_that_differ_have_other_checksums_and_the_column_is_known() -> None:
    rows = pa.table({"a": [1, 2], "b": ["x", "y"]})
    swapped = pa.table({"a": [1, 2], "b": ["y", "x"]})
    one, other = content_of([rows]), content_of([swapped])
    assert one.columns == other.columns  # the same values, in other rows
    assert one.checksum != other.checksum
    changed = content_of([pa.table({"a": [1, 2], "b": ["x", "z"]})])
    assert [n for n in one.columns if one.columns[n] != changed.columns[n]] == ["b"]


def test_junit_escapes_what_a_reason_holds(tmp_path: Path) -> None:
    environ = {"NEURALAKE_STORAGE_ROOT": str(tmp_path / 'a<&>"b')}
    done = verify(Plan(environ), lambda _: None)
    assert not done.has_passed
    (suite,) = ET.fromstring(junit(done))
    failures = [f.get("message") for f in suite.iter("failure")]
    assert failures == [
        f'there is no directory {tmp_path}/a<&>"b: it does not exist; make it first'
    ]
