"""What the command line says of a catalog: as declared, as found, and why it cannot be used."""

from dataclasses import asdict
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import (
    Catalog,
    Column,
    Database,
    DeltaTable,
    ForeignKey,
    ParquetTable,
    table,
)
from neuralake.catalog.describe import describe_table, facts, list_tables
from neuralake.config import Settings
from neuralake.errors import CatalogError

ORDERS = DeltaTable(
    name="orders",
    location="orders",
    description="An order a row.",
    columns=(
        Column("id", pa.int64(), "Number of the order."),
        Column("customer", pa.int32(), "Who ordered."),
        Column("day", pa.date32()),
    ),
    primary_key=("id",),
    foreign_keys=(ForeignKey(("customer",), "customers", ("id",)),),
)
CUSTOMERS = ParquetTable(name="customers", location="customers/*.parquet")


@table
def never() -> None:
    """Not for looking at."""
    raise AssertionError("called to be described")


@pytest.fixture
def catalog(tmp_path: Path, settings: Settings) -> Catalog:
    rows = pa.table(
        {
            "id": [1, 2],
            "customer": pa.array([7, 7], pa.int32()),
            "day": pa.array([0, 1], pa.date32()),
        }
    )
    write_deltalake(str(tmp_path / "orders"), rows, partition_by=["day"])
    (tmp_path / "customers").mkdir()
    for number in range(3):
        customer = pa.table({"id": pa.array([number], pa.int32())})
        pq.write_table(customer, tmp_path / f"customers/{number}.parquet")
    declared = Column("n", pa.int64())
    tables = (ORDERS, CUSTOMERS, table(name="never", columns=(declared,))(never.function))
    return Catalog((Database("shop", tables),)).resolve(settings)


def test_the_list_is_of_declarations_and_reads_nothing(tmp_path: Path, catalog: Catalog) -> None:
    for file in sorted(tmp_path.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    assert [asdict(summary) for summary in list_tables(catalog)] == [
        {
            "database": "shop",
            "name": "orders",
            "format": "delta",
            "location": f"{tmp_path}/orders",
            "columns": 3,
            "description": "An order a row.",
            "owner": "",
            "deprecated": None,
            "version": None,
            "at": None,
            "view": False,
        },
        {
            "database": "shop",
            "name": "customers",
            "format": "parquet",
            "location": f"{tmp_path}/customers/*.parquet",
            "columns": 0,
            "description": "",
            "owner": "",
            "deprecated": None,
            "version": None,
            "at": None,
            "view": False,
        },
        {
            "database": "shop",
            "name": "never",
            "format": "function",
            "location": None,
            "columns": 1,
            "description": "Not for looking at.",
            "owner": "",
            "deprecated": None,
            "version": None,
            "at": None,
            "view": False,
        },
    ]


def test_a_delta_table_has_a_version_and_partitions(tmp_path: Path, catalog: Catalog) -> None:
    details = describe_table(catalog, "orders")
    assert facts(details) == [
        ("table", "shop.orders"),
        ("description", "An order a row."),
        ("format", "delta"),
        ("location", f"{tmp_path}/orders"),
        ("version", "0"),
        ("rows", "2"),
        ("files", "2"),
        ("primary key", "id"),
        ("partitioned by", "day"),
    ]
    key, customer, day = details.columns
    assert (key.type, key.is_primary_key, key.references) == ("int64", True, ())
    assert (customer.is_primary_key, customer.references) == (False, ("customers.id",))
    assert (day.type, day.description) == ("date32[day]", "")


def test_an_open_schema_is_shown_as_it_is_found(catalog: Catalog) -> None:
    details = describe_table(catalog, "shop.customers")
    assert [(c.name, c.type, c.nullable) for c in details.columns] == [("id", "int32", True)]
    assert (details.rows, details.files, details.version) == (3, 3, None)


def test_a_declared_function_is_not_called(catalog: Catalog) -> None:
    details = describe_table(catalog, "never")
    assert (details.problem, details.rows) == (None, None)
    assert [column.name for column in details.columns] == ["n"]


def test_a_table_that_cannot_be_used_is_shown_with_the_reason(
    tmp_path: Path, catalog: Catalog, settings: Settings
) -> None:
    changed = pa.table({"id": ["one"], "day": pa.array([0], pa.date32())})
    write_deltalake(str(tmp_path / "orders"), changed, mode="overwrite", schema_mode="overwrite")
    details = describe_table(catalog, "orders")
    assert details.problem == "column orders.id is string, declared as int64"
    assert [column.name for column in details.columns] == ["id", "customer", "day"]
    absent = Catalog((Database("shop", (DeltaTable(name="gone", location="gone"),)),))
    problem = describe_table(absent.resolve(settings), "gone").problem
    assert problem == f"table gone: no Delta table at {tmp_path}/gone, which does not exist"


def test_a_table_that_is_not_there_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="no table order: there are orders, customers, never"):
        describe_table(catalog, "order")


def test_all_of_it_is_json(catalog: Catalog) -> None:
    described = [
        list_tables(catalog),
        *(describe_table(catalog, name) for name in catalog.tables()),
    ]
    assert b"shop" in msgspec.json.encode(described)
