"""A query file: its header, and its parameters as literals that stay literals."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.errors import QueryError
from neuralake.queries.query import (
    Allowance,
    Parameter,
    Query,
    SortKey,
    load_queries,
    parse_query,
)
from neuralake.queries.shape import Tolerance
from tests.more import drawn

SOURCE = """\
-- Shipping priority
-- :segment string BUILDING
-- :date date 1995-03-15
-- order by revenue desc, o_orderdate asc
-- limit 10
SELECT * FROM orders
WHERE o_orderdate < :date AND c_mktsegment = :segment;
"""


def test_a_header_says_title_parameters_order_and_limit() -> None:
    assert parse_query("q03", SOURCE) == Query(
        name="q03",
        title="Shipping priority",
        text="SELECT * FROM orders\nWHERE o_orderdate < :date AND c_mktsegment = :segment",
        parameters=(
            Parameter("segment", "string", "BUILDING"),
            Parameter("date", "date", "1995-03-15"),
        ),
        order_by=(SortKey("revenue", True), SortKey("o_orderdate", False)),
        limit=10,
    )


def test_a_header_says_where_nulls_stand_and_what_is_near_enough() -> None:
    header = 'order by a desc nulls last, "B, c" asc nulls first,d asc'
    query = parse_query(
        "q", f"-- T\n-- {header}\n-- tolerance 1e-3\n-- tolerance d 0.5 absolute\nSELECT 1"
    )
    assert query.order_by == (
        SortKey("a", True, "last"),
        SortKey("B, c", False, "first"),
        SortKey("d", False),
    )
    assert parse_query("q", "-- T\n-- limit 10 offset 20\nSELECT 1").offset == 20
    assert query.allowances == (
        Allowance(Tolerance(relative=1e-3)),
        Allowance(Tolerance(absolute=0.5), "d"),
    )


def test_a_query_needs_no_header() -> None:
    assert parse_query("q", "SELECT 1") == Query("q", "", "SELECT 1")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (":date", "is not a parameter"),
        (":date day 1995-01-01", "kind one of integer, decimal, date, string, integers, strings"),
        (":date date 1995-02-30", "parameter date is '1995-02-30': expected date"),
        (":n integer one", "parameter n is 'one': expected integer"),
        (":n decimal 1.2.3", "parameter n is '1.2.3': expected decimal"),
        (":n integers 1, x", "parameter n is '1, x': expected integers"),
        ("order by revenue", "'revenue' is not a sort key"),
        ("order by revenue down", "'revenue down' is not a sort key"),
        ("order by revenue asc,", "'' is not a sort key"),
        ("order by revenue asc nulls", "'revenue asc nulls' is not a sort key"),
        ("tolerance much", "'much' is not a tolerance"),
        ("tolerance -1", "'-1' is not a tolerance: expected 'NUMBER' or 'column NUMBER'"),
        ("tolerance 1e999", "'1e999' is not a tolerance"),
        ("tolerance total 1 percent", "'total 1 percent' is not a tolerance"),
        ("limit ten", "limit is 'ten': expected a number of rows"),
        ("limit ²", "limit is '²': expected a number of rows"),
        ("limit -1", "limit is '-1'"),
        ("limit 10 offset", "limit is '10 offset'"),
    ],
)
def test_a_malformed_header_is_said(header: str, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        parse_query("q", f"-- title\n-- {header}\nSELECT 1")


@pytest.mark.parametrize("source", ["", "-- only a title\n", "-- title\n  ;\n"])
def test_a_query_without_sql_is_said(source: str) -> None:
    with pytest.raises(QueryError, match="query q has no SQL text"):
        parse_query("q", source)


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("integer", "-7", "-7"),
        ("decimal", "1E-7", "0.0000001"),
        ("decimal", "0.0001", "0.0001"),
        ("date", "1998-12-01", "DATE '1998-12-01'"),
        ("string", "it's", "'it''s'"),
        ("integers", "49, 14,23", "49, 14, 23"),
        ("strings", "a, b'c", "'a', 'b''c'"),
    ],
)
def test_a_value_becomes_a_literal_of_its_kind(kind: str, value: str, literal: str) -> None:
    assert Parameter("p", kind, value).literal(value) == literal


@pytest.mark.parametrize("value", ["1 OR 1=1", "1; DROP TABLE t", "0x10", ""])
@pytest.mark.parametrize("kind", ["integer", "decimal", "date", "integers"])
def test_what_is_not_of_the_kind_is_refused(kind: str, value: str) -> None:
    with pytest.raises(QueryError, match=f"expected {kind}"):
        Parameter("p", kind, "1").literal(value)


NO_NUL = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])


@settings(max_examples=drawn(50))
@given(st.text(NO_NUL))
def test_a_string_never_breaks_out_of_its_quotes(value: str) -> None:
    query = Query("q", "", "SELECT :p AS a, '%:p%' AS b", (Parameter("p", "string", "x"),))
    with duckdb.connect() as connection:
        assert connection.execute(query.sql({"p": value})).fetchall() == [(value, f"%{value}%")]


@settings(max_examples=drawn(50))
@given(st.text(NO_NUL), st.text(NO_NUL))
def test_a_value_is_not_searched_for_placeholders(first: str, second: str) -> None:
    parameters = (Parameter("a", "string", "x"), Parameter("b", "string", "x"))
    query = Query("q", "", "SELECT :a, :b, ':a:b'", parameters)
    values = {"a": f":b{first}", "b": f":a{second}"}
    with duckdb.connect() as connection:
        (row,) = connection.execute(query.sql(values)).fetchall()
    assert row == (values["a"], values["b"], values["a"] + values["b"])


def test_what_only_looks_like_a_placeholder_stays() -> None:
    text = "SELECT '1'::integer, ':other', 'it''s :p', :pp, a[1:2] FROM t"
    query = Query("q", "", text, (Parameter("p", "integer", "5"),))
    assert query.sql() == "SELECT '1'::integer, ':other', 'it''s 5', :pp, a[1:2] FROM t"


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(QueryError, match="query q03 has no parameter 'day': it has segment, date"):
        parse_query("q03", SOURCE).sql({"day": "1"})
    with pytest.raises(QueryError, match="it has none"):
        Query("q", "", "SELECT 1").sql({"day": "1"})


def test_a_directory_of_sql_files_is_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.sql").write_text("SELECT 2")
    (tmp_path / "a.sql").write_text("-- first\nSELECT 1")
    (tmp_path / "readme.md").write_text("no query")
    assert [(q.name, q.title, q.text) for q in load_queries(tmp_path)] == [
        ("a", "first", "SELECT 1"),
        ("b", "", "SELECT 2"),
    ]


def test_a_directory_without_queries_is_said(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"no \*\.sql file in"):
        load_queries(tmp_path)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1")
    for name in ("._a.sql", ".sql"):
        (tmp_path / name).write_bytes(b"\x00\xff")
    assert [query.name for query in load_queries(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf-- title\r\nSELECT 1\r\n", "SELECT 1"),
        (b"-- title\rSELECT 1", "SELECT 1"),
        ("-- title\nSELECT 'a\u2028b\x0bc'".encode(), "SELECT 'a\u2028b\x0bc'"),
    ],
    ids=["mark and CRLF", "CR", "no line ends"],
)
def test_files_of_other_systems_are_read(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a.sql").write_bytes(content)
    (query,) = load_queries(tmp_path)
    assert (query.title, query.text) == ("title", text)


def test_a_file_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"SELECT '\xe4'")
    with pytest.raises(QueryError, match=r"a\.sql: byte 8 is not UTF-8; save it as UTF-8"):
        load_queries(tmp_path)
