"""What identifies the data of a table: it differs once the data does, and holds no secret."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog import DeltaTable, FunctionTable, ParquetTable, load_catalog
from neuralake.catalog.identity import table_identity
from neuralake.config import Settings
from neuralake.errors import CatalogError

ROWS = pa.table({"key": pa.array([1, 2, 3], pa.int64())})


def test_a_delta_table_is_its_id_version_files_and_bytes(tmp_path: Path) -> None:
    table = DeltaTable(name="t", location=str(tmp_path / "t"))
    deltalake.write_deltalake(table.uri, ROWS)
    deltalake.write_deltalake(table.uri, ROWS, mode="append")
    (one, other) = (tmp_path / "t").glob("*.parquet")
    identity = table_identity(table)
    assert identity == {
        "format": "delta",
        "uri": table.uri,
        "id": str(deltalake.DeltaTable(table.uri).metadata().id),
        "version": 1,
        "files": 2,
        "bytes": one.stat().st_size + other.stat().st_size,
    }
    deltalake.write_deltalake(table.uri, ROWS, mode="append")
    assert table_identity(table) != identity


def test_a_table_made_anew_is_another(tmp_path: Path) -> None:
    first, second = (DeltaTable(name="t", location=str(tmp_path / name)) for name in "ab")
    for table in (first, second):
        deltalake.write_deltalake(table.uri, ROWS)
    assert table_identity(first)["id"] != table_identity(second)["id"]


def test_parquet_is_its_files_with_their_sizes_and_times(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(ROWS, tmp_path / f"{name}.parquet")
    table = ParquetTable(name="t", location=str(tmp_path))
    identity = table_identity(table)
    assert [file["path"] for file in identity["files"]] == ["a.parquet", "b.parquet"]
    assert identity["files"][0]["bytes"] == (tmp_path / "a.parquet").stat().st_size
    (tmp_path / "b.parquet").unlink()
    assert table_identity(table) != identity


def test_one_parquet_file_has_its_whole_path(tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "a.parquet")
    table = ParquetTable(name="t", location=str(tmp_path / "a.parquet"))
    (file,) = table_identity(table)["files"]
    assert file["path"] == str(tmp_path / "a.parquet")


def test_a_function_is_its_module_and_its_arguments(tmp_path: Path, settings: Settings) -> None:
    module = tmp_path / "catalog.py"
    module.write_text(
        "import pyarrow as pa\nfrom neuralake.catalog import table\n\n"
        "@table\ndef numbers(n: int = 3):\n    raise RuntimeError('it is not called')\n"
    )
    numbers = load_catalog(str(module), settings).table("numbers")
    assert isinstance(numbers, FunctionTable)
    identity = table_identity(numbers)
    assert identity == {
        "format": "function",
        "file": str(module),
        "sha256": hashlib.sha256(module.read_bytes()).hexdigest(),
        "name": "numbers",
        "arguments": {},
    }
    assert table_identity(numbers.with_arguments(n=4))["arguments"] == {"n": "4"}
    module.write_text(module.read_text() + "# changed\n")
    assert table_identity(numbers) != identity


def test_an_identity_is_json_and_holds_no_storage_option(tmp_path: Path) -> None:
    options = {"aws_secret_access_key": "hunter2"}
    delta = DeltaTable(name="d", location=str(tmp_path / "d"), storage_options=options)
    parquet = ParquetTable(name="p", location=str(tmp_path / "p.parquet"), storage_options=options)
    deltalake.write_deltalake(delta.uri, ROWS)
    pq.write_table(ROWS, parquet.uri)
    for table in (delta, parquet):
        identity = table_identity(table)
        assert json.loads(json.dumps(identity)) == identity
        assert "hunter2" not in json.dumps(identity)


def test_a_table_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="table t: no Delta table at"):
        table_identity(DeltaTable(name="t", location=str(tmp_path / "t")))
