"""Staged sets are the dataset's own orders and items with other keys, whole or not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from neuralake.errors import DatasetError, NeuralakeError, ParameterError
from neuralake.tpch.generate import generate
from neuralake.tpch.refresh import stage as staging
from neuralake.tpch.refresh.keys import indexes_of_set, order_key
from neuralake.tpch.refresh.stage import stage
from neuralake.tpch.refresh.staged import RefreshSet, load_staged
from tests.conftest import Cli, cli_environment
from tests.tpch.conftest import Generated
from tests.tpch.refresh.conftest import SETS, Lake, Sets

CENT = Decimal("0.01")


def read(dataset: Path, table: str) -> pa.Table:
    return DeltaTable(dataset / table).to_pyarrow_dataset().to_table()


def with_keys(table: pa.Table, key: str, keys: dict[int, int]) -> list[dict[str, object]]:
    """Rows with one of these keys, mapped, in the order of the table."""
    found = table.filter(pc.is_in(table[key], pa.array(list(keys), pa.int64())))
    return [row | {key: keys[row[key]]} for row in found.to_pylist()]


def test_a_set_is_the_same_orders_and_items_with_new_keys(sets: Sets) -> None:
    orders, lineitem = (read(sets.dataset, name) for name in ("orders", "lineitem"))
    assert [one.number for one in sets.staged.sets] == list(SETS)
    for one in sets.staged.sets:
        keys = {order_key(i): order_key(i, 1) for i in indexes_of_set(one.number, 0.01)}
        assert pq.read_table(one.orders.path).to_pylist() == with_keys(orders, "o_orderkey", keys)
        assert pq.read_table(one.lineitem.path).to_pylist() == with_keys(
            lineitem, "l_orderkey", keys
        )
        for file in (one.deleted_orders, one.deleted_lineitem):
            assert pq.read_table(file.path).column(0).to_pylist() == list(keys)


def test_files_have_the_types_of_the_dataset(sets: Sets, generated: Generated) -> None:
    for one in sets.staged.sets[:1]:
        for file in (one.orders, one.lineitem):
            assert pq.read_schema(file.path).equals(file.schema)
            declared = generated.tables[file.table].columns
            assert [(f.name, f.type, f.nullable) for f in file.schema] == [
                (c.name, c.type, c.nullable) for c in declared
            ]
        assert pq.read_schema(one.deleted_orders.path).names == ["o_orderkey"]
        assert pq.read_schema(one.deleted_lineitem.path).names == ["l_orderkey"]


def test_an_order_is_worth_its_items(sets: Sets) -> None:
    """As dbgen computes o_totalprice and o_orderstatus (TPC-H 4.2.3)."""
    for one in sets.staged.sets:
        items: dict[int, list[dict[str, object]]] = {}
        for row in pq.read_table(one.lineitem.path).to_pylist():
            items.setdefault(row["l_orderkey"], []).append(row)
        for order in pq.read_table(one.orders.path).to_pylist():
            own = items.pop(order["o_orderkey"])
            assert order["o_totalprice"] == sum(map(price, own))
            states = {row["l_linestatus"] for row in own}
            assert order["o_orderstatus"] == ("P" if len(states) > 1 else states.pop())
        assert not items


def price(item: dict[str, object]) -> Decimal:
    cents = int(item["l_extendedprice"] / CENT)  # type: ignore[operator]
    discount, tax = (int(item[name] / CENT) for name in ("l_discount", "l_tax"))  # type: ignore[operator]
    return cents * (100 - discount) // 100 * (100 + tax) // 100 * CENT


def test_totals_are_those_of_the_files(sets: Sets) -> None:
    for one in sets.staged.sets:
        orders, items = (pq.read_table(f.path) for f in (one.orders, one.lineitem))
        assert (one.totals.orders, one.totals.lineitems) == (orders.num_rows, items.num_rows)
        assert (one.orders.rows, one.lineitem.rows) == (orders.num_rows, items.num_rows)
        assert one.totals.totalprice == pc.sum(orders["o_totalprice"]).as_py()
        assert one.totals.extendedprice == pc.sum(items["l_extendedprice"]).as_py()


def test_files_and_row_groups_and_passes_change_nothing(
    sets: Sets, generated: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_SETS_AT_ONCE", 2)
    monkeypatch.setattr(staging, "_ROWS_AT_ONCE", 7)
    again = stage(str(generated.path), SETS[::-1], tmp_path / "again")
    for one, other in zip(sets.staged.sets, again.sets[::-1], strict=True):
        assert one.totals == other.totals
        for a, b in zip(files(one), files(other), strict=True):
            assert pq.read_table(a).equals(pq.read_table(b))


def files(one: RefreshSet) -> list[str]:
    return [f.path for f in (one.orders, one.lineitem, one.deleted_orders, one.deleted_lineitem)]


def test_sets_of_one_order_each(tmp_path: Path) -> None:
    dataset = tmp_path / "sf0.001"
    generate(0.001, str(dataset))
    staged = stage(str(dataset), range(985, 1000), tmp_path / "sets")
    assert [one.totals.orders for one in staged.sets] == [1] * 15
    keys = [pq.read_table(one.orders.path)["o_orderkey"][0].as_py() for one in staged.sets]
    assert keys == [order_key(index, 1) for index in range(985, 1000)]


def test_what_is_there_is_left_as_it_is(sets: Sets, tmp_path: Path) -> None:
    place = tmp_path / "sets"
    made = stage(str(sets.dataset), [3, 2], place)
    before = {file: file.stat().st_mtime_ns for file in place.rglob("*")}
    assert stage(str(sets.dataset), [3, 2], place) == made == load_staged(place)
    assert {file: file.stat().st_mtime_ns for file in place.rglob("*")} == before
    with pytest.raises(DatasetError, match=r"holds refresh sets 3, 2: choose another directory"):
        stage(str(sets.dataset), [2], place)
    turned = stage(str(sets.dataset), [2, 3], place)
    assert turned.sets == made.sets[::-1]


def test_places_may_be_relative(
    sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sets.dataset.parent)
    staged = stage(sets.dataset.name, [1], os.path.relpath(tmp_path / "sets"))
    assert staged.dataset == str(sets.dataset)
    assert staged.sets[0].orders.path == str(tmp_path / "sets/set-001/orders.parquet")


def test_anything_else_is_refused_and_left(
    sets: Sets, dataset_sf0003: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    stage(str(sets.dataset), [1], place)  # an empty directory is taken
    with pytest.raises(DatasetError, match="of another dataset"):
        stage(str(dataset_sf0003), [1], place)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").touch()
    for target in (other, other / "mine"):
        with pytest.raises(DatasetError, match="holds something else than refresh sets"):
            stage(str(sets.dataset), [1], target)
    assert [entry.name for entry in other.iterdir()] == ["mine"]
    with pytest.raises(DatasetError, match="sets are staged on disk"):
        stage(str(sets.dataset), [1], "s3://lake/sets")
    with pytest.raises(DatasetError, match="no dataset at"):
        stage(str(tmp_path / "absent"), [1], tmp_path / "sets")
    with pytest.raises(ParameterError, match="refresh set 0 does not exist"):
        stage(str(sets.dataset), [0], tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


def test_a_dataset_that_was_changed_has_no_sets(sets: Sets, lake: Lake, tmp_path: Path) -> None:
    lake.replace(sets.staged.sets[0])
    with pytest.raises(DatasetError, match="table orders was changed after it was generated"):
        stage(str(lake.path), [2], tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


def test_a_failure_leaves_nothing_behind(sets: Sets, lake: Lake, tmp_path: Path) -> None:
    file = next((lake.path / "lineitem").glob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[100 : len(content) - 40_000] = bytes(len(content) - 40_100)
    file.write_bytes(content)
    with pytest.raises(NeuralakeError):
        stage(str(lake.path), [1], tmp_path / "out" / "sets")
    assert not list((tmp_path / "out").iterdir())


def test_a_process_that_is_killed_leaves_no_set(sets: Sets, storage: Path, tmp_path: Path) -> None:
    place = tmp_path / "out" / "sets"
    command = [sys.executable, "-m", "neuralake", "tpch", "refresh", "--set", "1-900"]
    process = subprocess.Popen(
        [*command, "--dataset", str(sets.dataset), "--to", str(place)],
        env=cli_environment(storage, tmp_path),
    )
    while not list(tmp_path.glob("out/.sets.generating/dataset-*/set-001/orders.parquet")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not place.exists()
    assert stage(str(sets.dataset), [1], place).sets[0].totals == sets.staged.sets[0].totals
    assert [entry.name for entry in place.parent.iterdir()] == ["sets"]


def test_a_dataset_with_other_rows_has_no_sets(sets: Sets, lake: Lake, tmp_path: Path) -> None:
    """The tables' first version is what is read: here it is made of other rows."""
    import neuralake.tpch.refresh.stage as module

    shutil.rmtree(lake.path / "orders" / "_delta_log")
    rows = read(sets.dataset, "orders").slice(3)
    from deltalake import write_deltalake

    write_deltalake(lake.path / "orders", rows, mode="overwrite")
    tables = {name: replace(t, version=None) for name, t in lake.tables.items()}
    wanted = module._Wanted(str(lake.path), "", 0.01, (1,))
    (tmp_path / "made").mkdir()
    with pytest.raises(DatasetError, match="no row of orders with order key 1, which the"):
        module._make(tmp_path / "made", wanted, tables)


