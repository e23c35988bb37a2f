"""Tables that say more than their files: what is declared, what is refused, what is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import Catalog, Column, Database, DeltaTable, Filter, ParquetTable, table
from neuralake.catalog.describe import describe_table, facts
from neuralake.catalog.identity import table_identity
from neuralake.catalog.views import view_of
from neuralake.config import Settings
from neuralake.errors import CatalogError, SchemaMismatchError
from neuralake.serving.service import Service
from neuralake.writer.destination import find_destination

I64, F64 = pa.int64(), pa.float64()
STORED = (
    Column("i", I64),
    Column("price", pa.decimal128(9, 2)),
    Column("text", pa.string()),
    Column("list", pa.list_(I64)),
    Column("at", pa.timestamp("us")),
)
ROWS = pa.table({"k": [1, 1, 2], "v": [1, 2, 3]})


def computed(expression: Any, kind: pa.DataType = I64, name: str = "c") -> Column:
    return Column(name, kind, expression=expression)


def declare(column: Column) -> DeltaTable:
    return DeltaTable(name="t", location="t", columns=(*STORED, column))


@pytest.mark.parametrize(
    ("expression", "kind", "reason"),
    [
        ("", I64, "has the expression '': expected SQL"),
        (5, I64, "has the expression 5: expected SQL"),
        ("i +", I64, "which is not one of SQL"),
        ("i; DROP TABLE t", I64, "which is not one of SQL"),
        ("i FROM t", I64, "which is not one of SQL"),
        ("i, price", I64, "which is not one of SQL"),
        ("nosuch + 1", I64, "no stored column nosuch: there are i, price"),
        ("I + 1", I64, "no stored column I: there are i"),
        ("t.i", I64, "expected the bare name of a column"),
        ("(SELECT 1)", I64, "is not known to be the same on all engines"),
        ("SUM(i)", I64, "is not known to be the same on all engines: there are columns"),
        ("RANDOM()", F64, "is not known to be the same on all engines"),
        ("CURRENT_TIMESTAMP", pa.timestamp("us"), "is not known to be the same"),
        ("i % 2", I64, "is not known to be the same on all engines"),
        ("i + text", I64, "text is text: expected a number"),
        ("i || text", pa.string(), "i is int64: expected a text"),
        ("i AND TRUE", pa.bool_(), "i is int64: expected a condition"),
        ("i = text", pa.bool_(), "a comparison of int64 and text: expected one type, by CAST"),
        ("i = NULL", pa.bool_(), "a comparison with NULL is never true: say IS NULL"),
        ("list = list", pa.bool_(), "of which only IS NULL can be asked"),
        ("i IS TRUE", pa.bool_(), "expected IS NULL, or IS NOT NULL"),
        ("i IN (SELECT 1)", pa.bool_(), "expected IN with a list of values"),
        ("CASE WHEN i = 1 THEN 1 ELSE 'x' END", I64, "a CASE of int64 and text"),
        ("CAST(text AS BIGINT)", I64, "a CAST of text to BIGINT is not known to be the same"),
        ("CAST(at AS VARCHAR)", pa.string(), "a CAST of timestamp[us] to VARCHAR is not known"),
        ("CAST(i AS SMALLINT)", pa.int16(), "expected BIGINT, DOUBLE"),
        ("DATE '2026-02-30'", pa.date32(), "'2026-02-30' is no date"),
        ("EXTRACT(EPOCH FROM at)", I64, "expected YEAR, QUARTER, MONTH"),
        ("EXTRACT(YEAR FROM i)", I64, "of a date or time"),
        ("SUBSTRING(text, 0, 1)", pa.string(), "start from 1"),
        ("text LIKE text", pa.bool_(), "expected LIKE with a text"),
        ("1e5", F64, "the number 1e5: expected such as 0.05"),
        ("9223372036854775808", I64, "more than 64 bits hold"),
        ("price * price * price * price * price", pa.decimal128(38, 10), "8 of them after the"),
        ("i", F64, "declared as double, and its expression is int64: say CAST(… AS DOUBLE)"),
        ("price", I64, "declared as int64, and its expression is decimal128(9, 2)"),
        ("price * price", pa.decimal128(20, 2), "its expression is decimal128(19, 4)"),
        ("i / 2", I64, "declared as int64, and its expression is double"),
        ("list", pa.list_(I64), "which no expression has"),
        ("at", pa.timestamp("us", "UTC"), "which no expression has"),
    ],
)
def test_an_expression_that_engines_would_not_agree_on_is_refused_as_it_is_declared(
    expression: Any, kind: pa.DataType, reason: str
) -> None:
    with pytest.raises(CatalogError) as raised:
        declare(computed(expression, kind))
    assert reason in str(raised.value)
    assert "column" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_computed_column_is_no_stored_one_and_promises_no_value() -> None:
    with pytest.raises(CatalogError, match="column c is computed, of which nobody checks"):
        Column("c", I64, nullable=False, expression="i")
    with pytest.raises(CatalogError, match="no stored column c"):
        DeltaTable(
            name="t", location="t", columns=(*STORED, computed("i"), computed("c", name="d"))
        )
    with pytest.raises(CatalogError, match="declares column i twice"):
        declare(computed("price", name="i"))


@pytest.fixture
def stored(tmp_path: Path) -> DeltaTable:
    write_deltalake(tmp_path / "t", ROWS)
    return DeltaTable(name="t", location=str(tmp_path / "t"), primary_key=("k",))


DOUBLE = computed("v * 2", name="double")


def test_what_asks_for_stored_rows_alone_is_told(stored: DeltaTable) -> None:
    view = replace(stored, columns=(DOUBLE,))
    for read in (view.files, view.contents):
        with pytest.raises(CatalogError, match="table t is a view, by computed or missing columns"):
            read()
    found = view_of(view)
    assert found is not None
    assert len(found.base.files()) == 1
    assert view_of(stored) is None


def test_filters_reach_the_scan_below(stored: DeltaTable) -> None:
    view = replace(stored, columns=(DOUBLE,))
    plan = view.lazy([Filter("k", "=", 1), Filter("double", ">", 2)], ["double"]).explain()
    assert "SELECTION" in plan
    assert "FILTER" not in plan
    rows = view.lazy([Filter("k", "=", 1), Filter("double", ">", 2)], ["double"]).collect()
    assert rows.rows() == [(4,)]


def test_an_open_schema_refuses_an_expression_when_it_is_read(stored: DeltaTable) -> None:
    view = replace(stored, columns=(computed("nosuch"),))
    for read in (view.check, view.lazy):
        with pytest.raises(CatalogError, match=r"column t\.c: no stored column nosuch"):
            read()
    with pytest.raises(CatalogError, match=r"column t\.v is computed, and stored, too"):
        replace(stored, columns=(computed("k", name="v"),)).check()


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_only_absence_is_forgiven_and_never_another_type(
    kind: str, stored: DeltaTable, tmp_path: Path
) -> None:
    declared = (Column("k", I64), Column("v", I64), Column("more", pa.string()))
    table: DeltaTable | ParquetTable = replace(stored, columns=declared)
    if kind == "parquet":
        pq.write_table(ROWS, tmp_path / "t.parquet")
        place = str(tmp_path / "t.parquet")
        table = ParquetTable(name="t", location=place, columns=declared)
    with pytest.raises(SchemaMismatchError, match="table t has no column more"):
        table.check()
    table = replace(table, missing_columns="null")
    table.check()
    assert table.lazy().collect().to_dict(as_series=False)["more"] == [None] * 3
    assert table.rows() == 3
    other = replace(table, columns=(declared[0], Column("v", F64), declared[2]))
    with pytest.raises(SchemaMismatchError, match=r"column t\.v is int64, declared as double"):
        other.check()
    required = replace(table, columns=(*declared[:2], Column("more", I64, nullable=False)))
    with pytest.raises(SchemaMismatchError, match="no column more, declared as not null"):
        required.check()
    fewer = replace(table, columns=(declared[0], declared[2]))
    with pytest.raises(SchemaMismatchError, match="has a column v that its declaration lacks"):
        fewer.check()
    with pytest.raises(SchemaMismatchError, match="has none of its declared columns"):
        replace(table, columns=(declared[2],), primary_key=()).check()


def test_an_earlier_version_lacks_what_came_later(stored: DeltaTable) -> None:
    write_deltalake(
        stored.uri, pa.table({"k": [9], "v": [9], "w": [9]}), mode="append", schema_mode="merge"
    )
    declared = tuple(Column(name, I64) for name in "kvw")
    table = replace(stored, columns=declared, missing_columns="null")
    assert table.lazy(version=0).collect()["w"].to_list() == [None] * 3
    assert sorted(table.lazy().collect()["w"].drop_nulls().to_list()) == [9]
    with pytest.raises(SchemaMismatchError, match="no column w"):
        replace(table, missing_columns="refuse").lazy(version=0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda t: t.latest("v", key="x").check(), "has no column x for latest; it has k, v"),
        (lambda t: t.latest("x").check(), "has no column x for latest"),
        (lambda t: t.latest(()), "latest by no column"),
        (lambda t: t.latest((1,)), "latest by 1: expected the name of a column"),
        (lambda t: t.latest("v", ties="first"), "ties is 'first': expected 'ordered' or 'any'"),
        (lambda t: replace(t, primary_key=()).latest("v"), "has no primary key: expected latest("),
        (lambda t: replace(t, missing_columns="drop"), "missing_columns is 'drop': expected"),
        (lambda t: replace(t, missing_columns="null"), "no stored column is declared"),
    ],
)
def test_what_cannot_be_is_refused(
    stored: DeltaTable, make: Callable[[DeltaTable], object], reason: str
) -> None:
    with pytest.raises(CatalogError) as raised:
        make(stored)
    assert reason in str(raised.value)


@pytest.mark.parametrize("wrong", [{"by": 3}, {"key": 3}, {"by": [None]}])
def test_names_of_the_newest_are_texts(stored: DeltaTable, wrong: dict[str, Any]) -> None:
    with pytest.raises(CatalogError, match=r"latest by (3|None): expected the name of a column"):
        stored.latest(**{"by": "i", "key": "i"} | wrong)


def test_the_names_of_bases_are_taken() -> None:
    with pytest.raises(
        CatalogError, match="begins with neuralake_base_, as what views are made of"
    ):
        ParquetTable(name="neuralake_base_t", location="t.parquet")


def test_nested_columns_break_no_tie(tmp_path: Path) -> None:
    rows = pa.table({"k": [1, 1], "v": [1, 2], "list": [[1], [2]]})
    write_deltalake(tmp_path / "t", rows)
    table = DeltaTable(name="t", location=str(tmp_path / "t"), primary_key=("k",))
    with pytest.raises(CatalogError, match="by which engines order no rows that tie"):
        table.latest("v").check()
    with pytest.raises(CatalogError, match="latest by column list, which is list"):
        table.latest("list", ties="any").check()
    assert table.latest("v", ties="any").lazy().collect().rows() == [(1, 2, [2])]


def test_latest_is_of_the_version_and_a_table_beside_the_whole_one(
    stored: DeltaTable, settings: Settings
) -> None:
    newest = stored.latest("v", name="newest")
    write_deltalake(stored.uri, pa.table({"k": [1], "v": [9]}), mode="append")
    catalog = Catalog((Database("shop", (stored, newest)),)).resolve(settings)
    assert {name: t.lazy().collect().height for name, t in catalog.tables().items()} == {
        "t": 4,
        "newest": 2,
    }
    assert newest.rows() == 2
    assert sorted(newest.lazy(version=0).collect().rows()) == [(1, 2), (2, 3)]
    assert sorted(newest.lazy().collect().rows()) == [(1, 9), (2, 3)]


def test_the_catalog_tells_of_it(stored: DeltaTable, settings: Settings) -> None:
    view = replace(stored, columns=(DOUBLE,)).latest("v")
    catalog = Catalog((Database("shop", (view,)),)).resolve(settings)
    details = describe_table(catalog, "t")
    assert details.problem is None
    assert [(c.name, c.expression) for c in details.columns] == [
        ("k", None),
        ("v", None),
        ("double", "v * 2"),
    ]
    assert ("newest row", "of each k, by v") in facts(details)
    identity = table_identity(view)
    assert identity["version"] == 0
    assert identity["view"]["columns"] == {"double": "v * 2"}
    assert identity["view"]["latest"] == {"by": ["v"], "key": ["k"], "ties": "ordered"}
    assert "view" not in table_identity(stored)


def test_a_view_is_served_as_it_is_and_never_written(
    stored: DeltaTable, settings: Settings
) -> None:
    newest = replace(stored, columns=(DOUBLE,)).latest("v")
    catalog = Catalog((Database("shop", (newest,)),)).resolve(settings)
    service = Service(catalog)
    answer = service.query("SELECT k, double FROM t ORDER BY k")
    assert pa.Table.from_batches(list(answer), answer.schema).to_pylist() == [
        {"k": 1, "double": 4},
        {"k": 2, "double": 6},
    ]
    assert answer.versions == {"t": 0}
    service.close()
    with pytest.raises(CatalogError, match=r"table t is a view, by computed .* is not written"):
        find_destination("t", catalog, settings)


def test_a_version_that_is_declared_is_served(stored: DeltaTable) -> None:
    write_deltalake(stored.uri, ROWS, mode="append")
    service = Service({"t": stored.as_of(version=0)})
    answer = service.query("SELECT COUNT(*) AS n FROM t")
    assert [batch.column(0).to_pylist() for batch in answer] == [[3]]
    assert answer.versions == {"t": 0}
    service.close()


@table
def rows_of_a_function() -> pa.Table:
    """Rows."""
    return ROWS


def test_a_function_table_is_a_view_likewise() -> None:
    view = replace(rows_of_a_function, columns=(DOUBLE,)).latest("v", key="k")
    expected = [{"k": 1, "v": 2, "double": 4}, {"k": 2, "v": 3, "double": 6}]
    assert view.arrow().sort_by("k").to_pylist() == expected
    assert view.lazy().collect().sort("k").to_dicts() == expected
