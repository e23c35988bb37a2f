"""What every engine in this process does alike: real tables in, the same answer out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable, ParquetTable, Table, table
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.errors import CatalogError, EngineError, QueryError
from neuralake.workloads.query import explain_query, run_query
from tests.conftest import FAST_ENGINES

ORDERS = pa.table(
    {
        "key": pa.array([1, 2, 3], pa.int64()),
        "customer": pa.array([10, 20, 10], pa.int32()),
        "price": pa.array([Decimal("1.10"), Decimal("2.20"), None], pa.decimal128(15, 2)),
        "day": pa.array([date(1998, 12, 1), date(1992, 1, 1), None]),
    }
)


@table
def regions() -> pa.Table:
    """Which region a customer lives in."""
    return pa.table({"customer": [10, 20], "region": ["north", "süd"]})


@pytest.fixture
def tables(tmp_path: Path) -> Mapping[str, Table]:
    """A Delta table with a deleted row, a Parquet file, and a function."""
    orders = str(tmp_path / "orders of ours")
    deltalake.write_deltalake(orders, ORDERS.slice(0, 2))
    deltalake.write_deltalake(orders, ORDERS.slice(2), mode="append")
    extra = ORDERS.slice(0, 1).set_column(0, "key", pa.array([99], pa.int64()))
    deltalake.write_deltalake(orders, extra, mode="append")
    deltalake.DeltaTable(orders).delete("key = 99")
    names = pa.table({"customer": pa.array([10, 20], pa.int32()), "name": ["Ann", "Bo"]})
    pq.write_table(names, tmp_path / "names.parquet")
    return {
        "orders": DeltaTable(name="orders", location=orders),
        "names": ParquetTable(name="names", location=str(tmp_path / "names.parquet")),
        "regions": regions,
    }


@pytest.fixture(params=FAST_ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineSpec:
    return EngineSpec(str(request.param))


def test_a_join_of_delta_parquet_and_function(
    engine: EngineSpec, tables: Mapping[str, Table]
) -> None:
    sql = """
        SELECT name, region, COUNT(*) AS orders, SUM(price) AS total, MIN(day) AS first_day
        FROM orders JOIN names ON names.customer = orders.customer
        JOIN regions ON regions.customer = orders.customer
        GROUP BY name, region ORDER BY name
    """
    assert run_query(sql, engine, tables).to_pylist() == [
        {
            "name": "Ann",
            "region": "north",
            "orders": 2,
            "total": Decimal("1.10"),
            "first_day": date(1998, 12, 1),
        },
        {
            "name": "Bo",
            "region": "süd",
            "orders": 1,
            "total": Decimal("2.20"),
            "first_day": date(1992, 1, 1),
        },
    ]


def test_decimals_stay_decimals(engine: EngineSpec, tables: Mapping[str, Table]) -> None:
    sql = "SELECT price, SUM(price) AS s, SUM(price * price) AS p FROM orders GROUP BY price"
    schema = run_query(sql, engine, tables).schema
    assert all(pa.types.is_decimal(dtype) for dtype in schema.types)
    assert schema.field("price").type.scale == 2
    assert schema.field("s").type.scale == 2


def test_dates_and_integers_keep_their_types(
    engine: EngineSpec, tables: Mapping[str, Table]
) -> None:
    schema = run_query("SELECT key, customer, day FROM orders", engine, tables).schema
    assert schema.types == [pa.int64(), pa.int32(), pa.date32()]


def test_a_result_without_rows_has_its_columns(
    engine: EngineSpec, tables: Mapping[str, Table]
) -> None:
    result = run_query("SELECT key, price FROM orders WHERE key > 100", engine, tables)
    assert result.num_rows == 0
    assert result.column_names == ["key", "price"]


def test_explain_gives_the_plan(engine: EngineSpec, tables: Mapping[str, Table]) -> None:
    plan = explain_query("SELECT SUM(price) FROM orders WHERE key = 1", engine, tables)
    assert isinstance(plan, str)
    assert "key" in plan


def test_columns_that_came_later_are_null_before(engine: EngineSpec, tmp_path: Path) -> None:
    location = str(tmp_path / "orders")
    deltalake.write_deltalake(location, ORDERS.select(["key"]))
    deltalake.write_deltalake(location, ORDERS, mode="append", schema_mode="merge")
    orders = {"orders": DeltaTable(name="orders", location=location)}
    result = run_query("SELECT COUNT(*) AS n, COUNT(customer) AS c FROM orders", engine, orders)
    assert result.to_pylist() == [{"n": 6, "c": 3}]


def test_many_files_are_a_table(engine: EngineSpec, tmp_path: Path) -> None:
    location = str(tmp_path / "many files")
    for number in range(5):
        part = ORDERS.set_column(0, "key", pa.array([number] * 3, pa.int64()))
        deltalake.write_deltalake(location, part, mode="append")
    deltalake.DeltaTable(location).create_checkpoint()  # a Parquet file that is no data
    orders = {"orders": DeltaTable(name="orders", location=location)}
    sql = "SELECT COUNT(*) AS n, SUM(key) AS s, COUNT(price) AS p FROM orders"
    expected = [{"n": 15, "s": 30, "p": 10}]
    assert run_query(sql, engine, orders).to_pylist() == expected
    deltalake.DeltaTable(location).optimize.compact()  # the five files stay beside the one
    assert run_query(sql, engine, orders).to_pylist() == expected
    part = ORDERS.set_column(0, "key", pa.array([70] * 3, pa.int64()))
    deltalake.write_deltalake(location, part, mode="append")
    more = [{"n": 18, "s": 240, "p": 12}]
    assert run_query(sql, engine, orders).to_pylist() == more


def test_datafusion_lists_the_files_of_a_table_at_once(tmp_path: Path) -> None:
    location = str(tmp_path / "many files")
    for _ in range(3):
        deltalake.write_deltalake(location, ORDERS, mode="append")
    orders = {"orders": DeltaTable(name="orders", location=location)}
    plan = explain_query("SELECT key FROM orders", EngineSpec("datafusion"), orders)
    assert "Union" not in plan
    assert plan.count(".parquet") == 3


def test_polars_knows_the_rows_of_a_file_when_it_plans(tables: Mapping[str, Table]) -> None:
    # without them it joins in orders that take several times as long
    for name in ("orders", "names"):
        plan = explain_query(f"SELECT customer FROM {name}", EngineSpec("polars"), tables)
        assert "ESTIMATED ROWS" in plan, plan


@pytest.mark.parametrize(
    ("engine", "option"),
    [("polars", "scan-delta"), ("datafusion", "table-provider")],
)
def test_a_delta_table_can_be_left_to_the_engines_own_reader(
    engine: str, option: str, tables: Mapping[str, Table]
) -> None:
    spec = EngineSpec(engine, {"delta_reader": option})
    result = run_query("SELECT SUM(key) AS s FROM orders", spec, {"orders": tables["orders"]})
    assert result.to_pylist() == [{"s": 6}]


def test_tables_are_forgotten_when_a_session_closes(
    engine: EngineSpec, tables: Mapping[str, Table]
) -> None:
    started = registry.start(engine)
    session = started.open(tables)
    assert session.execute("SELECT COUNT(*) AS n FROM orders").to_pylist() == [{"n": 3}]
    session.close()
    again = started.open({"names": tables["names"]})
    with pytest.raises(Exception, match="orders"):
        again.execute("SELECT * FROM orders")
    assert again.execute("SELECT COUNT(*) AS n FROM names").to_pylist() == [{"n": 2}]
    again.close()
    started.close()


def test_versions_and_settings_are_told(engine: EngineSpec) -> None:
    started = registry.start(engine)
    versions = started.versions()
    assert engine.name in versions
    assert all(version[0].isdigit() for version in versions.values())
    assert started.settings
    started.close()


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (EngineSpec("polars", {"engine": "in-memory"}), {"engine": "in-memory"}),
        (EngineSpec("duckdb", {"threads": "3"}), {"threads": 3}),
        (EngineSpec("duckdb", {"threads": "1"}), {"threads": 1, "async_threads": 0}),
        (EngineSpec("duckdb", {"threads": "1", "async_threads": "2"}), {"async_threads": 2}),
        (EngineSpec("datafusion", {"target_partitions": "3"}), {"target_partitions": 3}),
        (
            EngineSpec("datafusion", {"datafusion.execution.batch_size": "1024"}),
            {"datafusion.execution.batch_size": "1024"},
        ),
    ],
    ids=str,
)
def test_an_option_is_in_effect_and_recorded(
    spec: EngineSpec, settings: Mapping[str, object], tables: Mapping[str, Table]
) -> None:
    started = registry.start(spec)
    assert settings.items() <= started.settings.items()
    with_tables = started.open(tables)
    assert with_tables.execute("SELECT COUNT(*) AS n FROM orders").to_pylist() == [{"n": 3}]
    with_tables.close()
    started.close()


@pytest.mark.parametrize("setting", ["datafusion.nothing=1", "datafusion.execution.batch_size=x"])
def test_a_setting_that_datafusion_refuses_is_said(setting: str) -> None:
    key, _, value = setting.partition("=")
    with pytest.raises(EngineError, match=f"datafusion: setting {setting}"):
        registry.start(EngineSpec("datafusion", {key: value}))


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT nothing FROM orders", "nothing"),
        ("", "empty"),
        ("  \n", "empty"),
    ],
)
def test_a_query_that_cannot_run_is_said_in_one_line(
    engine: EngineSpec, tables: Mapping[str, Table], sql: str, named: str
) -> None:
    with pytest.raises(QueryError) as caught:
        run_query(sql, engine, tables)
    message = str(caught.value)
    assert named in message
    assert "\n" not in message


def test_a_table_that_is_not_there_is_said(engine: EngineSpec, tmp_path: Path) -> None:
    for absent in (
        DeltaTable(name="absent", location=str(tmp_path / "absent")),
        ParquetTable(name="absent", location=str(tmp_path / "absent.parquet")),
    ):
        with pytest.raises(CatalogError, match="absent"):
            run_query("SELECT * FROM absent", engine, {"absent": absent})
