"""Rows of every kind of column, staged for a write, and what a table then holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.writing import Rows, Written
from neuralake.errors import WriteConflictError

UTC = dt.UTC
# Spark takes seconds a case: what other tests of it show as well is for make test-all
ENGINES = ["polars", "datafusion", "duckdb", pytest.param("spark", marks=pytest.mark.more)]
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("Name", pa.string()),
        pa.field("money", pa.decimal128(15, 2)),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us", "UTC")),
        pa.field("local", pa.timestamp("us")),
        pa.field("part", pa.int32()),
        pa.field("x", pa.float64()),
        pa.field("flag", pa.bool_()),
    ]
)


def row(key: int, name: str | None = "a") -> dict[str, object]:
    """A row; every third has nulls wherever they may be."""
    if key % 3 == 0:
        return {"id": key, "part": key % 2} | dict.fromkeys(set(SCHEMA.names) - {"id", "part"})
    return {
        "id": key,
        "Name": name,
        "money": Decimal(key * 100 + 1) / 100,
        "day": dt.date(1992, 1, 1) + dt.timedelta(days=key),
        "at": dt.datetime(2026, 3, 29, 1, 30, 0, key, UTC),
        "local": dt.datetime(1582, 10, 15, 2, 30, 0, key),  # noqa: DTZ001 - of no zone
        "part": key % 2,
        "x": key / 8,
        "flag": key % 2 == 0,
    }


def table_of(rows: Iterable[dict[str, object]]) -> pa.Table:
    """Rows without a column that forbids nulls, which not every writer lists as a feature."""
    schema = pa.schema([field.with_nullable(True) for field in SCHEMA])
    return pa.Table.from_pylist(list(rows), schema)


def stage(directory: Path, *files: Sequence[dict[str, object]], schema: pa.Schema = SCHEMA) -> Rows:
    """Rows as Parquet files, one each."""
    directory.mkdir(parents=True)
    paths = []
    for number, rows in enumerate(files):
        path = directory / f"{number}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path)
        paths.append(str(path))
    return Rows(tuple(paths), schema, sum(map(len, files)))


def keys(directory: Path, *found: int) -> Rows:
    """Keys alone."""
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    return stage(directory, [{"id": key} for key in found], schema=schema)


def at(root: Path, name: str = "t") -> DeltaTable:
    return DeltaTable(name=name, location=str(root / name))


def held(table: DeltaTable, version: int | None = None) -> list[dict[str, object]]:
    """The rows by their keys, as deltalake itself reads them."""
    found = deltalake.DeltaTable(table.uri, version=version).to_pyarrow_table()
    return sorted(found.to_pylist(), key=lambda held: held["id"])


def until_done(change: Callable[[], Written]) -> Written:
    """A change, made again for as long as others were first."""
    while True:
        try:
            return change()
        except WriteConflictError:
            continue
