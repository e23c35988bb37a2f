"""What a catalog may let pass in silence, and this one refuses: rows, columns, types, arguments.

The cases were found where another catalog answers with other rows than were asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import (
    AnyOf,
    Catalog,
    Column,
    Database,
    DeltaTable,
    Filter,
    FunctionTable,
    Not,
    ParquetTable,
    Table,
    table,
)
from neuralake.config import Settings
from neuralake.errors import CatalogError, ConfigError, SchemaMismatchError

NOON = dt.datetime.fromisoformat("2026-01-01 12:00")
ROWS = pa.table(
    {
        "id": [1, 2, 3, 4],
        "name": ["a", "b", None, "a%b"],
        "price": pa.array([Decimal("1.50"), None, Decimal("0.10"), None], pa.decimal128(9, 2)),
        "share": [1.9, 2.5, float("nan"), None],
        "at": pa.array([NOON, None, None, None], pa.timestamp("us")),
        "tags": [["x"], ["y", "z", None], None, []],
        "prices": pa.array([[Decimal("1.50")], [], None, [None]], pa.list_(pa.decimal128(9, 2))),
        "pair": pa.array([[1, 2], [3, None], None, [5, 6]], pa.list_(pa.int32(), 2)),
    }
)
COLUMNS = tuple(Column(field.name, field.type) for field in ROWS.schema)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("silence")
    write_deltalake(place / "delta", ROWS.drop_columns(["pair"]))
    pq.write_table(ROWS, place / "rows.parquet")
    return place


@pytest.fixture(params=["delta", "parquet", "function"])
def rows(request: pytest.FixtureRequest, place: Path) -> Table:
    kinds: dict[str, Callable[[], Table]] = {
        "delta": lambda: DeltaTable(name="t", location=str(place / "delta")),
        "parquet": lambda: ParquetTable(name="t", location=str(place / "rows.parquet")),
        "function": lambda: FunctionTable(name="t", function=lambda: ROWS),
    }
    return kinds[request.param]()


@pytest.mark.parametrize(
    ("column", "operator", "value", "said"),
    [
        # a null that is dropped from the filter, or makes it keep no row
        ("id", "=", None, "a comparison with None is never true: use 'is null'"),
        ("id", "!=", None, "a comparison with None is never true: use 'is null'"),
        ("id", "in", [1, None], "a comparison with None is never true: use 'is null'"),
        ("name", "contains", None, "a comparison with None is never true"),
        ("tags", "includes", None, "a comparison with None is never true"),
        ("name", "is null", True, "takes no value"),
        # a value of another type, which a text of SQL would take for an expression
        ("id", "=", "1 or true", "expected int for a column of type Int64"),
        ("id", "=", "name", "expected int for a column of type Int64"),
        ("id", "=", 1.5, "is of type float: expected int"),
        ("price", "=", 1.5, "expected a finite Decimal or int (a float is not exact)"),
        ("at", "=", dt.date(2026, 1, 1), "expected datetime without a time zone"),
        ("name", "contains", 3, "the value 3 is of type int: expected str"),
        ("tags", "includes", 3, "the value 3 is of type int: expected str"),
        ("name", "includes", "a", "the column is of type String: expected lists"),
        ("id", "contains", "1", "the column is of type Int64: expected strings or bytes"),
        # an operator or a column that is passed over
        ("id", "between", 1, "no such operator"),
        ("id", "in", [], "takes a list of one or more values"),
        ("tags", "includes_any", [], "takes a list of one or more values"),
        ("tags", "includes_all", "xy", "takes a list of one or more values"),
        ("nosuch", "=", 1, "table t has no column nosuch; it has id, name"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(
    rows: Table, column: str, operator: Any, value: object, said: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        rows.lazy([Filter(column, operator, value)], ["id"]).collect()
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (Filter("name", "contains", "%"), [4]),
        (Filter("name", "contains", "("), []),
        (Filter("name", "contains", "' or '1'='1"), []),
        (Filter("at", "=", NOON), [1]),
        (Filter("tags", "includes", "z"), [2]),
        (Filter("tags", "includes_any", ["x", "z"]), [1, 2]),
        (Filter("tags", "includes_all", ["z", "y"]), [2]),
        (Not(Filter("tags", "includes", "x")), [2, 4]),
        (Filter("prices", "includes", Decimal("1.5")), [1]),
        (Filter("prices", "includes", Decimal("1.505")), []),
        (Not(Filter("prices", "includes", Decimal("1.505"))), [1, 2, 4]),
        (Filter("tags", "is null"), [3]),
    ],
    ids=str,
)
def test_a_text_means_itself_and_a_list_its_elements(
    rows: Table, condition: Filter, kept: list[int]
) -> None:
    assert sorted(rows.lazy([condition], ["id"]).collect()["id"]) == kept


def test_arrays_of_one_length_are_lists(place: Path) -> None:
    rows = ParquetTable(name="t", location=str(place / "rows.parquet"))
    for value, kept in ((3, [2]), (6, [4]), (7, [])):
        assert (
            rows.lazy([Filter("pair", "includes", value)], ["id"]).collect()["id"].to_list() == kept
        )


def test_an_empty_group_is_no_condition_that_always_holds() -> None:
    with pytest.raises(CatalogError, match="AnyOf takes a list of one or more conditions"):
        AnyOf([])


def test_a_column_that_is_asked_for_is_there_or_refused(rows: Table) -> None:
    for asked in (["nosuch"], ["id", "nosuch"]):
        with pytest.raises(CatalogError, match="table t has no column nosuch; it has id"):
            rows.lazy(columns=asked)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"share": Column("share", pa.int64())}, "column t.share is double, declared as int64"),
        ({"id": Column("id", pa.int8())}, "column t.id is int64, declared as int8"),
        ({"id": Column("id", pa.string())}, "column t.id is int64, declared as string"),
        ({"at": Column("at", pa.date32())}, "column t.at is timestamp[us], declared as date32"),
        ({"name": None}, "table t has a column name that its declaration lacks"),
        ({"extra": Column("extra", pa.int64())}, "table t has no column extra, declared as int64"),
    ],
)
@pytest.mark.parametrize("kind", [ParquetTable, FunctionTable])
def test_a_declaration_is_held_against_the_rows_and_casts_nothing(
    place: Path, kind: type, changed: dict[str, Column | None], said: str
) -> None:
    declared = {column.name: column for column in COLUMNS} | changed
    columns = tuple(column for column in declared.values() if column is not None)
    if kind is ParquetTable:
        location = str(place / "rows.parquet")
        rows: Table = ParquetTable(name="t", location=location, columns=columns)
    else:
        rows = FunctionTable(name="t", function=lambda: pl.LazyFrame(ROWS), columns=columns)
    with pytest.raises(SchemaMismatchError) as caught:
        rows.lazy([], ["id"])
    assert said.removesuffix("date32") in str(caught.value)


def test_a_word_that_is_no_argument_is_refused() -> None:
    @table
    def few(limit: int = 1) -> pl.LazyFrame:
        return pl.LazyFrame({"a": [1, 2]}).head(limit)

    lake = Catalog((Database("lake", (few,)),))
    assert lake.with_arguments(limit=2).table("few").lazy().collect().height == 2
    assert lake.table("few").lazy().collect().height == 1
    with pytest.raises(CatalogError, match="no table has a parameter limt"):
        lake.with_arguments(limit=2, limt=2)
    with pytest.raises(CatalogError, match="no table has a parameter catalog"):
        lake.with_arguments(catalog=lake)
    with pytest.raises(CatalogError, match="table few has no parameter limt: it has limit"):
        few.with_arguments(limt=2)
    with pytest.raises(TypeError, match="filter"):
        few.lazy(filter=[Filter("a", "=", 1)])  # type: ignore[call-arg]


def test_arguments_reach_every_function_that_has_them() -> None:
    @table
    def a(year: int = 1, month: int = 1) -> pa.Table:
        return pa.table({"v": [year * 100 + month]})

    @table
    def b(catalog: Catalog, year: int = 2) -> pl.LazyFrame:
        return catalog.table("a").lazy().with_columns(own=year)

    given = Catalog((Database("one", (a,)), Database("two", (b,)))).with_arguments(year=9)
    assert given.table("b").lazy().collect().rows() == [(901, 9)]


def test_no_password_comes_into_a_location(settings: Settings) -> None:
    for location in ("s3://ann:secret@bucket/t", "clickhouse://ann:secret@host/db"):
        with pytest.raises((CatalogError, ConfigError)) as caught:
            DeltaTable(name="t", location=location).resolve(settings)
        assert "secret" not in str(caught.value)
