"""What is offered where a query is being typed."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog import Column, DeltaTable, ParquetTable, table
from neuralake.catalog.tables import Table
from neuralake.shell.completion import Completion

orders = DeltaTable(
    name="orders",
    location="orders",
    columns=(Column("order_id", pa.int64()), Column("amount", pa.int64())),
)
customers = DeltaTable(
    name="customers", location="customers", columns=(Column("city", pa.string()),)
)


@table
def unknown() -> pa.Table:
    """It is not called for a completion."""
    raise AssertionError


def offered(typed: str, *tables: Table) -> list[str] | None:
    known = {t.name: t for t in tables or (orders, customers, unknown)}
    return Completion(lambda: known, lambda: ["datafusion", "duckdb", "polars"]).complete(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('sql("SELECT * FROM or', ["order_id", "orders"]),
        ('sql("SELECT am', ["amount"]),
        ("catalog.ask('SELECT ", ["amount", "city", "customers", "order_id", "orders", "unknown"]),
        ("sql('''SELECT *\nFROM customers\nWHERE c", ["city", "customers"]),
        ('sql("SELECT orders.', ["orders.amount", "orders.order_id"]),
        ('sql("SELECT o.am', []),
        ('sql("SELECT 1 FROM orders o WHERE o.am', ["o.amount"]),
        ('sql("SELECT 1 FROM customers JOIN orders AS o ON o.o', ["o.order_id"]),
        ('explain("SELECT 1 FROM nothing.', []),
        ('sql(text="SELECT ci', ["city"]),
        ('sql("SELECT 1", engine="d', ["datafusion", "duckdb"]),
        ("sql('SELECT 1', engine='", ["datafusion", "duckdb", "polars"]),
        ('sql("SELECT 1")', None),
        ('sql("SELECT 1", ', None),
        ('print("or', None),
        ("or", None),
        ("", None),
    ],
)
def test_what_may_follow(typed: str, expected: list[str] | None) -> None:
    assert offered(typed) == expected


def test_columns_that_are_not_declared_are_those_of_the_table(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"found": [1]}))
    there = DeltaTable(name="t", location=str(tmp_path / "t"))
    absent = ParquetTable(name="absent", location=str(tmp_path / "absent"))
    assert offered('sql("SELECT t.', there, absent) == ["t.found"]
    assert offered('sql("SELECT absent.', there, absent) == []
