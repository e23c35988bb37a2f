"""Which statements may run in the server itself: what is not known to be small does not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from neuralake.serving.light import is_light_plan, may_be_light
from neuralake.serving.prepared import InMemory, make_context, plan

LIGHT = [
    "SELECT 1",
    "SELECT * FROM t WHERE n = 7",
    "select n, count(*), sum(x) from t where x > 1.5 and n in (1, 2) group by n order by 2 desc",
    'SELECT "n" FROM "t" WHERE (n > $1 OR x IS NULL) LIMIT 10 OFFSET 5',
    "SELECT CAST(n AS VARCHAR), coalesce(x, 0) FROM t AS a WHERE s LIKE 'a%' AND s <> 'it''s'",
    "SELECT DISTINCT date_trunc('day', d) FROM t HAVING max(n) > 3",
    "SELECT CASE WHEN n > 1 THEN upper(s) ELSE lower(s) END FROM t;",
]
HEAVY = [
    "SELECT repeat('x', 2000000000)",
    "SELECT \"repeat\"('x', 2000000000)",
    "SELECT repeat ('x', 2000000000)",
    "SELECT 1 -- '\n, repeat('x', 2000000000) --'",
    "SELECT 1 /* ' */, repeat('x', 2000000000) /* ' */",
    "SELECT E'\\'', repeat('x', 2000000000), '' FROM t",
    "SELECT e'\\'', repeat('x', 2000000000), ''",
    "SELECT $$'$$, repeat('x', 2000000000), $$'$$",
    "SELECT `a`, repeat('x', 2000000000)",
    "SELECT s || s FROM t",
    "SELECT [1, 2]",
    "SELECT * FROM (SELECT * FROM t)",
    "SELECT * FROM t WHERE n IN (SELECT n FROM t)",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "SELECT * FROM generate_series(1, 1000000000)",
    "SELECT row_number() OVER (ORDER BY n) FROM t",
    "SELECT 1 UNION ALL SELECT 2",
    "VALUES (1)",
    "EXPLAIN SELECT 1",
    "INSERT INTO t SELECT 1",
    "SELECT " + "(" * 20 + "1" + ")" * 20,
    "SELECT " + "+".join(["1"] * 400),
    "SELECT '" + "x" * 5000 + "'",
    "SELECT 'unfinished",
    "",
]


@pytest.mark.parametrize("sql", LIGHT)
def test_light(sql: str) -> None:
    assert may_be_light(sql)


@pytest.mark.parametrize("sql", HEAVY, ids=lambda sql: sql[:40])
def test_not_light(sql: str) -> None:
    assert not may_be_light(sql)


@pytest.mark.parametrize(
    ("sql", "is_light"),
    [
        ("SELECT n, count(*) FROM t WHERE n > 1 GROUP BY n ORDER BY n LIMIT 3", True),
        ("SELECT DISTINCT n AS m FROM t AS a", True),
        ("SELECT a.n FROM t a, t b", False),
        ("SELECT a.n FROM t a JOIN t b ON a.n = b.n", False),
        ("SELECT a.n FROM t a NATURAL JOIN t b", False),
    ],
)
def test_a_plan_is_light_that_reads_one_table_once(sql: str, is_light: bool) -> None:
    context = make_context(1, 1 << 28)
    rows = pa.record_batch({"n": np.arange(3)})
    InMemory(rows.schema, (rows,), 3, 24).register(context, "t")
    assert is_light_plan(plan(context, sql, ()).logical_plan().display_indent()) is is_light


def test_what_is_at_the_bounds_of_light_breaks_nothing_here() -> None:
    context = make_context(1, 1 << 28)
    rows = pa.record_batch({"n": np.arange(3)})
    InMemory(rows.schema, (rows,), 3, 24).register(context, "t")
    for sql in (
        "SELECT " + "+".join(["n"] * 140) + " AS m FROM t",
        "SELECT n FROM t WHERE " + " OR ".join(["n=1"] * 70),
        "SELECT " + "-" + "(-" * 7 + "n" + ")" * 7 + " AS m FROM t",
        "SELECT n FROM t WHERE n IN (" + ",".join(map(str, range(140))) + ")",
    ):
        assert may_be_light(sql)
        assert plan(context, sql, ()).to_arrow_table().num_rows > 0
