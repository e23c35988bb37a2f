"""The page of a catalog whose tables lie on S3: what logs and footers there tell."""

from __future__ import annotations

import json
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.storage import filesystem
from tests.conftest import Cli
from tests.s3.conftest import Place

CATALOG = """
import pyarrow as pa

from neuralake.catalog import Column, DeltaTable, ParquetTable

COLUMNS = (Column("id", pa.int64()), Column("note", pa.string()))
orders = DeltaTable(name="orders", location="orders", primary_key=("id",))
days = (Column("day", pa.date32()),)
visits = ParquetTable(name="visits", location="visits", partitioned_by=days)
grown = ParquetTable(
    name="grown", location="grown/*.parquet", columns=COLUMNS, missing_columns="null")
"""


def test_tables_on_s3_are_shown_as_those_on_disk_are(typed: Cli, s3: Place, tmp_path: Path) -> None:
    for ids in ([1, 2], [3]):
        rows = pa.table({"id": ids})
        deltalake.write_deltalake(
            f"{s3.uri}/orders", rows, mode="append", storage_options=s3.options
        )
    system, root = filesystem(s3.uri, s3.options)
    files = {
        "visits/day=2026-05-01/a.parquet": {"id": [1]},
        "visits/day=2026-05-02/b.parquet": {"id": [2, 3]},
        "grown/a.parquet": {"id": [1]},
        "grown/b.parquet": {"id": [2], "note": ["new"]},
    }
    for path, columns in files.items():
        pq.write_table(pa.table(columns), f"{root}/{path}", filesystem=system)
    (tmp_path / "shop.py").write_text(CATALOG)
    own = ("--catalog", "shop.py")
    made = typed(
        *("catalog", "site", *own, "--to", "site", "--sample-rows", 5), environment=s3.environ
    )
    assert (made.returncode, made.stderr) == (0, "")
    page = (tmp_path / "site/index.html").read_text()
    exported = typed("catalog", "export", "json", *own, environment=s3.environ)
    assert (exported.returncode, exported.stderr) == (0, "")
    (database,) = json.loads(exported.stdout)["databases"]
    tables = {table["name"]: table for table in database["tables"]}
    assert {name: table["rows"] for name, table in tables.items()} == {
        "orders": 3,
        "visits": 3,
        "grown": 2,
    }
    assert {name: table["files"] for name, table in tables.items()} == dict.fromkeys(tables, 2)
    assert all(table["bytes"] > 0 for table in tables.values())
    assert tables["orders"]["version"] == 1
    assert tables["visits"]["partition_columns"] == ["day"]
    for name in tables:
        assert f"{s3.uri}/{name}" in page
    for variable in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        assert s3.environ[variable] not in page + exported.stdout + made.stdout
