"""``neuralake query --version`` and ``--at``: the tables of a query as they were."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake import open_catalog
from tests.conftest import Cli

CATALOG = """
from neuralake.catalog import DeltaTable, ParquetTable, table

a = DeltaTable(name="a", location={root!r} + "/a")
b = DeltaTable(name="b", location={root!r} + "/b")
plain = ParquetTable(name="plain", location={root!r} + "/plain.parquet")
"""
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
BOTH = "SELECT (SELECT COUNT(*) FROM a) AS a, (SELECT COUNT(*) FROM b) AS b FROM plain"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Of a and b version N has N + 1 rows, and is N hours old; b's first is half an hour older."""
    for name, since_s in (("a", 0.0), ("b", -1800.0)):
        for version in range(3):
            deltalake.write_deltalake(tmp_path / name, pa.table({"v": [version]}), mode="append")
            entry = tmp_path / name / "_delta_log" / f"{version:020d}.json"
            os.utime(entry, (START + since_s + 3600 * version,) * 2)
    pq.write_table(pa.table({"v": [1]}), tmp_path / "plain.parquet")
    file = tmp_path / "tables.py"
    file.write_text(CATALOG.format(root=str(tmp_path)))
    return file


def asked(typed: Cli, catalog: Path, sql: str, *options: str) -> list[dict[str, int]]:
    done = typed("query", sql, "--catalog", catalog, "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, int]] = json.loads(done.stdout)
    return found


def test_the_one_table_of_a_query_at_a_version(typed: Cli, catalog: Path) -> None:
    sql = "SELECT COUNT(*) AS n FROM a, plain"
    assert asked(typed, catalog, sql, "--version", "1") == [{"n": 2}]
    assert asked(typed, catalog, sql, "--version", "a=0", "--engine", "duckdb") == [{"n": 1}]
    assert asked(typed, catalog, sql, "--at", "a=2026-01-01T01:10:00Z") == [{"n": 2}]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (("--version", "a=0", "--version", "b=1"), {"a": 1, "b": 2}),
        (("--version", "b=1"), {"a": 3, "b": 2}),
        (("--at", "2026-01-01T00:40:00Z"), {"a": 1, "b": 2}),
        (("--at", "2026-01-01T00:40:00Z", "--at", "a=2026-01-01T01:00:00Z"), {"a": 2, "b": 2}),
        (("--at", "2026-01-01T00:40:00Z", "--version", "a=2"), {"a": 3, "b": 2}),
    ],
)
def test_each_table_of_a_query(
    typed: Cli, catalog: Path, options: tuple[str, ...], rows: dict[str, int]
) -> None:
    assert asked(typed, catalog, BOTH, *options) == [rows]


def test_the_plan_is_of_that_version_too(typed: Cli, catalog: Path) -> None:
    done = typed("query", "SELECT v FROM a", "--catalog", catalog, "--version", "0", "--explain")
    assert done.stdout.count(".parquet") == 1


@pytest.mark.parametrize(
    ("sql", "options", "reason"),
    [
        ("SELECT * FROM a", ("--version", "3"), "table a has no version 3: 2 is its last"),
        ("SELECT * FROM a", ("--version", "-1"), "'-1' is no version: expected a whole number"),
        ("SELECT * FROM a", ("--version", "x"), "'x' is no version"),
        ("SELECT * FROM a", ("--version", "1", "--version", "2"), "said twice of all tables"),
        ("SELECT * FROM a", ("--version", "a=1", "--version", "a=1"), "said twice of a"),
        ("SELECT * FROM a", ("--version", "a=1", "--at", "a=2026-01-01T00:00:00Z"), "expected one"),
        ("SELECT * FROM a", ("--at", "yesterday"), "expected a time with its zone, such as 2026"),
        ("SELECT * FROM a", ("--at", "2026-01-01"), "the time has no zone"),
        ("SELECT * FROM a", ("--at", "2025-01-01T00:00:00Z"), "that is before its first commit"),
        ("SELECT * FROM a", ("--at", "9999-01-01T00:00:00Z"), "that is in the future"),
        ("SELECT * FROM a", ("--version", "b=1"), "table b, which the query does not read"),
        ("SELECT * FROM a", ("--version", "aa=1"), "no table aa: there are a, b, plain"),
        ("SELECT * FROM plain", ("--version", "1"), "the query reads no Delta table"),
        ("SELECT * FROM plain", ("--at", "plain=2026-01-01T00:00:00Z"), "has the format parquet"),
        (BOTH, ("--version", "1"), "of which table? The query reads a, b: expected such as a=1"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(
    typed: Cli, catalog: Path, sql: str, options: tuple[str, ...], reason: str
) -> None:
    done = typed("query", sql, "--catalog", catalog, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert done.stderr.strip().splitlines()[-1].count(reason) == 1


def test_a_program_asks_likewise(catalog: Path) -> None:
    opened = open_catalog(catalog)
    counted = opened.sql("SELECT COUNT(*) AS n FROM a", version=1, frame="polars")
    assert counted.item() == 2
    both = opened.sql(BOTH, version={"a": 0}, at="2026-01-01T00:40:00Z").to_pylist()
    assert both == [{"a": 1, "b": 2}]


def test_the_catalog_tells_which_version_is_read(typed: Cli, catalog: Path) -> None:
    catalog.write_text(catalog.read_text().replace('"/a")', '"/a", at="2026-01-01T01:00:00Z")', 1))
    done = typed("catalog", "show", "a", "--catalog", catalog)
    assert "version: 1, where 2 is the newest" in done.stdout
    assert "read as of: 2026-01-01T01:00:00+00:00" in done.stdout
    (a, b, _) = json.loads(typed("catalog", "list", "--json", "--catalog", catalog).stdout)
    assert (a["at"], a["version"], b["at"]) == ("2026-01-01T01:00:00+00:00", None, None)
