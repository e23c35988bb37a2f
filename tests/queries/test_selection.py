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
        ("5,4,6-7", [5, 4, 6, 7]),
        ("07", [7]),
        ("q6,Q7-q8", [6, 7, 8]),
        ("22-22", [22]),
    ],
)
def test_a_selection_keeps_its_order(selection: str | None, numbers: list[int]) -> None:
    chosen = select_queries(QUERIES, selection)
    assert [query.name for query in chosen] == [f"q{number:02d}" for number in numbers]


@pytest.mark.parametrize("selection", ["1,1", "5,4-6", "q06,6", "1-3,2-4"])
def test_a_query_that_is_named_twice_is_refused(selection: str) -> None:
    with pytest.raises(QueryError, match=r"query q0\d is named twice: expected each once"):
        select_queries(QUERIES, selection)


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
        "qq1",
        "all",
        "²",
        "1.5",
        "²-3",
    ],
)
def test_what_is_no_selection_is_said(selection: str) -> None:
    with pytest.raises(QueryError, match="there are q01 to q22; expected such as 1,6,9-12"):
        select_queries(QUERIES, selection)


def named(*names: str) -> tuple[Query, ...]:
    return tuple(Query(name, "", "SELECT 1") for name in names)


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ("b,a", ["b", "a"]),
        ("long trips", ["long trips"]),
        ("x, y", ["x, y"]),
        ("3", ["3"]),
        ("7-9", ["7-9"]),
        ("6", ["q6"]),
        ("5,6", ["5", "q6"]),
    ],
)
def test_queries_of_any_name_are_selected_by_it(selection: str, chosen: list[str]) -> None:
    queries = named("a", "b", "long trips", "x, y", "3", "q03", "7-9", "q6", "5")
    assert [query.name for query in select_queries(queries, selection)] == chosen


def test_what_there_is_is_listed_by_name() -> None:
    message = "unknown query '1': there are a, b; expected names such as a,b"
    with pytest.raises(QueryError, match=message):
        select_queries(named("a", "b"), "1")


def test_a_long_list_and_a_long_name_are_cut() -> None:
    queries = named("x" * 200, *(f"query-{number}" for number in range(50)))
    with pytest.raises(QueryError, match=r"there are xxx.*x…, query-0, .* and 41 more") as caught:
        select_queries(queries, "y" * 200)
    assert len(str(caught.value)) < 400


def test_a_number_that_two_queries_have_means_neither() -> None:
    with pytest.raises(QueryError, match="unknown query '2': there are q2, q02"):
        select_queries(named("q2", "q02"), "2")


def test_numbers_with_a_gap_are_listed() -> None:
    with pytest.raises(QueryError, match="there are q01, q02, q05; expected names such as q01,q02"):
        select_queries(named("q01", "q02", "q05"), "1-5")


@given(st.text(max_size=12))
def test_any_text_is_a_selection_or_an_error(selection: str) -> None:
    try:
        chosen = select_queries(QUERIES, selection)
    except QueryError:
        return
    assert chosen
    assert len(set(chosen)) == len(chosen)
