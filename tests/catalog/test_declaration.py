"""Declarations that contradict themselves are refused where they are made."""

from typing import Any

import pyarrow as pa
import pytest

from neuralake.catalog import Column, DeltaTable, ForeignKey, ParquetTable, Table, table
from neuralake.errors import CatalogError

COLUMNS = (Column("id", pa.int64()), Column("customer_id", pa.int64()))


@pytest.mark.parametrize("make", [DeltaTable, ParquetTable])
@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"name": "Orders"}, "'Orders' is not usable in every engine's SQL"),
        ({"name": "my orders"}, "is not usable"),
        ({"name": "shop.orders"}, "is not usable"),
        ({"name": ""}, "is not usable"),
        ({"columns": (*COLUMNS, Column("id", pa.int8()))}, "orders declares column id twice"),
        ({"columns": COLUMNS, "primary_key": ("key",)}, "a key names column key, which is not"),
        (
            {"columns": COLUMNS, "foreign_keys": (ForeignKey(("cust",), "customers", ("id",)),)},
            "a key names column cust",
        ),
        (
            {"foreign_keys": (ForeignKey(("a", "b"), "customers", ("id",)),)},
            "the foreign key to customers has 2 columns and refers to 1",
        ),
    ],
)
def test_a_contradiction_is_refused(
    make: type[DeltaTable], declaration: dict[str, Any], message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        make(**{"name": "orders", "location": "orders", **declaration})


def test_keys_of_an_open_schema_are_taken_on_trust() -> None:
    orders = DeltaTable(name="orders", location="orders", primary_key=("id",))
    assert orders.primary_key == ("id",)


def test_tables_of_all_three_formats_are_tables_immutable_and_hashable() -> None:
    @table
    def made() -> pa.Table: ...

    tables = (DeltaTable(name="a", location="a"), ParquetTable(name="b", location="b"), made)
    assert [t.format for t in tables] == ["delta", "parquet", "function"]
    assert len(set(tables)) == 3
    for one in tables:
        assert isinstance(one, Table)
        with pytest.raises(AttributeError):
            one.name = "other"  # type: ignore[misc]