def test_the_command_stages_and_says_where(typed: Cli, sets: Sets, tmp_path: Path) -> None:
    import json

    place = tmp_path / "sets"
    command = ("tpch", "refresh", "--set", "1,8", "--dataset", sets.dataset, "--to", place)
    done = typed(*command)
    assert (done.returncode, done.stdout.strip()) == (0, str(place))
    said = json.loads(typed(*command, "--json").stdout)
    assert [one["number"] for one in said["sets"]] == [1, 8]
    assert said["scale_factor"] == 0.01
    assert said["sets"][0]["orders"]["path"] == str(place / "set-001" / "orders.parquet")
    assert load_staged(place).sets[0].totals == sets.staged.sets[0].totals


def test_a_record_that_cannot_be_read_is_told(sets: Sets, tmp_path: Path) -> None:
    place = tmp_path / "sets"
    stage(str(sets.dataset), [1], place)
    record = place / "refresh.json"
    document = record.read_text()
    record.write_text(document.replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(DatasetError, match="has format 'neuralake-tpch-refresh' 2"):
        load_staged(place)
    record.write_text(document[:50])
    with pytest.raises(DatasetError, match="is corrupt"):
        load_staged(place)
    record.write_text(document)
    (place / "set-001" / "lineitem.parquet").unlink()
    with pytest.raises(DatasetError, match="refresh set 1 lacks"):
        load_staged(place)
    record.unlink()
    with pytest.raises(DatasetError, match="no refresh sets at"):
        load_staged(place)
