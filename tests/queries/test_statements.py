"""What is taken for a query of a workload, and what is refused."""

import pytest

from neuralake.errors import QueryError
from neuralake.queries.query import parse_query


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a;b; DROP TABLE t' AS x -- ; DROP TABLE t",
        "/* DROP; */ select 1 AS x;; -- the end",
        "((SELECT 1 AS x) UNION ALL (VALUES (2)))",
        "WITH a(x) AS (SELECT (1)), update AS (SELECT 2) SELECT * FROM a, update",
        'WITH "drop" AS MATERIALIZED (SELECT 1 AS delete) FROM "drop"',
        "WITH a AS (SELECT $$;$$ AS x), b AS (SELECT replace(x, ';', '') FROM a) TABLE b",
        "FROM t",
        "VALUES (1), (2)",
        "EXPLAIN ANALYZE SELECT i FROM t",
        "DESCRIBE t",
        "SELECT :drop AS x",
    ],
)
def test_a_text_that_asks_is_one(sql: str) -> None:
    assert parse_query("q", sql).text.startswith(sql[:8])


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE t", "q begins with DROP: expected a query, such as SELECT"),
        ("-- all\n(INSERT INTO t VALUES (1))", "q begins with INSERT"),
        ("CREATE OR REPLACE VIEW t AS SELECT 1 AS i", "q begins with CREATE"),
        ("set threads = 1", "q begins with SET"),
        ("COPY t TO 'x.csv'", "q begins with COPY"),
        ("SELECT 1 AS x; SELECT 2 AS x", "q has 2 statements: expected one"),
        ("SELECT 1 AS x;; /* x */ DROP TABLE t;", "q has 2 statements"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "q has INSERT"),
        ("EXPLAIN ANALYZE (DELETE FROM t)", "q has DELETE"),
        ("'SELECT 1'", "q begins with '"),
    ],
)
def test_a_text_that_does_something_is_none(sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse_query("q", sql)
