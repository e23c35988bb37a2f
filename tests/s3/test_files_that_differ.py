"""Parquet files on S3 some of which lack a declared column: null there, on every engine."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.s3.server import Server
from neuralake.catalog import Column, ParquetTable
from neuralake.engines.registry import EngineSpec
from neuralake.storage import filesystem
from neuralake.workloads.query import run_query
from tests.s3.conftest import Place

ROWS = [(1, None, None), (2, "b", None), (3, None, 3)]


@pytest.fixture(scope="module")
def table(s3_server: Server) -> ParquetTable:
    place = Place(s3_server, "differ")
    system, root = filesystem(place.uri, place.options)
    files = ({"id": [1]}, {"note": ["b"], "id": [2]}, {"id": [3], "n": [3]})
    for number, columns in enumerate(files):
        pq.write_table(pa.table(columns), f"{root}/{number}.parquet", filesystem=system)
    return ParquetTable(
        name="t",
        location=place.uri,
        columns=(Column("id", pa.int64()), Column("note", pa.string()), Column("n", pa.int64())),
        missing_columns="null",
        storage_options=place.options,
    )


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb", "daft"])
def test_every_engine_has_the_same_rows(table: ParquetTable, engine: str) -> None:
    spec, tables = EngineSpec(engine), {"t": table}
    found = run_query("SELECT * FROM t ORDER BY id", spec, tables)
    assert found.column_names == ["id", "note", "n"]
    assert list(zip(*found.to_pydict().values(), strict=True)) == ROWS
    filtered = run_query("SELECT id FROM t WHERE n IS NULL AND note = 'b'", spec, tables)
    assert filtered.to_pydict() == {"id": [2]}
