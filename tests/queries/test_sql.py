"""SQL text cut into comments, strings, names and placeholders, and the tables that it reads."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuralake.queries import sql as reading
from neuralake.queries.query import Parameter, Query
from neuralake.queries.sql import output_names, table_names, tokens

DAY = Parameter("day", "date", "2026-05-01")
LITERAL = "DATE '2026-05-01'"


def kinds(sql: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens(sql) if token.kind != "other"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a -- don't\nb 'x'", [("comment", "-- don't"), ("string", "'x'")]),
        ("a -- b\rc", [("comment", "-- b")]),
        ("/* it's */ 'x'", [("comment", "/* it's */"), ("string", "'x'")]),
        ("/* a /* b */ ' */ 'x'", [("comment", "/* a /* b */ ' */"), ("string", "'x'")]),
        ("'-- /* it''s' -- x", [("string", "'-- /* it''s'"), ("comment", "-- x")]),
        ("\"it's\" 'x'", [("quoted name", '"it\'s"'), ("string", "'x'")]),
        ('"a""\'" `b``"`', [("quoted name", '"a""\'"'), ("quoted name", '`b``"`')]),
        ("'a\\' 'b'", [("string", "'a\\'"), ("string", "'b'")]),
        ("e'it\\'s' 'x'", [("string", "e'it\\'s'"), ("string", "'x'")]),
        ("date'x' E'\\\\'", [("string", "'x'"), ("string", "E'\\\\'")]),
        ("$$it's :p$$ :p", [("dollar string", "$$it's :p$$"), ("placeholder", ":p")]),
        ("$a$ $b$ ' $a$", [("dollar string", "$a$ $b$ ' $a$")]),
        ("a::int, :p::int", [("placeholder", ":p")]),
        ("x:=:p", [("placeholder", ":p")]),
        ("a[1:2], $1, a$$b", []),
        ("'unfinished :p", [("string", "'unfinished :p")]),
        ("/* unfinished :p", [("comment", "/* unfinished :p")]),
    ],
)
def test_a_text_is_cut_where_the_engines_cut_it(sql: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(sql) == expected


SQL_LIKE = st.lists(
    st.sampled_from([*"'\"`$-/*\\:;eEx1 \n\r[]é", "--", "/*", "*/", "::", ":p", "$$", "$a$"]),
    max_size=30,
).map("".join)


@given(st.text() | SQL_LIKE)
@example("E'\\")
def test_tokens_are_the_text(sql: str) -> None:
    assert "".join(token.text for token in tokens(sql)) == sql


@given(SQL_LIKE)
def test_without_parameters_a_text_stays_as_it_is(sql: str) -> None:
    assert Query("q", "", sql).sql() == sql


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 -- don't\nWHERE d = :day", f"SELECT 1 -- don't\nWHERE d = {LITERAL}"),
        ("/* it's */ :day", f"/* it's */ {LITERAL}"),
        ('SELECT "it\'s", :day', f'SELECT "it\'s", {LITERAL}'),
        ("SELECT `it's`, :day", f"SELECT `it's`, {LITERAL}"),
        ("-- of :day\n/* :day */ :day", f"-- of :day\n/* :day */ {LITERAL}"),
        ('":day", `:day`', '":day", `:day`'),
        ("$$ :day's $$, :day", f"$$ :day's $$, {LITERAL}"),
        (":day::text, x::day", f"{LITERAL}::text, x::day"),
        ("'on :day', 'it''s :day'", "'on 2026-05-01', 'it''s 2026-05-01'"),
        (":daylight, :Day, :day_", ":daylight, :Day, :day_"),
        ("a\t:day\r\n\u2028", f"a\t{LITERAL}\r\n\u2028"),
    ],
)
def test_only_placeholders_are_replaced(text: str, expected: str) -> None:
    assert Query("q", "", text, (DAY,)).sql() == expected


# DuckDB turns spaces of Unicode into plain ones in such a string
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs", "Zs", "Cf"])))
def test_a_value_stays_within_a_string_with_escapes(value: str) -> None:
    query = Query("q", "", "SELECT e'\\':p\\n'", (Parameter("p", "string", "x"),))
    with duckdb.connect() as connection:
        assert connection.execute(query.sql({"p": value})).fetchall() == [(f"'{value}\n",)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM Orders o JOIN lines USING (id)", {"orders", "lines"}),
        ('SELECT * FROM "Orders", `order lines`', {"Orders", "order lines"}),
        ("SELECT a FROM t WHERE b IN (SELECT c FROM u) AND EXISTS (SELECT 1 FROM v)", set("tuv")),
        ("SELECT 1 -- FROM nowhere, don't\nFROM t /* JOIN u */", {"t"}),
        ("SELECT 'FROM u', \"FROM v\" FROM t", {"t"}),
        ("SELECT orders AS lines FROM t", {"t"}),
        ("SELECT EXTRACT(YEAR FROM d), TRIM(BOTH ' ' FROM s) FROM t", {"t"}),
        ("WITH a AS (SELECT * FROM t) SELECT * FROM A", {"t"}),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", {"a"}),
        ("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b", set()),
        ("WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b", {"a"}),
        ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r) SELECT * FROM r", set()),
        ("SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c), c", {"c"}),
        ("WITH a AS (SELECT 1) SELECT * FROM main.a", {"a"}),
        ("WITH a AS (SELECT 1) SELECT (SELECT MAX(x) FROM a) FROM t", {"t"}),
        ("SELECT * FROM t UNION ALL (SELECT * FROM u EXCEPT SELECT * FROM v)", set("tuv")),
        ("SELECT * FROM range(10), UNNEST([1, 2]), (VALUES (1)) AS v", set()),
        ("FROM t", {"t"}),
        ("TABLE t", {"t"}),
        ("PIVOT t ON a USING SUM(b)", {"t"}),
        ("SELECT * FROM t LATERAL VIEW explode(x) e AS y", {"t"}),
        ("SELECT * FROM a LEFT ANTI JOIN b ON a.x = b.x", {"a", "b"}),
        ("SELECT e'a\\'b', $$ ' $$ FROM t; SELECT 1 FROM u;", {"t", "u"}),
        ("SELECT 1", set()),
    ],
)
def test_the_tables_of_a_text_are_known(sql: str, expected: set[str]) -> None:
    assert table_names(sql) == frozenset(expected)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT FROM WHERE (",
        "SELEC 1 FROM t",
        "EXPLAIN SELECT * FROM t",
        "SHOW TABLES",
        "SELECT * FROM query_table('t')",
        "SELECT * FROM query('SELECT * FROM t')",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    ],
)
def test_a_text_that_cannot_be_read_may_use_any_table(
    sql: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert table_names(sql) is None
    assert not caplog.records
    assert not logging.getLogger("sqlglot").filters


def test_of_two_threads_that_read_at_once_neither_leaves_the_other_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither the one that begins first, nor the one that ends last."""
    one, other = reading._quiet(), reading._quiet()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        first.submit(one.__enter__).result()
        second.submit(other.__enter__).result()
        first.submit(one.__exit__, None, None, None).result()
        logger = logging.getLogger("sqlglot")
        second.submit(logger.warning, "of no use").result()
        assert not caplog.records
        second.submit(other.__exit__, None, None, None).result()
        second.submit(logger.warning, "of use").result()
    assert [record.message for record in caplog.records] == ["of use"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT a, b AS c, t.d, "E f" FROM t ORDER BY g', ("a", "c", "d", "E f")),
        ("WITH x AS (SELECT 1 AS a) SELECT a AS b FROM x", ("b",)),
        ("SELECT a FROM t UNION ALL SELECT b FROM u", ("a",)),
        ("(SELECT a FROM t) LIMIT 1", ("a",)),
        ("SELECT * FROM t", None),
        ("SELECT t.*, a FROM t", None),
        ("SELECT a, COUNT(*) FROM t GROUP BY a", None),
        ("FROM t", None),
        ("SELECT FROM (", None),
        ("SELECT 1 AS a; SELECT 2 AS b", None),
    ],
)
def test_the_names_of_columns_are_known_where_the_text_says_them(
    sql: str, expected: tuple[str, ...] | None
) -> None:
    assert output_names(sql) == expected


@given(st.text() | SQL_LIKE)
def test_any_text_has_tables_or_none_known(sql: str) -> None:
    names = table_names(sql)
    assert names is None or all(isinstance(name, str) for name in names)
