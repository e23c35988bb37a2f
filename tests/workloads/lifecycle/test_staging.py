"""What a plan writes: the same by the same seed, consistent, and known row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import LifecycleError
from neuralake.queries.workload import Workload
from neuralake.tpch.dataset import open_workload
from neuralake.workloads.lifecycle.check import check_against, tables_of
from neuralake.workloads.lifecycle.expand import expand
from neuralake.workloads.lifecycle.parsing import parse_plan
from neuralake.workloads.lifecycle.staging import StagedPhase, StagedTask, Stager
from neuralake.workloads.phases.model import Append, Delete, DeleteKeys, Merge, RunQuery
from tests.conftest import make_settings


def stage(
    tasks: str, workload: Workload, place: Path, seed: int = 1
) -> tuple[list[StagedTask], StagedPhase]:
    """The tasks of a plan with one phase and one session."""
    text = f'name="x"\nphases=[{{name="a", sessions=[{{name="s", tasks=[{tasks}]}}]}}]'
    phases = expand(parse_plan(text, "p"), "p")
    check_against(phases, workload)
    tables = tables_of(phases, workload)
    (phase,) = Stager().stage(phases, tables, workload.queries, seed, place)
    return list(phase.sessions[0].tasks), phase


def rows_of(task: StagedTask) -> pl.DataFrame:
    action = task.task.action
    assert isinstance(action, Append | Merge | DeleteKeys)
    staged = action.keys if isinstance(action, DeleteKeys) else action.rows
    return pl.read_parquet(list(staged.files))


def all_rows(workload: Workload, name: str) -> pl.DataFrame:
    return workload.tables[name].lazy().collect()


EVERYTHING = """
{kind="append", table="sensors", rows=3, batches=2, children=["readings"]},
{kind="merge", table="sensors", percent=5, new_percent=1},
{kind="delete_keys", table="sensors", percent=2, children=["readings"]},
{kind="update", table="readings", set={celsius="celsius + 1"}, where="sensor_id < 10"},
{kind="delete", table="readings", where="day < DATE '2025-02-01'"}
"""


def test_the_same_seed_writes_the_same(workload: Workload, tmp_path: Path) -> None:
    first, state = stage(EVERYTHING, workload, tmp_path / "first")
    again, same = stage(EVERYTHING, workload, tmp_path / "again")
    other, changed = stage(EVERYTHING, workload, tmp_path / "other", seed=2)
    assert state.expected == same.expected
    assert [t.changed_bytes for t in first] == [t.changed_bytes for t in again]
    assert {e.digest for e in state.expected}.isdisjoint(e.digest for e in changed.expected)
    assert len(first) == len(other)


def test_new_rows_have_new_keys_and_children_of_their_own(
    workload: Workload, tmp_path: Path
) -> None:
    before, readings = all_rows(workload, "sensors"), all_rows(workload, "readings")
    tasks, state = stage(
        '{kind="append", table="sensors", rows=3, batches=2, children=["readings"]}',
        workload,
        tmp_path,
    )
    assert [task.task.name for task in tasks] == ["append sensors", "append readings"] * 2
    assert tasks[0].task.group == tasks[1].task.group != tasks[2].task.group
    new = pl.concat([rows_of(tasks[0]), rows_of(tasks[2])])
    children = pl.concat([rows_of(tasks[1]), rows_of(tasks[3])])
    assert new["sensor_id"].to_list() == list(range(201, 207))
    assert set(children["sensor_id"]) == set(new["sensor_id"])
    assert children["reading_id"].is_unique().all()
    assert not set(children["reading_id"]) & set(readings["reading_id"])
    assert {e.table: e.rows for e in state.expected} == {
        "sensors": before.height + 6,
        "readings": readings.height + children.height,
    }


def test_an_upsert_changes_values_and_no_keys(workload: Workload, tmp_path: Path) -> None:
    before = all_rows(workload, "sensors")
    (task,), state = stage(
        '{kind="merge", table="sensors", percent=5, columns=["place"], new_percent=1}',
        workload,
        tmp_path,
    )
    rows = rows_of(task)
    old = rows.join(before, on="sensor_id")
    assert old.height == 10
    assert old["is_outside"].equals(old["is_outside_right"], check_names=False)
    assert not old["place"].equals(old["place_right"], check_names=False)
    assert set(rows["place"]) <= set(before["place"])
    assert rows.height == 12
    assert state.expected[0].rows == before.height + 2


def test_rows_that_are_deleted_take_those_along_that_refer_to_them(
    workload: Workload, tmp_path: Path
) -> None:
    (children, parents), state = stage(
        '{kind="delete_keys", table="sensors", percent=2, children=["readings"]}',
        workload,
        tmp_path,
    )
    assert isinstance(children.task.action, DeleteKeys)
    assert children.task.action.on == ("sensor_id",)
    assert rows_of(children).equals(rows_of(parents))
    assert (parents.changed_rows, children.changed_rows) == (4, 1000)
    assert {e.table: e.rows for e in state.expected} == {"sensors": 196, "readings": 49_000}


def test_a_predicate_deletes_the_rows_for_which_it_is_true(
    workload: Workload, tmp_path: Path
) -> None:
    (task,), state = stage(
        """{kind="delete", table="readings", where="day < DATE '2025-02-01'"}""",
        workload,
        tmp_path,
    )
    assert isinstance(task.task.action, Delete)
    assert task.changed_rows == 3099
    assert state.expected[0].rows == 50_000 - 3099


WRONG = {
    '{kind="delete", table="readings", where="dya < 3"}': "where is 'dya < 3', which is no SQL",
    '{kind="delete", table="readings", where="day <"}': "which is no SQL expression",
    '{kind="delete", table="readings", where="sensor_id"}': "which is Int64: expected a predicate",
    '{kind="update", table="readings", set={celsius="\'warm\'"}, where="true"}': "set.celsius is",
}


@pytest.mark.parametrize("task", WRONG)
def test_what_is_no_sql_is_refused_with_its_place(
    task: str, workload: Workload, tmp_path: Path
) -> None:
    with pytest.raises(LifecycleError) as told:
        stage(task, workload, tmp_path)
    assert WRONG[task] in str(told.value)
    assert "\n" not in str(told.value)


def test_a_key_that_is_none_is_refused(workload: Workload, tmp_path: Path) -> None:
    twice = pl.concat([all_rows(workload, "sensors")] * 2)
    write_deltalake(tmp_path / "twice", twice)
    table = workload.tables["sensors"]
    assert isinstance(table, DeltaTable)
    own = replace(table, location=str(tmp_path / "twice"), version=None)
    workload = replace(workload, tables={**workload.tables, "sensors": own})
    with pytest.raises(LifecycleError, match="has nulls or the same value twice"):
        stage('{kind="merge", table="sensors"}', workload, tmp_path / "staged")


def test_a_question_about_the_past_has_its_phase_and_its_order(
    workload: Workload, tmp_path: Path
) -> None:
    text = """
    name = "x"
    [[phases]]
    name = "change"
    sessions = [{ name = "s", tasks = [{ kind = "append", table = "readings", rows = 5 }] }]
    [[phases]]
    name = "past"
    [[phases.sessions]]
    name = "s"
    tasks = [{ kind = "query", queries = "coldest_places", as_of = "change" }]
    """
    phases = expand(parse_plan(text, "p"), "p")
    tables = tables_of(phases, workload)
    *_, past = Stager().stage(phases, tables, workload.queries, 1, tmp_path)
    (task,) = past.sessions[0].tasks
    assert (task.task.name, task.as_of) == ("coldest_places as of change", "change")
    assert isinstance(task.task.action, RunQuery)
    assert task.task.action.reads == ("readings", "sensors")
    assert task.task.action.order_by == ("mean", "place")


def test_tpch_stays_consistent(storage: Path, dataset_sf0003: Path, tmp_path: Path) -> None:
    """No order without lineitems, none of an order that there is not, and money conserved."""
    settings = make_settings(storage, tmp_path / "results")
    workload = open_workload(str(dataset_sf0003), settings)
    tasks, _ = stage(
        """
        {kind="append", table="orders", percent=1, batches=3, children=["lineitem"]},
        {kind="delete_keys", table="orders", percent=1, children=["lineitem"]}
        """,
        workload,
        tmp_path,
    )
    orders, lineitem = all_rows(workload, "orders"), all_rows(workload, "lineitem")
    for task in tasks:
        frames = {"orders": orders, "lineitem": lineitem}
        action = task.task.action
        if isinstance(action, Append):
            frames[action.table] = pl.concat([frames[action.table], rows_of(task)])
        elif isinstance(action, DeleteKeys):
            keys = rows_of(task)
            frames[action.table] = frames[action.table].join(keys, on=keys.columns, how="anti")
        orders, lineitem = frames["orders"], frames["lineitem"]
    assert set(orders["o_orderkey"]) == set(lineitem["l_orderkey"])
    assert lineitem.select("l_orderkey", "l_linenumber").is_unique().all()
    price = pl.col("l_extendedprice").cast(pl.Float64) * (1 + pl.col("l_tax").cast(pl.Float64))
    sums = lineitem.group_by("l_orderkey").agg(
        (price * (1 - pl.col("l_discount").cast(pl.Float64))).sum().alias("sum")
    )
    found = orders.join(sums, left_on="o_orderkey", right_on="l_orderkey")
    gap = (found["o_totalprice"].cast(pl.Float64) - found["sum"]).abs().max()
    assert isinstance(gap, float)
    assert gap < 0.15  # each of seven lines is rounded twice
