"""Names of answer files: one for each engine and query, whatever they are called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.answers import answer_file

NAMES = st.text(max_size=300)


def test_a_plain_name_stays() -> None:
    assert answer_file("polars", "q01") == "polars-q01.arrow"
    assert answer_file("spark", "best-customers_2") == "spark-best-customers_2.arrow"


def test_what_could_be_taken_for_something_else_is_encoded() -> None:
    assert answer_file("my-engine", "../x") == "my%2Dengine-%2E%2E%2Fx.arrow"
    assert answer_file("polars", "q.round1") == "polars-q%2Eround1.arrow"


@given(NAMES, NAMES)
def test_a_name_is_a_name_of_a_file(engine: str, query: str) -> None:
    name = answer_file(engine, query)
    assert re.fullmatch(r"[A-Za-z0-9_%~]*-[A-Za-z0-9_%~-]*\.arrow", name)
    assert len(f".{name}.round100.arrow.4194304") <= 255


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_have_different_names(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (answer_file(*one) == answer_file(*other)) == (one == other)


def test_long_names_that_begin_alike_have_different_names() -> None:
    assert answer_file("polars", "x" * 200) != answer_file("polars", "x" * 201)
