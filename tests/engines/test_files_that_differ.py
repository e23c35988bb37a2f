"""Parquet files some of which lack declared columns: null there, the same on every engine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog import Column, FunctionTable, ParquetTable, Table
from neuralake.engines.protocol import Engine, Session

NAN = float("nan")
DAYS = [dt.date(2026, 5, day) for day in (1, 2, 3)]
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "text": pa.string(),
        "n": pa.int32(),
        "price": pa.decimal128(9, 2),
        "seen": pa.timestamp("us", "UTC"),
        "x": pa.float64(),
        "never": pa.int64(),
        "day": pa.date32(),
    }
)
NOON = dt.datetime.fromisoformat("2026-05-02T12:00:00Z")
# What each file has, in its order: the first lacks what a reader of its schema alone would miss
FILES: list[dict[str, list[Any]]] = [
    {"id": [1, 2], "text": ["a", "b"]},
    {"n": [5, None], "id": [3, 4], "x": [0.5, -2.0], "price": [Decimal("1.50"), None]},
    {"price": [Decimal("7.00")] * 2, "seen": [NOON, None], "text": ["c", None], "id": [5, 6]},
]


def whole(*, x: float = 0.5) -> pa.Table:
    """The rows of all files."""
    rows = [
        {name: values[i] for name, values in file.items()} | {"day": day}
        for file, day in zip(FILES, DAYS, strict=True)
        for i in range(2)
    ]
    found = [row | ({"x": x} if row.get("x") == 0.5 else {}) for row in rows]
    return pa.Table.from_pylist(found, SCHEMA)


def write(place: Path, name: str, *, x: float = 0.5) -> None:
    """The files, below a directory a day unless all lie side by side."""
    rows = whole(x=x)
    for number, (file, day) in enumerate(zip(FILES, DAYS, strict=True)):
        directory = {"parts": f"day={day}", "bare": str(day)}.get(name, "")
        columns = list(file) if directory else [*file, "day"]
        path = place / name / directory / f"{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = rows.slice(2 * number, 2).select(columns)
        pq.write_table(part, path, row_group_size=1, use_dictionary=number == 1)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    place = tmp_path_factory.mktemp("differ")
    found: dict[str, Table] = {}
    for name in ("plain", "parts", "bare", "nans"):
        write(place, name, x=NAN if name == "nans" else 0.5)
        found[name] = ParquetTable(
            name=name,
            location=str(place / name),
            columns=tuple(Column(field.name, field.type) for field in SCHEMA),
            missing_columns="null",
            partitioned_by=("day",) if name in ("parts", "bare") else (),
            names_in_paths=name != "bare",
        )
    found["whole"] = FunctionTable(name="whole", function=whole)
    return found


@pytest.fixture(scope="module")
def session(engine: Engine, tables: dict[str, Table]) -> Iterator[Session]:
    opened = engine.open(tables)
    yield opened
    opened.close()


def rows(session: Session, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.execute(sql).to_pylist()
    return found


@pytest.mark.more_of("spark", but=("parts",))
@pytest.mark.parametrize("table", ["plain", "parts", "bare"])
def test_rows_are_null_where_a_file_lacks_a_column(session: Session, table: str) -> None:
    found = session.execute(f"SELECT * FROM {table} ORDER BY id")
    assert found.column_names == SCHEMA.names
    assert found.to_pylist() == whole().to_pylist()


def test_and_so_is_a_lazy_frame(tables: dict[str, Table]) -> None:
    for name in ("plain", "parts", "bare"):
        frame = tables[name].lazy().sort("id").collect()
        assert frame.to_arrow().to_pylist() == whole().to_pylist()


CONDITIONS = (
    "n IS NULL",
    "n IS NOT NULL",
    "n = 5",
    "n <> 4",
    "NOT (n > 4)",
    "n > 4 OR text = 'a'",
    "text IS NULL",
    "text > 'a'",
    "text LIKE 'c%'",
    "price >= 2",
    "seen IS NULL AND id > 4",
    "x < 0",
    "never IS NULL",
    "never = 1",
    "COALESCE(n, 9) = 9",
    "day = DATE '2026-05-02' AND n IS NULL",
    "day >= DATE '2026-05-02' AND text IS NULL",
    "id IN (2, 3)",
)


@pytest.fixture(scope="module")
def in_one_file(session: Session) -> Callable[[str], list[dict[str, Any]]]:
    """What an engine finds in one file, which it is asked once."""
    return cache(lambda sql: rows(session, sql.format("whole")))


@pytest.mark.more_of("spark")
@pytest.mark.more_of("sail", "daft", but=("parts",))
@pytest.mark.parametrize("table", ["plain", "parts", "bare"])
def test_statistics_and_filters_find_what_they_would_in_one_file(
    session: Session, in_one_file: Callable[[str], list[dict[str, Any]]], table: str
) -> None:
    for condition in CONDITIONS:
        sql = "SELECT id FROM {} WHERE " + condition + " ORDER BY id"
        assert rows(session, sql.format(table)) == in_one_file(sql), condition
    for sql in (
        "SELECT COUNT(*) AS r, COUNT(n) AS n, COUNT(never) AS k, COUNT(x) AS x FROM {}",
        "SELECT MIN(n) AS a, MAX(price) AS b, MIN(text) AS c, MAX(x) AS d, MIN(id) AS e FROM {}",
        "SELECT MAX(never) AS a, SUM(price) AS b, MAX(seen) AS c FROM {}",
        "SELECT n, COUNT(*) AS r FROM {} GROUP BY n ORDER BY r",
        "SELECT a.id FROM {0} AS a JOIN {0} AS b ON a.price = b.price ORDER BY a.id, b.id",
    ):
        assert rows(session, sql.format(table)) == in_one_file(sql), sql


def test_a_float_that_no_statistics_tell_is_found_where_others_lack_it(session: Session) -> None:
    assert rows(session, "SELECT id FROM nans WHERE x IS NOT NULL ORDER BY id") == [
        {"id": 3},
        {"id": 4},
    ]
    assert rows(session, "SELECT COUNT(x) AS x, COUNT(n) AS n, COUNT(*) AS r FROM nans") == [
        {"x": 2, "n": 1, "r": 6}
    ]


def test_none_is_cast(engine: Engine, tmp_path: Path) -> None:
    """A column of another type in one of the files is refused, whatever is absent elsewhere."""
    for name, kind in {"a": pa.int32(), "c": pa.int64()}.items():
        pq.write_table(pa.table({"id": pa.array([1], kind)}), tmp_path / f"{name}.parquet")
    pq.write_table(pa.table({"k": [1]}), tmp_path / "b.parquet")
    columns = (Column("id", pa.int64()), Column("k", pa.int64()))
    table = ParquetTable(name="t", location=str(tmp_path), columns=columns, missing_columns="null")
    with pytest.raises(Exception, match=r"column t\.id is int32 in .*a\.parquet, but int64 in .*c"):
        engine.open({"t": table})
