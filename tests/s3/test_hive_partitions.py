"""Hive partitions on S3: the same rows on every engine, and prefixes that are not listed."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.s3.server import Server
from neuralake.catalog import Column, Filter, ParquetTable
from neuralake.catalog.partitions import Listing
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.storage import filesystem
from tests.s3.conftest import Place

ROWS = [
    (1, dt.date(2026, 5, 1), "a b"),
    (2, dt.date(2026, 5, 1), "x/y"),
    (3, dt.date(2026, 5, 2), None),
]
DIRECTORIES = ("day=2026-05-01/kind=a b", "day=2026-05-01/kind=x%2Fy", "day=2026-05-02/kind={}")


@pytest.fixture(scope="module")
def table(s3_server: Server) -> ParquetTable:
    place = Place(s3_server, "hive")
    system, root = filesystem(f"{place.uri}/visits", place.options)
    for number, directory in enumerate(DIRECTORIES, 1):
        path = f"{root}/{directory.format('__HIVE_DEFAULT_PARTITION__')}/rows.parquet"
        pq.write_table(pa.table({"id": [number]}), path, filesystem=system)
    return ParquetTable(
        name="visits",
        location=f"{place.uri}/visits",
        partitioned_by=(Column("day", pa.date32()), Column("kind", pa.string())),
        storage_options=place.options,
    )


def test_a_filter_leaves_prefixes_unlisted(
    table: ParquetTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    plain = Listing._list

    def counting(self: Listing, directory: str) -> tuple[list[str], list[str]]:
        listed.append(directory.removeprefix(self.root))
        return plain(self, directory)

    monkeypatch.setattr(Listing, "_list", counting)
    found = table.lazy([Filter("day", "=", dt.date(2026, 5, 2))]).collect()
    assert found.rows() == ROWS[2:]
    assert listed == ["", "/day=2026-05-02", "/day=2026-05-02/kind=__HIVE_DEFAULT_PARTITION__"]
    assert sorted(table.lazy().collect().rows()) == ROWS


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb", "daft"])
def test_every_engine_has_the_same_rows(table: ParquetTable, engine: str) -> None:
    started = registry.start(EngineSpec(engine))
    session = started.open({"visits": table})
    found = session.execute("SELECT id, day, kind FROM visits ORDER BY id")
    session.close()
    started.close()
    assert list(zip(*found.to_pydict().values(), strict=True)) == ROWS
