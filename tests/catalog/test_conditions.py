"""Groups of conditions and conditions in SQL: what SQL keeps, typed, and in the scan."""

import datetime as dt
import re
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.catalog import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    FunctionTable,
    Not,
    ParquetTable,
    Where,
)
from neuralake.errors import CatalogError

ROWS = pa.table(
    {
        "id": range(5),
        "name": ["Ann", "Bob", None, "Änne", "50% off_"],
        "amount": pa.array(
            [Decimal("1.50"), None, Decimal(2), Decimal(-1), Decimal(0)], pa.decimal128(9, 2)
        ),
        "day": [dt.date(2026, 5, 1), dt.date(2026, 5, 2), None, None, dt.date(2026, 6, 1)],
        "paid": [True, False, None, True, False],
        "at": pa.array([dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)] * 5, pa.timestamp("us", "UTC")),
    }
)
SALES = FunctionTable(name="sales", function=lambda: ROWS)

NUMBERS = st.none() | st.integers(-2, 2)


def kept(*conditions: Condition) -> list[int]:
    return SALES.lazy(conditions, ["id"]).collect()["id"].to_list()


def in_sql(condition: Condition) -> str:
    """A condition of numbers, which differs from SQL by how decimals and lists are shown."""
    numbers = re.sub(r"Decimal\('([^']*)'\)", r"\1", str(condition))
    return numbers.replace(",)", ")")


