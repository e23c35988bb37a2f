"""The official answers that are shipped: complete, readable, and right where they were mended."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.queries.query import Query
from neuralake.tpch.answers import OFFICIAL_SCALE_FACTORS, official_answer
from neuralake.tpch.workload import queries
from tests.tpch.independent import TEXT_COLUMNS, customer_distribution, text_columns


def fields(query: str, scale_factor: float = 0.01) -> list[dict[str, str]]:
    file = files("neuralake.tpch") / "answers" / f"sf{scale_factor:g}" / f"{query}.csv"
    header, *lines = file.read_text("utf-8").splitlines()
    return [dict(zip(header.split("|"), line.split("|"), strict=True)) for line in lines]


@pytest.mark.parametrize("query", sorted(TEXT_COLUMNS))
def test_the_texts_are_those_of_the_tables(query: str, dataset_sf001: Path) -> None:
    rows = fields(query)
    _, key, columns = TEXT_COLUMNS[query]
    expected = text_columns(dataset_sf001, query, [row[key] for row in rows])
    assert {column: [row[column] for row in rows] for column in columns} == expected
    assert rows or query == "q20"


def test_q13_counts_what_plain_python_counts(dataset_sf001: Path) -> None:
    counted = [(int(row["c_count"]), int(row["custdist"])) for row in fields("q13")]
    assert counted == customer_distribution(dataset_sf001)


@pytest.mark.parametrize("scale_factor", OFFICIAL_SCALE_FACTORS)
def test_every_query_has_one_that_keeps_the_promises_of_its_header(scale_factor: float) -> None:
    for query in queries(scale_factor):
        rows = fields(query.name, scale_factor)
        columns = set(rows[0]) if rows else {key.column for key in query.order_by}
        assert {key.column for key in query.order_by} <= columns
        assert query.limit is None or len(rows) <= query.limit


def test_a_field_is_read_as_the_results_type() -> None:
    query = Query("q03", "", "")
    types = [pa.int64(), pa.decimal128(38, 4), pa.date32(), pa.int32()]
    result = pa.schema([(f"c{i}", dtype) for i, dtype in enumerate(types)]).empty_table()
    answer = official_answer(query, result, 0.01)
    assert answer is not None
    assert answer.columns == ["l_orderkey", "revenue", "o_orderdate", "o_shippriority"]
    assert [type(value) for value in answer.rows([0])[0]] == [int, float, date, int]


@pytest.mark.parametrize("dtype", [pa.date32(), pa.int64(), pa.float64(), pa.decimal128(15, 2)])
def test_a_field_that_is_not_of_the_results_type_stays_text(dtype: pa.DataType) -> None:
    result = pa.schema([("segment", dtype)]).empty_table()
    answer = official_answer(Query("q01", "", ""), result, 0.01)
    assert answer is not None
    assert answer.rows([0])[0][0] == "A"
    assert len(answer.rows([0])[0]) == 10


@pytest.mark.parametrize("scale_factor", [0.001, 0.1, 10.0])
def test_other_scale_factors_have_none(scale_factor: float) -> None:
    assert official_answer(Query("q01", "", ""), pa.table({}), scale_factor) is None
