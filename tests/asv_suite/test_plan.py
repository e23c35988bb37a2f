"""What the environment may say about a run of the suite."""

from __future__ import annotations

import pytest

from benchmarks.asv.plan import (
    QUERIES,
    PlanError,
    anchor_commit,
    arms,
    counted_plans,
    generator_rounds,
    plans,
    scale_factor,
)
from neuralake.machine import memory_bytes
from neuralake.quantities import parse_size


def test_by_default_every_engine_runs_every_query() -> None:
    chosen = plans({})
    assert list(chosen) == ["polars", "datafusion", "spark"]
    assert all(plan.queries == QUERIES and plan.streams == (1, 2, 4) for plan in chosen.values())
    assert chosen["polars"].rounds >= 8, "fewer samples have no 99 % interval"
    assert chosen["polars"].stream_rounds >= 8


def test_a_value_is_for_all_but_for_whom_it_has_another() -> None:
    chosen = plans({"NEURALAKE_ASV_ROUNDS": "4 spark:1", "NEURALAKE_ASV_QUERIES": "spark:1,6,9-11"})
    assert [plan.rounds for plan in chosen.values()] == [4, 4, 1]
    assert chosen["spark"].queries == ("q01", "q06", "q09", "q10", "q11")
    assert chosen["polars"].queries == QUERIES
    assert generator_rounds({"NEURALAKE_ASV_ROUNDS": "4 generator:2"}) == 2


def test_three_engines_are_counted_on_one_thread() -> None:
    chosen = counted_plans({})
    assert list(chosen) == ["polars", "datafusion", "duckdb"]
    assert all(plan.queries == QUERIES and plan.rounds == 4 for plan in chosen.values())
    assert chosen["datafusion"].options == {"target_partitions": "1"}
    assert chosen["duckdb"].options == {"threads": "1"}
    asked = {"NEURALAKE_ASV_COUNTED": "duckdb", "NEURALAKE_ASV_QUERIES": "6"}
    (plan,) = counted_plans(asked | {"NEURALAKE_ASV_ROUNDS": "3 instructions:2"}).values()
    assert (plan.engine, plan.queries, plan.rounds) == ("duckdb", ("q06",), 2)
    assert counted_plans({"NEURALAKE_ASV_COUNTED": "none"}) == {}
    with pytest.raises(PlanError, match="NEURALAKE_ASV_COUNTED is 'spark'"):
        counted_plans({"NEURALAKE_ASV_COUNTED": "spark"})


def test_two_jvms_side_by_side_leave_memory_to_the_rest() -> None:
    chosen = plans({})
    assert [engine for engine, plan in chosen.items() if plan.options] == ["spark"]
    heap_bytes = parse_size(chosen["spark"].options["memory"])
    assert heap_bytes >= 2**30
    assert 2 * heap_bytes <= max(0.6 * memory_bytes(), 2 * 2**30)
    alone = plans({"NEURALAKE_ASV_ARMS": "commit"})
    assert alone["spark"].options == chosen["spark"].options, "results would be of two heaps"


def test_streams_of_some_of_the_queries_are_not_measured() -> None:
    chosen = plans(
        {"NEURALAKE_ASV_QUERIES": "spark:1-21", "NEURALAKE_ASV_STREAM_ROUNDS": "polars:0"}
    )
    assert {engine: plan.streams for engine, plan in chosen.items()} == {
        "polars": (),
        "datafusion": (1, 2, 4),
        "spark": (),
    }


def test_the_anchor_is_an_arm_where_there_is_one() -> None:
    anchored = {"NEURALAKE_ANCHOR": "676ead7"}
    assert arms({}) == ("commit",)
    assert arms(anchored) == ("commit", "anchor")
    assert arms(anchored | {"NEURALAKE_ASV_ARMS": "commit"}) == ("commit",)
    assert anchor_commit(anchored) == "676ead7"


def test_a_scale_factor_is_written_as_datasets_are_named() -> None:
    assert scale_factor({}) == "0.1"
    assert scale_factor({"NEURALAKE_ASV_SCALE_FACTOR": "1.0"}) == "1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NEURALAKE_ASV_ENGINES", "polars,duckdb"),
        ("NEURALAKE_ASV_QUERIES", "0"),
        ("NEURALAKE_ASV_QUERIES", "9-6"),
        ("NEURALAKE_ASV_QUERIES", "1,x"),
        ("NEURALAKE_ASV_ROUNDS", "0"),
        ("NEURALAKE_ASV_ROUNDS", "many"),
        ("NEURALAKE_ASV_ROUNDS", "duckdb:3"),
        ("NEURALAKE_ASV_STREAM_ROUNDS", "-1"),
    ],
)
def test_an_impossible_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(PlanError, match=variable):
        plans({variable: value})


@pytest.mark.parametrize("value", ["big", "0", "-1", "nan", "inf"])
def test_an_impossible_scale_factor_is_named(value: str) -> None:
    with pytest.raises(PlanError, match=f"NEURALAKE_ASV_SCALE_FACTOR is '{value}'"):
        scale_factor({"NEURALAKE_ASV_SCALE_FACTOR": value})
