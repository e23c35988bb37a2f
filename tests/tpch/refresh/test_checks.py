"""After refresh functions tables hold exactly what they must, and what is amiss is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from neuralake.tpch.refresh.checks import Check, check_tables, table_totals
from neuralake.tpch.refresh.keys import order_key
from tests.tpch.refresh.conftest import Lake, Sets


def failed(
    lake: Lake, sets: Sets, inserted: Collection[int] = (), deleted: Collection[int] = ()
) -> dict[str, Check]:
    found = check_tables(lake.tables, sets.fresh, sets.staged, inserted, deleted)
    assert len(found) == 11
    return {check.name: check for check in found if not check.passed}


def test_whole_pairs_leave_as_many_rows_and_as_much_money(sets: Sets, lake: Lake) -> None:
    assert not failed(lake, sets)
    one, other = sets.staged.sets[:2]
    lake.insert(one)
    assert not failed(lake, sets, inserted=[1])
    lake.insert(other)
    lake.delete(one)
    assert not failed(lake, sets, inserted=[1, 8], deleted=[1])
    lake.delete(other)
    assert not failed(lake, sets, inserted=[1, 8], deleted=[1, 8])
    assert table_totals(lake.tables["orders"], lake.tables["lineitem"]) == sets.fresh
    assert not failed(lake, sets, inserted=(8, 1), deleted=(8, 1))
    fresh = {name: replace(table, version=0) for name, table in lake.tables.items()}
    assert all(c.passed for c in check_tables(fresh, sets.fresh, sets.staged, (), ()))


def test_half_a_pair_is_not_a_whole_one(sets: Sets, lake: Lake) -> None:
    lake.insert(sets.staged.sets[0])
    found = failed(lake, sets, inserted=[1], deleted=[1])
    assert set(found) == {
        *("rows of orders", "rows of lineitem", "orders unexpected"),
        *("sum of o_totalprice", "sum of l_extendedprice"),
    }
    assert found["orders unexpected"].found == "15, the first with key 1"
    assert found["rows of orders"].found == "15,015"
    assert found["rows of orders"].expected == "15,000"
    assert set(failed(lake, sets)) == set(found)


def test_an_order_without_items_and_items_without_an_order(sets: Sets, lake: Lake) -> None:
    one = sets.staged.sets[0]
    write_deltalake(lake.path / "orders", pq.read_table(one.orders.path), mode="append")
    found = failed(lake, sets, inserted=[1])
    assert found["orders without items"].found == "15, the first with key 9"
    assert "items without order" not in found
    lake.delete_keys(one.deleted_orders)
    found = failed(lake, sets, inserted=[1], deleted=[1])
    assert found["items without order"].found == "15, the first with key 1"


def test_the_wrong_order_in_the_right_number_is_found(sets: Sets, lake: Lake) -> None:
    one, other = sets.staged.sets[:2]
    lake.insert(one)
    lake.delete(other)
    found = failed(lake, sets, inserted=[1], deleted=[1])
    assert "rows of orders" not in found
    assert found["orders missing"].found == f"15, the first with key {order_key(106)}"
    assert found["orders unexpected"].found == "15, the first with key 1"


def test_rows_that_came_twice_are_found(sets: Sets, lake: Lake) -> None:
    lake.replace(sets.staged.sets[0])
    lake.insert(sets.staged.sets[0])
    found = failed(lake, sets, inserted=[1], deleted=[1])
    assert found["orders with a key of another"].found == "15"
    assert found["items with a number of another"].found == str(sets.staged.sets[0].lineitem.rows)
    assert "orders unexpected" not in found


@pytest.mark.parametrize(
    ("table", "column", "value", "where", "name"),
    [
        ("orders", "o_totalprice", "o_totalprice + 0.01", "o_orderkey = 7", "sum of o_totalprice"),
        ("lineitem", "l_extendedprice", "0", "l_orderkey = 7", "sum of l_extendedprice"),
        (
            *("lineitem", "l_linenumber", "l_linenumber + 1", "l_orderkey = 32"),
            "orders whose items are not numbered from 1",
        ),
        ("lineitem", "l_linenumber", "8", "l_orderkey = 32", "items without order"),
        ("lineitem", "l_linenumber", "1", "l_orderkey = 7", "items with a number of another"),
        ("orders", "o_orderkey", "16", "o_orderkey = 7", "orders unexpected"),
        ("orders", "o_orderkey", "480001", "o_orderkey = 7", "orders unexpected"),
        ("orders", "o_orderkey", "-1", "o_orderkey = 7", "orders unexpected"),
    ],
)
def test_a_single_order_that_is_wrong_is_found(
    sets: Sets, lake: Lake, table: str, column: str, value: str, where: str, name: str
) -> None:
    DeltaTable(lake.path / table).update({column: value}, predicate=where)
    assert name in failed(lake, sets)


def test_a_check_tells_its_figures() -> None:
    assert str(Check("rows", False, "2", "3")) == "rows: FAILED, 3; expected 2"
    assert str(Check("rows", True, "2", "2")) == "rows: ok, 2; expected 2"
