"""What the shop sells, and to whom."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.catalog import (
    Catalog,
    Column,
    DeltaTable,
    Filter,
    ForeignKey,
    ParquetTable,
    table,
)

if TYPE_CHECKING:
    import polars as pl

orders = ParquetTable(
    name="orders",
    location="shop/orders.parquet",
    description="An order a row.",
    columns=(
        Column("order_id", pa.int64(), "Number of the order.", nullable=False),
        Column("customer_id", pa.int64(), "Who ordered.", nullable=False),
        Column("ordered_on", pa.date32(), "Day of the order."),
        Column("currency", pa.string(), "ISO 4217 code of the amount."),
        Column("amount", pa.decimal128(15, 2), "Price, in the currency of the order."),
    ),
    primary_key=("order_id",),
    foreign_keys=(ForeignKey(("customer_id",), "customers", ("customer_id",)),),
)

customers = DeltaTable(
    name="customers",
    location="shop/customers",
    description="A customer a row.",
    columns=(
        Column("customer_id", pa.int64(), "Number of the customer."),
        Column("name", pa.string()),
        Column("country", pa.string(), "ISO 3166 code."),
    ),
    primary_key=("customer_id",),
)


@table(columns=(Column("currency", pa.string()), Column("euros", pa.decimal128(9, 4))))
def exchange_rates() -> pa.Table:
    """What one unit of a currency is worth in euros."""
    rates = {"EUR": "1.0000", "HUF": "0.0026", "USD": "0.8600"}
    euros = pa.array([Decimal(rate) for rate in rates.values()], pa.decimal128(9, 4))
    return pa.table({"currency": list(rates), "euros": euros})


@table
def large_orders(catalog: Catalog, least: Decimal = Decimal(900)) -> pl.LazyFrame:
    """Orders of 900 or more, in whatever currency."""
    return catalog.table("orders").lazy([Filter("amount", ">=", least)])
