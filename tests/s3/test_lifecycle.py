"""The life of a table on S3: on a copy that the server makes, changed and checked there.

The copy is of the version that the catalog pins.
"""

from __future__ import annotations

import json
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from tests.conftest import Cli
from tests.s3.conftest import Place

PLAN = """
name = "small"
[[phases]]
name = "change"
sessions = [{ name = "writer", tasks = [
    { kind = "append", table = "readings", rows = 9 },
    { kind = "delete", table = "readings", where = "id < 20" },
] }]
[[phases]]
name = "ask"
sessions = [{ name = "reader", tasks = [{ kind = "query" }] }]
"""
CATALOG = """
import pyarrow as pa
import pytest
from neuralake.catalog import Column, DeltaTable

readings = DeltaTable(
    name="readings",
    location="readings",
    columns=(Column("id", pa.int64()), Column("celsius", pa.int64())),
    primary_key=("id",),
    version=0,
)
"""


@pytest.mark.more
def test_a_plan_runs_on_a_copy_on_s3_and_the_table_stays(
    typed: Cli, s3: Place, tmp_path: Path
) -> None:
    original = f"{s3.uri}/readings"
    rows = pa.table({"id": range(100), "celsius": [n % 40 for n in range(100)]})
    deltalake.write_deltalake(original, rows, storage_options=s3.options)
    later = pa.table({"id": [1000], "celsius": [99]})  # which no copy has
    deltalake.write_deltalake(original, later, mode="append", storage_options=s3.options)
    before = s3.names(original)
    (tmp_path / "plan.toml").write_text(PLAN)
    work = tmp_path / "work"
    work.mkdir()
    (work / "catalog.py").write_text(CATALOG)
    (work / "warm.sql").write_text("SELECT count(*) AS n FROM readings WHERE celsius > 20")
    done = typed(
        *("lifecycle", "--plan", "plan.toml", "--workload", "work", "--engines", "polars"),
        *("--repetitions", "1", "--to", f"{s3.uri}/tables", "--json"),
        environment=s3.environ,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["is_right"], answer["stopped"]) == (True, [])
    done_by = [(way["kind"], way["state"], way["right"]) for way in answer["supports"]]
    assert done_by == [("append", "ok", 1), ("delete", "ok", 1), ("query", "ok", 1)]
    assert s3.names(original) == before
    assert s3.names(f"{s3.uri}/tables") == set()
    assert s3.server.environ["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
