"""A plan held against a workload: what there is not, and what would be chance, is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from neuralake.catalog.tables import DeltaTable
from neuralake.errors import LifecycleError, NeuralakeError
from neuralake.queries.workload import Workload
from neuralake.workloads.lifecycle.check import check_against, tables_of
from neuralake.workloads.lifecycle.expand import expand
from neuralake.workloads.lifecycle.parsing import parse_plan

WRONG = {
    '{kind="compact", table="reading"}': (
        "names table 'reading': there are sensors, readings; did you mean readings?"
    ),
    '{kind="query", queries="coldest"}': "unknown query 'coldest'",
    '{kind="z_order", table="readings", columns=["dya"]}': (
        "columns names column 'dya' of table readings: it has reading_id, sensor_id, day, celsius; "
        "did you mean day?"
    ),
    '{kind="z_order", table="readings", columns=[]}': "columns is empty",
    '{kind="create", table="readings", partition_by=["x"]}': "partition_by names column 'x'",
    '{kind="append", table="readings"}': "expected either rows or percent",
    '{kind="append", table="readings", rows=1, percent=1}': "expected either rows or percent",
    '{kind="append", table="sensors", rows=1, children=["sensors"]}': (
        "table sensors declares no foreign key to sensors"
    ),
    '{kind="append", table="sensors", rows=1, children=["reading"]}': "names table 'reading'",
    '{kind="merge", table="sensors", columns=["sensor_id"]}': (
        "names 'sensor_id', which is part of the key of table sensors"
    ),
    '{kind="update", table="sensors", set={sensor_id="1"}, where="true"}': "is part of the key",
    '{kind="update", table="sensors", set={}, where="true"}': "set is empty",
    '{kind="update", table="sensors", set={plce="1"}, where="true"}': "did you mean place?",
    '{kind="z_order", table="readings", columns=["day", "day"]}': "columns day is named twice",
    '{kind="merge", table="sensors", columns=["place", "place"]}': "columns place is named twice",
    '{kind="append", table="sensors", rows=1, children=["readings", "readings"]}': (
        "children readings is named twice: expected each once"
    ),
    '{kind="create", table="sensors", partition_by=["place", "sensor_id", "is_outside"]}': (
        "partition_by names all columns of table sensors"
    ),
}


def refused(text: str, workload: Workload) -> str:
    phases = expand(parse_plan(text, "p"), "p")
    with pytest.raises(NeuralakeError) as told:
        check_against(phases, workload)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("task", WRONG)
def test_what_there_is_not_is_told_with_its_place(task: str, workload: Workload) -> None:
    text = f'name="x"\nphases=[{{name="a", sessions=[{{name="s", tasks=[{task}]}}]}}]'
    message = refused(text, workload)
    assert WRONG[task] in message
    assert message.startswith("phase 'a', session 's', task 0")


def test_two_sessions_may_not_change_one_table_at_once(workload: Workload) -> None:
    both = """
    name = "x"
    [[phases]]
    name = "a"
    sessions = [
      {{ name = "one", tasks = [{{ kind = "append", table = "readings", rows = 1 }}] }},
      {{ name = "two", tasks = [{}] }},
    ]
    """
    deletion = '{ kind = "delete_keys", table = "sensors", children = ["readings"] }'
    said = refused(both.format(deletion), workload)
    assert "sessions 'one' and 'two' change table readings at once, by delete_keys too" in said
    for harmless in (
        '{ kind = "append", table = "readings", rows = 1 }',
        '{ kind = "compact", table = "readings" }',
        '{ kind = "delete_keys", table = "sensors" }',
    ):
        check_against(expand(parse_plan(both.format(harmless), "p"), "p"), workload)


def test_a_table_is_made_before_it_is_used_and_once(workload: Workload) -> None:
    plan = """
    name = "x"
    [[phases]]
    name = "a"
    sessions = [{{ name = "s", tasks = [{}] }}]
    [[phases]]
    name = "b"
    sessions = [{{ name = "s", tasks = [{}] }}]
    """
    create = '{ kind = "create", table = "readings" }'
    ask = '{ kind = "query", queries = "readings_of_a_month" }'
    then = '{ kind = "query", queries = "readings_of_a_month", as_of = "a" }'
    late = refused(plan.format(ask, create), workload)
    assert "uses table readings, which the plan has not made by then" in late
    assert "a second time" in refused(plan.format(create, create), workload)
    unmade = '{ kind = "compact", table = "sensors" }'
    assert "has not made by then" in refused(plan.format(unmade, f"{create}, {then}"), workload)
    check_against(expand(parse_plan(plan.format(create, then), "p"), "p"), workload)


def test_no_order_is_asked_for_by_what_a_table_is_partitioned_by(
    workload: Workload, tmp_path: Path
) -> None:
    plan = """
    name = "x"
    [[phases]]
    name = "a"
    [[phases.sessions]]
    name = "s"
    tasks = [{}{{ kind = "z_order", table = "readings", columns = [{}] }}]
    """
    made = '{ kind = "create", table = "readings", partition_by = ["day"] }, '
    said = refused(plan.format(made, '"sensor_id", "day"'), workload)
    assert "task 1: columns names 'day', by which table readings is partitioned" in said
    check_against(expand(parse_plan(plan.format(made, '"sensor_id"'), "p"), "p"), workload)
    day = pa.array([dt.date(2025, 1, 1)])
    rows = pa.table({"reading_id": [1], "sensor_id": [1], "day": day, "celsius": [1.5]})
    write_deltalake(tmp_path / "parted", rows, partition_by=["day"])
    parted = DeltaTable(name="readings", location=str(tmp_path / "parted"))
    tables = {**workload.tables, "readings": parted}
    assert "partitioned" in refused(plan.format("", '"day"'), replace(workload, tables=tables))


def test_a_plan_names_the_tables_that_it_reads(workload: Workload) -> None:
    text = (
        'name="x"\nphases=[{name="a", sessions=[{name="s", '
        'tasks=[{kind="query", queries="readings_of_a_month"}]}]}]'
    )
    assert set(tables_of(expand(parse_plan(text, "p"), "p"), workload)) == {"readings"}


def test_too_many_tasks_are_refused(workload: Workload) -> None:
    task = '{kind="append", table="readings", rows=1, batches=1000}'
    tasks = ", ".join([task] * 101)
    text = f'name="x"\nphases=[{{name="a", sessions=[{{name="s", tasks=[{tasks}]}}]}}]'
    with pytest.raises(LifecycleError, match="the plan has 101,000 tasks: expected 100,000"):
        check_against(expand(parse_plan(text, "p"), "p"), workload)
