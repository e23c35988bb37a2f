"""Answers over Flight SQL, as ADBC, Polars and pandas read them: those of the engine itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import deltalake
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable, FunctionTable, Table
from neuralake.engines.datafusion import DataFusionEngine, DataFusionOptions
from neuralake.serving.flight_sql.streams import sized
from neuralake.serving.service import Service
from tests.serving.flight_sql.conftest import ask, connected, serving
from tests.serving.roapi.test_refusals import every_type

ENCODED = pa.table(
    {
        "dictionary": pa.array(["a", None, "b", "a"]).dictionary_encode(),
        "view": pa.array(["a", None, "long enough to lie outside", ""], pa.string_view()),
        "large": pa.array(["a", None, "", "é"], pa.large_string()),
        "bytes": pa.array([b"\x00", None, b"", b"\xff"], pa.binary_view()),
        "unsigned": pa.array([2**64 - 1, None, 0, 2**63], pa.uint64()),
        "nan": pa.array([float("nan"), None, float("inf"), -0.0]),
        "paris": pa.array([0, None, 1, -1], pa.timestamp("ns", "Europe/Paris")),
        "time": pa.array([0, None, 1, 86_399_999_999], pa.time64("us")),
        "nested": pa.array(
            [[{"a": [1, None]}], None, [], [None]],
            pa.list_(pa.struct([("a", pa.list_(pa.int64()))])),
        ),
    }
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    root = tmp_path_factory.mktemp("tables")
    every_type(root / "every")
    deltalake.write_deltalake(str(root / "many"), pa.table({"id": pa.array(range(300_000))}))
    return {
        "every": DeltaTable(name="every", location=str(root / "every")),
        "many": DeltaTable(name="many", location=str(root / "many")),
        "encoded": FunctionTable(name="encoded", function=lambda: ENCODED),
    }


@pytest.fixture(scope="module")
def service(tables: dict[str, Table]) -> Service:
    return Service(tables)


@pytest.fixture(scope="module")
def url(service: Service) -> Iterator[str]:
    with serving(service) as server:
        yield server.url


@pytest.fixture
def cursor(url: str) -> Iterator[Any]:
    with connected(url) as cursor:
        yield cursor


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM every",
        "SELECT * FROM encoded",
        "SELECT * FROM encoded WHERE view IS NULL",
        "SELECT dec * 1 AS product, i64 % 10 AS rest, l[1] AS first, s FROM every",
        "SELECT arrow_cast('x', 'Utf8View') AS v, arrow_cast(1, 'UInt64') AS u, NULL AS n",
        "SELECT sum(id) AS total, avg(id) AS mean, count(*) AS n FROM many",
        "SELECT * FROM many WHERE id < 0",
    ],
)
def test_they_are_the_engines_own_to_the_last_bit(
    cursor: Any, tables: dict[str, Table], service: Service, sql: str
) -> None:
    session = DataFusionEngine(DataFusionOptions()).open(tables)
    try:
        expected = session.execute(sql)
    finally:
        session.close()
    got = ask(cursor, sql)
    assert got.schema.names == expected.schema.names
    assert got.schema.types == service.describe(sql)[0].types
    for name in got.schema.names:
        assert repr(got[name].to_pylist()) == repr(expected[name].to_pylist())


def test_a_large_answer_comes_in_parts_and_whole(cursor: Any) -> None:
    got = ask(cursor, "SELECT id FROM many ORDER BY id")
    assert got["id"].to_pylist() == list(range(300_000))


def test_no_message_is_larger_than_clients_take() -> None:
    texts = ["x" * 1000] * 10_000 + ["y" * (3 << 20)] + ["z"] * 10
    batch = pa.record_batch({"t": texts})
    parts = list(sized(batch))
    assert pa.Table.from_batches(parts)["t"].to_pylist() == texts
    assert all(part.nbytes <= 4 << 20 for part in parts)


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("i64 = ?", 2**63 - 1),
        ("dec = ?", Decimal("-" + "9" * 38)),
        ("d = ?", dt.date(9999, 12, 31)),
        ("ts = ?", dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC)),
        ("t = ?", 'a"\n,é'),
        ("t = ? AND '?' <> ''", 'a"\n,é'),
        ("b = ?", b"\x00\xff"),
        ("x < ?", 0.5),
        ("i64 = $1", 2**63 - 1),
        ("i64 = ?", "9223372036854775807"),
    ],
)
def test_a_parameter_is_just_its_value(cursor: Any, condition: str, value: Any) -> None:
    got = ask(cursor, f"SELECT i8 FROM every WHERE {condition}", value)
    assert got["i8"].to_pylist() == [-128]


def test_a_parameter_is_never_a_part_of_the_statement(cursor: Any) -> None:
    assert ask(cursor, "SELECT i8 FROM every WHERE t = ?", "' OR 1 = 1 --").num_rows == 0


def test_a_null_parameter(cursor: Any) -> None:
    assert ask(cursor, "SELECT i8 FROM every WHERE i64 = ?", None).num_rows == 0


def test_a_statement_is_prepared_once_and_asked_with_other_values(cursor: Any) -> None:
    sql = "SELECT id FROM many WHERE id BETWEEN ? AND ? ORDER BY id"
    for first in (5, 1000):
        assert ask(cursor, sql, first, first + 1)["id"].to_pylist() == [first, first + 1]


def test_the_schema_is_told_before_anything_is_run(cursor: Any) -> None:
    schema = cursor.adbc_execute_schema("SELECT i64, dec FROM every")
    assert [str(kind) for kind in schema.types] == ["int64", "decimal128(38, 0)"]


def test_polars_reads_it(cursor: Any, url: str) -> None:
    frame = pl.read_database("SELECT i64, dec, d FROM every", cursor)
    assert frame.schema == {"i64": pl.Int64, "dec": pl.Decimal(38, 0), "d": pl.Date}
    assert frame.rows()[0] == (2**63 - 1, Decimal("-" + "9" * 38), dt.date(9999, 12, 31))


def test_pandas_reads_it(url: str) -> None:
    import adbc_driver_flightsql.dbapi as adbc

    with adbc.connect(url, autocommit=True) as connection:
        frame = pd.read_sql("SELECT i64, dec FROM every", connection, dtype_backend="pyarrow")
    assert frame["i64"].tolist()[0] == 2**63 - 1
    assert str(frame["dec"].dtype) == "decimal128(38, 0)[pyarrow]"
