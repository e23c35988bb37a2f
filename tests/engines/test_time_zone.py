"""The day of an instant does not depend on where the machine stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Cli
from tests.more import few

ENGINES = ("polars", "datafusion", "duckdb", "spark")
ZONES = ("Europe/Budapest", "Pacific/Honolulu")


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """A workload over instants that are tomorrow in Budapest and yesterday in Honolulu."""
    at = [datetime(2024, 6, 30, hour, 30, tzinfo=UTC) for hour in (5, 23)]
    instants = pa.array(at, pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"n": [1, 2], "z": instants}), tmp_path / "nights.parquet")
    directory = tmp_path / "nights"
    directory.mkdir()
    (directory / "catalog.py").write_text(
        '"""Instants."""\nfrom neuralake.catalog import ParquetTable\n'
        f'nights = ParquetTable(name="nights", location={str(tmp_path / "nights.parquet")!r})\n'
    )
    (directory / "days.sql").write_text("SELECT n, CAST(z AS DATE) AS day FROM nights")
    return directory


@pytest.mark.parametrize(
    ("engine", "zone"),
    # where it is tomorrow already; the Spark that the tests share stands there, too
    few(product(ENGINES, ZONES), *product(ENGINES[:3], ZONES[:1])),
)
def test_a_day_is_one_of_utc(cli: Cli, nights: Path, engine: str, zone: str) -> None:
    # There is no Delta table, and Spark starts in less time without what reads them
    reader = ("--set", "delta_reader=snapshot-files") if engine == "spark" else ()
    done = cli(
        "query",
        (nights / "days.sql").read_text(),
        *reader,
        "--engine",
        engine,
        "--catalog",
        nights / "catalog.py",
        "--format",
        "csv",
        environment={"TZ": zone},
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()[1:]) == ["1,2024-06-30", "2,2024-06-30"]


def test_engines_agree_on_the_day_and_record_the_zone(typed: Cli, nights: Path) -> None:
    engines = ",".join(ENGINES[:3])
    options = ("--engines", engines, "--runs", 1, "--json")
    done = typed("bench", "--workload", nights, *options, environment={"TZ": "Europe/Budapest"})
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert {v["verdict"] for v in run["verifications"]} == {"verified"}
    assert [e["settings"]["time_zone"] for e in run["engines"]] == ["UTC"] * 3