def by_sqlite(rows: Sequence[tuple[Any, ...]], where: str) -> list[int]:
    """The oracle: what SQL keeps."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (row INTEGER, a INTEGER, b INTEGER)")
        database.executemany(
            "INSERT INTO t VALUES (?, ?, ?)", [(i, *r) for i, r in enumerate(rows)]
        )
        found = database.execute(f"SELECT row FROM t WHERE {where} ORDER BY row").fetchall()
    database.close()
    return [row[0] for row in found]


# Of bytes, and of decimals with a digit after the point: some values are none of theirs
VALUES = {
    "a": st.integers(-2, 2) | st.sampled_from([-(10**6), 10**6]),
    "b": st.sampled_from(
        [Decimal(text) for text in ("-1000000", "-0.25", "0", "0.5", "1", "1.25")]
    ),
}
LEAVES = st.one_of(
    [
        st.builds(Filter, st.just(name), operator, value)
        for name, values in VALUES.items()
        for operator, value in (
            (st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values),
            (st.sampled_from(["in", "not in"]), st.lists(values, min_size=1, max_size=2)),
        )
    ]
) | st.builds(Filter, st.sampled_from("ab"), st.sampled_from(["is null", "is not null"]))
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(AllOf, st.lists(parts, min_size=1, max_size=3))
        | st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3))
    ),
    max_leaves=6,
)


@given(condition=CONDITIONS, rows=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=6))
def test_groups_keep_what_sql_keeps_and_can_be_said_in_sql(
    condition: Condition, rows: list[tuple[Any, ...]]
) -> None:
    given = pa.table(
        {
            "row": pa.array(range(len(rows)), pa.int64()),
            "a": pa.array([row[0] for row in rows], pa.int8()),
            "b": pa.array([row[1] for row in rows], pa.decimal128(5, 1)),
        }
    )
    table = FunctionTable(name="t", function=lambda: given)
    sql = in_sql(condition)
    expected = by_sqlite(rows, sql)
    assert table.lazy([condition]).collect()["row"].to_list() == expected
    assert table.lazy([Where(sql)]).collect()["row"].to_list() == expected


@pytest.mark.parametrize(
    ("sql", "ids"),
    [
        ("amount >= 1.50 AND name LIKE 'A%'", [0]),
        ("amount > 1.499999999999999999999", [0, 2]),
        ("1.5 <= amount", [0, 2]),
        ("amount IN (-1, 2e0)", [2, 3]),
        ("name NOT LIKE '%b'", [0, 3, 4]),
        ("name LIKE '%n%'", [0, 3]),
        ("name LIKE '%'", [0, 1, 3, 4]),
        ("CONTAINS(name, '% off_')", [4]),
        ("STARTS_WITH(name, 'Ä') OR ENDS_WITH(name, 'ob')", [1, 3]),
        ("day BETWEEN DATE '2026-05-01' AND '2026-05-31'", [0, 1]),
        ("day NOT IN ('2026-05-01')", [1, 4]),
        ("day IS NULL AND paid", [3]),
        ("NOT paid", [1, 4]),
        ("paid = FALSE AND NOT (amount IS NULL)", [4]),
        ("at = TIMESTAMP '2026-05-01 14:00:00+02:00' AND id < 2", [0, 1]),
        ('sales.id = 3 /* a comment */ OR "id" = 4 -- and another', [3, 4]),
        (" OR ".join(f"id = {i}" for i in range(3, 1500)), [3, 4]),
    ],
)
def test_sql_is_read_by_the_types_of_the_columns(sql: str, ids: list[int]) -> None:
    assert kept(Where(sql)) == ids
    assert kept(AnyOf([Where(sql), Filter("id", "=", -1)])) == ids


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "lower(name) = 'ann'",
            r"table sales: \"LOWER\(name\) = 'ann'\" is not read in an SQL condition",
        ),
        (
            "amount + 1 > 2",
            "is not read in an SQL condition: expected columns compared with values",
        ),
        ("id = amount", "is not read"),
        ("1 = 1", "is not read"),
        ("id IN (SELECT 1)", "is not read"),
        ("id <=> 1", "is not read"),
        ("name ILIKE 'a%'", "is not read"),
        ("name LIKE 'x!%' ESCAPE '!'", "is not read"),
        ("CAST(id AS TEXT) = '1'", "is not read"),
        ("orders.id = 1", "'orders.id' is not read"),
        ("DROP TABLE sales", "is not read"),
        ("name LIKE 'A_n'", "LIKE 'A_n' is not read: expected % at the beginning or the end only"),
        ("name LIKE 3", "'name LIKE 3' is not read"),
        ("nosuch = 1", "table sales has no column nosuch; it has id, name"),
        ("ID = 1", "table sales has no column ID"),
        ("id = '1'", "filter sales.id =: the value '1' is of type str: expected int"),
        ("id > 1.5", "expected int"),
        ("id = 1e999999999", "expected int"),
        ("id = NULL", "a comparison with None is never true: use 'is null'"),
        ("id IN (1, NULL)", "a comparison with None is never true"),
        ("id", "the value True is of type bool: expected int"),
        ("name = DATE '2026-05-01'", "is of type datetime: expected str"),
        ("day > 'yesterday'", "the value 'yesterday' is of type str: expected date"),
        ("at > '2026-05-01 12:00:00'", "expected datetime with a time zone"),
    ],
)
def test_what_sql_cannot_say_exactly_of_every_table_is_refused(sql: str, message: str) -> None:
    condition = Where(sql)
    with pytest.raises(CatalogError, match=message) as refused:
        SALES.lazy([condition])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "there are 0 statements: expected one condition"),
        ("id = 1; DROP TABLE sales", "there are 2 statements"),
        ("id >", "cannot be read: "),
        ("(" * 3000 + "id" + ")" * 3000, "cannot be read: "),
        (3, "an SQL condition is a text, but was given 3"),
    ],
)
def test_what_is_no_sql_condition_is_refused_where_it_is_written(sql: Any, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as refused:
        Where(sql)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AnyOf([]), r"AnyOf takes a list of one or more conditions, but was given \[\]"),
        (lambda: AllOf(Filter("id", "=", 1)), "AllOf takes a list"),  # type: ignore[arg-type]
        (lambda: AnyOf(["id = 1"]), "AnyOf takes conditions such as Filter"),  # type: ignore[list-item]
        (lambda: Not("id = 1"), "Not takes conditions such as Filter"),  # type: ignore[arg-type]
        (lambda: SALES.lazy(["id = 1"]), r"a filter is 'id = 1': expected such as"),  # type: ignore[list-item]
        (lambda: SALES.lazy(Filter("id", "=", 1)), r"filters are a list: expected \[id = 1\]"),  # type: ignore[arg-type]
        (lambda: kept(AnyOf([Filter("nosuch", "=", 1)])), "has no column nosuch"),
        (lambda: kept(Not(Filter("id", "=", "1"))), "filter sales.id =: .* expected int"),
        (lambda: kept(Filter("id", "contains", "1")), "of type Int64: expected strings or bytes"),
        (lambda: kept(Filter("name", "starts_with", 1)), "of type int: expected str"),
        (lambda: kept(Filter("name", "ends_with", None)), "a comparison with None is never true"),
    ],
)
def test_a_group_that_means_nothing_is_refused(make: Any, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        make()


def test_a_group_does_not_change_with_the_list_it_was_given() -> None:
    parts: list[Condition] = [Filter("id", "=", 1)]
    group = AnyOf(parts)
    parts.append(Filter("id", "=", 2))
    assert group.conditions == (Filter("id", "=", 1),)
    assert hash(group) == hash(AnyOf([Filter("id", "=", 1)]))


@pytest.mark.parametrize(
    "condition",
    [
        Filter("name", "contains", "n"),
        Filter("name", "starts_with", "A"),
        Filter("name", "ends_with", "n"),
        AnyOf([Filter("id", "=", 1), AllOf([Filter("id", ">", 2), Filter("paid", "=", True)])]),
        Not(Filter("day", "in", [dt.date(2026, 5, 1)])),
        Where("amount > 1 OR name LIKE '%b'"),
    ],
    ids=str,
)
def test_every_condition_is_in_the_scan(condition: Condition, tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    table = ParquetTable(name="sales", location=str(tmp_path / "rows.parquet"))
    plan = table.lazy([condition], ["id"]).explain()
    assert "Parquet SCAN" in plan
    assert "SELECTION: " in plan
    assert "FILTER" not in plan


def test_a_prefix_passes_over_row_groups(tmp_path: Path) -> None:
    """Its bounds are in the condition, which statistics can be held against."""
    names = [f"{letter}{i:04}" for letter in "abc" for i in range(100)]
    pq.write_table(pa.table({"name": names}), tmp_path / "rows.parquet", row_group_size=100)
    table = ParquetTable(name="names", location=str(tmp_path / "rows.parquet"))
    plan = table.lazy([Filter("name", "starts_with", "b")]).explain()
    assert '>= "b"' in plan
    assert '< "c"' in plan
