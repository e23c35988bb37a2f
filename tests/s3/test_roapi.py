"""ROAPI over tables on S3: credentials reach it by its environment, and are in no file."""

from __future__ import annotations

import deltalake
import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table
from neuralake.config import Settings
from neuralake.serving.roapi.configuration import roapi_configuration
from neuralake.serving.roapi.refusals import Freshness, refusal
from neuralake.serving.roapi.service import RoapiService
from neuralake.storage import filesystem
from tests.s3.conftest import Place

ROWS = pa.table({"id": [1, 2, 3], "s": ["a", None, "b"]})


@pytest.mark.parametrize("freshness", [Freshness.MEMORY, Freshness.FILES, Freshness.RELOAD])
def test_tables_on_s3_are_served(s3: Place, freshness: Freshness) -> None:
    settings = Settings.from_environ(s3.environ)
    deltalake.write_deltalake(f"{s3.uri}/delta", ROWS, storage_options=s3.options)
    system, path = filesystem(f"{s3.uri}/plain/a.parquet", s3.options)
    assert isinstance(system, fs.FileSystem)
    pq.write_table(ROWS, path, filesystem=system)
    declared: list[Table] = [
        DeltaTable(name="delta", location=f"{s3.uri}/delta"),
        ParquetTable(name="plain", location=f"{s3.uri}/plain"),
    ]
    tables = {table.name: table.resolve(settings) for table in declared}
    text = roapi_configuration(tables, settings)
    assert s3.environ["AWS_SECRET_ACCESS_KEY"] not in text
    assert s3.environ["AWS_ACCESS_KEY_ID"] not in text
    service = RoapiService(tables, settings, freshness=freshness)
    try:
        for name in tables:
            answer = service.query(f"SELECT * FROM {name} ORDER BY id")
            assert (
                pa.Table.from_batches(list(answer), answer.schema).to_pylist() == ROWS.to_pylist()
            )
    finally:
        service.close()


def test_files_beside_those_of_a_table_are_seen_on_s3_too(s3: Place) -> None:
    settings = Settings.from_environ(s3.environ)
    for name in ("a.parquet", "_b.parquet"):
        system, path = filesystem(f"{s3.uri}/plain/{name}", s3.options)
        pq.write_table(ROWS, path, filesystem=system)
    table = ParquetTable(name="plain", location=f"{s3.uri}/plain").resolve(settings)
    reason = refusal(table, Freshness.FILES, settings)
    assert reason == f"ROAPI reads {s3.uri}/plain/_b.parquet too, which is none of its files"
