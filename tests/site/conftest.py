"""A lake of everything that a catalog may hold: nested, hostile, stale, broken; and a browser."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import (
    About,
    Catalog,
    Column,
    Database,
    DeltaTable,
    Deprecated,
    Filter,
    ForeignKey,
    ParquetTable,
    table,
)
from neuralake.config import Settings
from tests.report.conftest import browser  # noqa: F401 (a fixture)

NASTY = '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "quotes" \x1b[31m'
PLACE = pa.struct([("city", pa.string()), ("at", pa.struct([("lat", pa.float64())]))])
ORDERS = (
    Column("id", pa.int64(), "Number of the order.", nullable=False),
    Column("customer", pa.int64(), "Who ordered."),
    Column("amount", pa.decimal128(9, 2), "In euros."),
    Column("email", pa.string(), "Where the bill goes.", sensitive=True),
    Column("place", PLACE, "Where it goes."),
    Column("tags", pa.map_(pa.string(), pa.list_(pa.int32())), "As typed."),
)


@table(columns=(Column("n", pa.int64()),), description="Never made for a page.")
def expensive() -> pl.LazyFrame:
    raise AssertionError("called")


def make_catalog(root: Path) -> Catalog:
    """A shop; the amounts of its orders are 1.50 and 2.50, and one is missing."""
    orders = pa.table(
        [
            pa.array([1, 2, 3], pa.int64()),
            pa.array([1, 1, None], pa.int64()),
            pa.array([Decimal("1.50"), Decimal("2.50"), None], pa.decimal128(9, 2)),
            pa.array(["ada@example.org", "bela@example.org", NASTY]),
            pa.array([{"city": NASTY, "at": {"lat": 47.07}}, None, None], PLACE),
            pa.array([[("a", [1, 2])], [], None], ORDERS[5].type),
        ],
        schema=pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in ORDERS]),
    )
    write_deltalake(str(root / "orders"), orders.take([0, 1]))  # a sliced struct ends deltalake 1.6
    write_deltalake(str(root / "orders"), orders.take([2]), mode="append")
    customers = pa.table({"id": pa.array([1, 2], pa.int64()), NASTY: [NASTY, None]})
    pq.write_table(customers, root / "customers.parquet")
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(days=3)).timestamp()
    os.utime(root / "customers.parquet", (old, old))
    tables = (
        DeltaTable(
            name="orders",
            location="orders",
            columns=ORDERS,
            description=f"An order a row. {NASTY}",
            primary_key=("id",),
            foreign_keys=(ForeignKey(("customer",), "customers", ("id",)),),
            about=About(
                owner="shop@example.org",
                source=NASTY,
                freshness=dt.timedelta(days=1),
                example_filters=(Filter("amount", ">=", Decimal("2.00")),),
                notebook="https://example.org/orders.ipynb?a=1&b=<2>",
            ),
        ),
        ParquetTable(
            name="customers",
            location="customers.parquet",
            about=About(
                freshness=dt.timedelta(hours=1),
                notebook="notes/customers.ipynb",
                deprecated=Deprecated(f"Has no addresses. {NASTY}", "orders"),
            ),
        ),
        ParquetTable(name="gone", location="gone.parquet", columns=(Column("id", pa.int64()),)),
        expensive,
    )
    return Catalog((Database("shop", tables, NASTY),))


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Catalog]:
    """Where the tables lie, and their catalog; nobody changes them."""
    root = tmp_path_factory.mktemp("lake")
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(root)})
    return root, make_catalog(root).resolve(settings)
