"""Selections of queries, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.errors import QueryError
from neuralake.queries.query import Query
from neuralake.queries.workload import select_queries

QUERIES = tuple(Query(f"q{number:02d}", "", "SELECT 1") for number in range(1, 23))


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        (None, list(range(1, 23))),
        ("1", [1]),
        ("1,6,9-12", [1, 6, 9, 10, 11, 12]),
        ("q06,q01", [6, 1]),
        (" 3 , 2 ", [3, 2]),
        ("5,4-6,5", [5, 4, 6]),
        ("07", [7]),
        ("22-22", [22]),
    ],
)
def test_a_selection_keeps_its_order_and_names_each_once(
    selection: str | None, numbers: list[int]
) -> None:
    chosen = select_queries(QUERIES, selection)
    assert [query.name for query in chosen] == [f"q{number:02d}" for number in numbers]


@pytest.mark.parametrize(
    "selection",
    [
        "0",
        "23",
        "",
        "1,",
        "6-1",
        "1-",
        "-1",
        "1-23",
        "1-99999999999",
        "q1",
        "all",
        "²",
        "1.5",
        "²-3",
    ],
)
def test_what_is_no_selection_is_said(selection: str) -> None:
    with pytest.raises(QueryError, match="there are q01 to q22; expected such as 1,6,9-12"):
        select_queries(QUERIES, selection)


@given(st.text(max_size=12))
def test_any_text_is_a_selection_or_an_error(selection: str) -> None:
    try:
        chosen = select_queries(QUERIES, selection)
    except QueryError:
        return
    assert chosen
    assert len(set(chosen)) == len(chosen)
