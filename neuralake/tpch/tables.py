"""The eight tables of TPC-H, declared once (TPC-H 1.4.1): columns, keys and what they mean.

Generator, engines and documentation all use these declarations. A location here is only the
table's directory within a dataset; :func:`at` gives the tables of one dataset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pyarrow as pa

from neuralake.catalog.columns import Column
from neuralake.catalog.declaration import ForeignKey
from neuralake.catalog.delta import DeltaTable
from neuralake.config import join_uri

_KEY = pa.int64()
_INTEGER = pa.int32()
_MONEY = pa.decimal128(15, 2)
_DATE = pa.date32()
_TEXT = pa.string()


def _column(name: str, dtype: pa.DataType, description: str) -> Column:
    return Column(name, dtype, description, nullable=False)


def _refers(column: str, table: str, referenced_column: str) -> ForeignKey:
    return ForeignKey((column,), table, (referenced_column,))


region = DeltaTable(
    name="region",
    location="region",
    description="The five regions of the world.",
    primary_key=("r_regionkey",),
    columns=(
        _column("r_regionkey", _KEY, "Key of the region, 0 to 4."),
        _column("r_name", _TEXT, "Name, such as EUROPE."),
        _column("r_comment", _TEXT, "Random text."),
    ),
)

nation = DeltaTable(
    name="nation",
    location="nation",
    description="The 25 nations, each in one region.",
    primary_key=("n_nationkey",),
    foreign_keys=(_refers("n_regionkey", "region", "r_regionkey"),),
    columns=(
        _column("n_nationkey", _KEY, "Key of the nation, 0 to 24."),
        _column("n_name", _TEXT, "Name, such as FRANCE."),
        _column("n_regionkey", _KEY, "Region that the nation lies in."),
        _column("n_comment", _TEXT, "Random text."),
    ),
)

supplier = DeltaTable(
    name="supplier",
    location="supplier",
    description="Suppliers of parts, 10,000 at scale factor 1.",
    primary_key=("s_suppkey",),
    foreign_keys=(_refers("s_nationkey", "nation", "n_nationkey"),),
    columns=(
        _column("s_suppkey", _KEY, "Key of the supplier, from 1."),
        _column("s_name", _TEXT, "Name, made from the key: Supplier#000000001."),
        _column("s_address", _TEXT, "Random address."),
        _column("s_nationkey", _KEY, "Nation of the supplier."),
        _column("s_phone", _TEXT, "Telephone number; its first two digits are the nation + 10."),
        _column("s_acctbal", _MONEY, "Account balance in dollars, may be negative."),
        _column("s_comment", _TEXT, "Random text; some hold a customer's complaint or praise."),
    ),
)

customer = DeltaTable(
    name="customer",
    location="customer",
    description="Customers, 150,000 at scale factor 1; a third of them never order.",
    primary_key=("c_custkey",),
    foreign_keys=(_refers("c_nationkey", "nation", "n_nationkey"),),
    columns=(
        _column("c_custkey", _KEY, "Key of the customer, from 1."),
        _column("c_name", _TEXT, "Name, made from the key: Customer#000000001."),
        _column("c_address", _TEXT, "Random address."),
        _column("c_nationkey", _KEY, "Nation of the customer."),
        _column("c_phone", _TEXT, "Telephone number; its first two digits are the nation + 10."),
        _column("c_acctbal", _MONEY, "Account balance in dollars, may be negative."),
        _column("c_mktsegment", _TEXT, "One of five market segments, such as BUILDING."),
        _column("c_comment", _TEXT, "Random text."),
    ),
)

part = DeltaTable(
    name="part",
    location="part",
    description="Parts that are traded, 200,000 at scale factor 1.",
    primary_key=("p_partkey",),
    columns=(
        _column("p_partkey", _KEY, "Key of the part, from 1."),
        _column("p_name", _TEXT, "Five colours, such as 'goldenrod lavender spring ...'."),
        _column("p_mfgr", _TEXT, "One of five manufacturers, Manufacturer#1 to #5."),
        _column("p_brand", _TEXT, "One of 25 brands, five a manufacturer: Brand#13."),
        _column("p_type", _TEXT, "One of 150 types in three words: PROMO BURNISHED COPPER."),
        _column("p_size", _INTEGER, "Size, 1 to 50."),
        _column("p_container", _TEXT, "One of 40 containers, such as JUMBO PKG."),
        _column("p_retailprice", _MONEY, "Retail price in dollars, made from the key."),
        _column("p_comment", _TEXT, "Random text."),
    ),
)

partsupp = DeltaTable(
    name="partsupp",
    location="partsupp",
    description="Which suppliers offer a part, four for each part.",
    primary_key=("ps_partkey", "ps_suppkey"),
    foreign_keys=(
        _refers("ps_partkey", "part", "p_partkey"),
        _refers("ps_suppkey", "supplier", "s_suppkey"),
    ),
    columns=(
        _column("ps_partkey", _KEY, "Part that is offered."),
        _column("ps_suppkey", _KEY, "Supplier that offers it."),
        _column("ps_availqty", _INTEGER, "Quantity in stock, 1 to 9999."),
        _column("ps_supplycost", _MONEY, "Price that the supplier asks, in dollars."),
        _column("ps_comment", _TEXT, "Random text."),
    ),
)

orders = DeltaTable(
    name="orders",
    location="orders",
    description="Orders of the years 1992 to 1998, 1,500,000 at scale factor 1.",
    primary_key=("o_orderkey",),
    foreign_keys=(_refers("o_custkey", "customer", "c_custkey"),),
    columns=(
        _column("o_orderkey", _KEY, "Key of the order; only 8 of every 32 numbers are used."),
        _column("o_custkey", _KEY, "Customer who ordered; never a multiple of three."),
        _column("o_orderstatus", _TEXT, "F if all its items are shipped, O if none is, else P."),
        _column("o_totalprice", _MONEY, "Sum over its items in dollars, after discount and tax."),
        _column("o_orderdate", _DATE, "Day of the order, 1992-01-01 to 1998-08-02."),
        _column("o_orderpriority", _TEXT, "One of five priorities, 1-URGENT to 5-LOW."),
        _column("o_clerk", _TEXT, "Clerk who took the order: Clerk#000000001."),
        _column("o_shippriority", _INTEGER, "Always 0."),
        _column("o_comment", _TEXT, "Random text."),
    ),
)

lineitem = DeltaTable(
    name="lineitem",
    location="lineitem",
    description="Items of the orders, 1 to 7 an order, about 6,000,000 at scale factor 1.",
    primary_key=("l_orderkey", "l_linenumber"),
    foreign_keys=(
        _refers("l_orderkey", "orders", "o_orderkey"),
        ForeignKey(("l_partkey", "l_suppkey"), "partsupp", ("ps_partkey", "ps_suppkey")),
    ),
    columns=(
        _column("l_orderkey", _KEY, "Order that the item belongs to."),
        _column("l_partkey", _KEY, "Part that is ordered."),
        _column("l_suppkey", _KEY, "Supplier of the part."),
        _column("l_linenumber", _INTEGER, "Number of the item within its order, from 1."),
        _column("l_quantity", _MONEY, "Quantity, a whole number from 1 to 50."),
        _column("l_extendedprice", _MONEY, "Quantity times retail price, in dollars."),
        _column("l_discount", _MONEY, "Discount as a fraction, 0.00 to 0.10."),
        _column("l_tax", _MONEY, "Tax as a fraction, 0.00 to 0.08."),
        _column("l_returnflag", _TEXT, "R or A if received by 1995-06-17, else N."),
        _column("l_linestatus", _TEXT, "O if shipped after 1995-06-17, else F."),
        _column("l_shipdate", _DATE, "Day of shipping, 1 to 121 days after the order."),
        _column("l_commitdate", _DATE, "Day promised, 30 to 90 days after the order."),
        _column("l_receiptdate", _DATE, "Day of receipt, 1 to 30 days after shipping."),
        _column("l_shipinstruct", _TEXT, "One of four instructions, such as COLLECT COD."),
        _column("l_shipmode", _TEXT, "One of seven modes, such as AIR."),
        _column("l_comment", _TEXT, "Random text."),
    ),
)

TABLES: Mapping[str, DeltaTable] = MappingProxyType(
    {
        table.name: table
        for table in (region, nation, supplier, customer, part, partsupp, orders, lineitem)
    }
)


def at(dataset_uri: str, storage_options: Mapping[str, str]) -> dict[str, DeltaTable]:
    """The tables of one dataset, by name.

    Parameters
    ----------
    dataset_uri
        Absolute path or URI of the dataset.
    storage_options
        Options of object_store that reach it; empty for a path of this machine.
    """
    return {
        name: replace(
            table,
            location=join_uri(dataset_uri, table.location),
            storage_options=dict(storage_options),
        )
        for name, table in TABLES.items()
    }


def schema_fingerprint(table: DeltaTable) -> str:
    """SHA-256 of a table's column names, types and nullability, in hexadecimal."""
    columns = "\n".join(f"{c.name} {c.type} {c.nullable}" for c in table.columns)
    return hashlib.sha256(columns.encode()).hexdigest()
