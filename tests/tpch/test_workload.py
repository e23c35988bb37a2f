"""TPC-H's 22 queries: their headers say what their texts say, and Q11 knows its scale factor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import Query
from neuralake.tpch.dataset import open_workload
from neuralake.tpch.workload import queries
from neuralake.workloads.query import run_query
from tests.conftest import FAST_ENGINES

QUERIES = queries()


def last_clause(text: str, keyword: str) -> str | None:
    """What follows the last keyword that stands outside all parentheses."""
    depth, found = 0, None
    for match in re.finditer(rf"\(|\)|\b{keyword}\b", text):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0 and match[0] not in "()":
            found = match.end()
    return None if found is None else text[found:].strip()


def test_there_are_22() -> None:
    assert [query.name for query in QUERIES] == [f"q{number:02d}" for number in range(1, 23)]
    for number, query in enumerate(QUERIES, start=1):
        assert query.title.endswith(f"(TPC-H 2.4.{number})")


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_header_repeats_the_order_by_and_limit_of_its_text(query: Query) -> None:
    limit = last_clause(query.text, "LIMIT")
    assert query.limit == (None if limit is None else int(limit))
    order = last_clause(query.text, "ORDER BY")
    keys = [] if order is None else re.split(r"\bLIMIT\b", order)[0].strip().split(",")
    said = [(key.split()[0], key.split()[1:] == ["DESC"]) for key in keys]
    assert [(key.column, key.descending) for key in query.order_by] == said


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_parameter_is_used_and_none_is_left(query: Query) -> None:
    for parameter in query.parameters:
        assert re.search(rf":{parameter.name}\b", query.text)
    assert not re.search(r"(?<!:):[a-z]", query.sql())


@pytest.mark.parametrize(
    ("scale_factor", "fraction"),
    [(1.0, "0.0001"), (0.01, "0.0001"), (0.1, "0.001"), (10.0, "0.00001"), (30.0, None)],
)
def test_the_fraction_of_q11_shrinks_with_the_scale(
    scale_factor: float, fraction: str | None
) -> None:
    literal = queries(scale_factor)[10].parameters[1].default
    assert fraction is None or literal == fraction
    assert float(literal) == pytest.approx(
        0.0001 if scale_factor == 0.01 else 0.0001 / scale_factor, rel=1e-15
    )
    assert "e" not in literal.lower()


def test_only_q11_depends_on_the_scale_factor() -> None:
    changed = {a.name for a, b in zip(QUERIES, queries(0.1), strict=True) if a != b}
    assert changed == {"q11"}


def tables(dataset: Path, settings: Settings) -> Mapping[str, Table]:
    return open_workload(str(dataset), settings).tables


def test_engines_agree_on_q11_with_the_specifications_fraction(
    dataset_sf001: Path, settings: Settings
) -> None:
    q11 = QUERIES[10]
    sql = q11.sql({"fraction": "0.01"})
    answers = [
        Answer.of(run_query(sql, EngineSpec(engine), tables(dataset_sf001, settings)))
        for engine in FAST_ENGINES
    ]
    assert answers[0].count
    for answer in answers[1:]:
        assert compare(answer, answers[0], q11) is None


def test_a_parameter_changes_the_answer(dataset_sf001: Path, settings: Settings) -> None:
    q01 = replace(QUERIES[0], order_by=())
    found: list[pa.Table] = [
        run_query(q01.sql(values), EngineSpec("duckdb"), tables(dataset_sf001, settings))
        for values in ({}, {"delta": "90"}, {"delta": "60"})
    ]
    assert found[0].equals(found[1])
    assert not found[0].equals(found[2])


def test_a_workload_names_its_dataset(dataset_sf0003: Path, settings: Settings) -> None:
    workload = open_workload(str(dataset_sf0003), settings)
    assert (workload.name, workload.scale_factor) == ("tpch", 0.003)
    assert set(workload.tables) == {
        *("customer", "lineitem", "nation", "orders"),
        *("part", "partsupp", "region", "supplier"),
    }
    assert workload.reference(workload.queries[0], pa.table({})) is None
