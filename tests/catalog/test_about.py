"""Documentation of a table: what may be said, where it is shown, and who is warned."""

from __future__ import annotations

import datetime as dt
import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake import bench, open_catalog
from neuralake.arms.agent import Agent
from neuralake.catalog import (
    About,
    AdbcTable,
    Catalog,
    Column,
    Database,
    DeltaTable,
    Deprecated,
    DeprecatedTableWarning,
    Filter,
    FunctionTable,
    ParquetTable,
    table,
)
from neuralake.catalog.about import condition
from neuralake.catalog.describe import describe_table, facts, list_tables
from neuralake.catalog.filters import AllOf, AnyOf, Condition, Not, Where
from neuralake.config import Settings
from neuralake.errors import CatalogError
from neuralake.queries.own import given_queries, given_workload
from neuralake.shell.start import namespace
from neuralake.writer.destination import find_destination
from tests.conftest import Cli

WHOLE = About(
    owner="shop@example.org",
    source="The shop's till.",
    freshness=dt.timedelta(hours=26),
    example_filters=(Filter("id", ">", 3), Filter("name", "=", "O'Hara")),
    notebook="https://example.org/orders.ipynb",
    deprecated=Deprecated("Counts returns twice.", successor="sales"),
)
COLUMNS = (Column("id", pa.int64()), Column("name", pa.string(), sensitive=True))
CATALOG = """
import pyarrow as pa
from neuralake.catalog import About, Deprecated, ParquetTable

old = ParquetTable(
    name="old", location="old.parquet", about=About(deprecated=Deprecated("Too slow.", "new")))
new = ParquetTable(name="new", location="new.parquet")
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURALAKE_STORAGE_ROOT", str(tmp_path))
    monkeypatch.setenv("NEURALAKE_RESULTS_ROOT", str(tmp_path / "results"))
    monkeypatch.setenv("NEURALAKE_LOCK_FILE", str(tmp_path / "lock"))
    for name in ("old", "new"):
        pq.write_table(pa.table({"id": [1, 2]}), tmp_path / f"{name}.parquet")
    (tmp_path / "catalog.py").write_text(CATALOG)
    return tmp_path


@table(columns=COLUMNS, about=WHOLE)
def made() -> pa.Table:
    """A row a sale."""
    return pa.table({"id": [1], "name": ["x"]})


def test_every_kind_of_table_has_it() -> None:
    assert made.about == WHOLE
    for kind in (DeltaTable, ParquetTable):
        found = kind(name="orders", location="orders", columns=COLUMNS, about=WHOLE)
        assert found.about == WHOLE
        assert pickle.loads(pickle.dumps(found)).about == WHOLE  # an engine has its own process
        assert kind(name="orders", location="orders").about == About()
    assert isinstance(made, FunctionTable)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"owner": 3}, "the owner 3: expected a text"),
        ({"freshness": 3600}, "the freshness 3600: expected a time greater than 0"),
        ({"freshness": dt.timedelta(0)}, "expected a time greater than 0"),
        ({"freshness": dt.timedelta.max}, "and of 100 years at most"),
        ({"example_filters": "day > 3"}, "expected a tuple of filters"),
        ({"example_filters": ("day > 3",)}, "expected a tuple of filters"),
        ({"notebook": "javascript:alert(1)"}, "expected an https:// address or a path"),
        ({"notebook": " data:text/html,x"}, "expected an https:// address or a path"),
        ({"deprecated": "old"}, "expected such as Deprecated("),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_declared(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(CatalogError) as error:
        About(**wrong)
    assert told in str(error.value)


def test_deprecation_has_a_reason() -> None:
    with pytest.raises(CatalogError, match="expected why"):
        Deprecated(" ")
    with pytest.raises(CatalogError, match="expected the name of a table"):
        Deprecated("old", successor=3)  # type: ignore[arg-type]
    assert str(Deprecated("Too slow.")) == "Too slow."
    assert str(Deprecated("Too slow.", "fast")) == "Too slow; use fast"


def test_an_example_filter_names_a_declared_column() -> None:
    about = About(example_filters=(Filter("day", "is null"),))
    with pytest.raises(CatalogError, match="an example filter names column day, which is not"):
        ParquetTable(name="orders", location="orders", columns=COLUMNS, about=about)
    with pytest.raises(CatalogError, match="about is 'a text': expected About"):
        ParquetTable(name="orders", location="orders", about="a text")  # type: ignore[arg-type]
    assert ParquetTable(name="orders", location="orders", about=about).about == about  # open


@pytest.mark.parametrize(
    ("example", "text"),
    [
        (Filter("n", "<=", Decimal("1.50")), "n <= 1.50"),
        (Filter("n", "in", [1, 2]), "n IN (1, 2)"),
        (Filter("n", "is not null"), "n IS NOT NULL"),
        (Filter("t", "=", "it's"), "t = 'it''s'"),
        (Filter("d", ">", dt.date(2026, 5, 1)), "d > DATE '2026-05-01'"),
        (Filter("d", ">", dt.datetime(2026, 5, 1, 3)), "d > TIMESTAMP '2026-05-01 03:00:00'"),  # noqa: DTZ001
        (Filter("b", "=", value=True), "b = TRUE"),
        (Filter("t", "contains", "it's"), "t LIKE '%it''s%'"),
        (Filter("t", "starts_with", "5%"), "t starts_with '5%'"),
        (Filter("l", "includes", "x"), "l includes 'x'"),
        (Filter("l", "includes_any", ["x"]), "l includes_any ('x',)"),
        (AnyOf([Filter("n", "=", 1), Not(Filter("t", "is null"))]), "(n = 1) OR (NOT (t IS NULL))"),
        (AllOf([Filter("n", "=", 1), Where("t LIKE 'A%'")]), "(n = 1) AND (t LIKE 'A%')"),
    ],
)
def test_a_filter_is_shown_as_sql(example: Condition, text: str) -> None:
    assert condition(example) == text


def test_it_is_listed_and_shown(tmp_path: Path, settings: Settings) -> None:
    orders = ParquetTable(name="orders", location="orders", columns=COLUMNS, about=WHOLE)
    catalog = Catalog((Database("shop", (orders,)),)).resolve(settings)
    (listed,) = list_tables(catalog)
    assert (listed.owner, listed.deprecated) == ("shop@example.org", "Counts returns twice.")
    details = describe_table(catalog, "orders")
    assert [column.is_sensitive for column in details.columns] == [False, True]
    shown = dict(facts(details))
    assert shown["promised freshness"] == "1 d 2 h"
    assert shown["example filters"] == "id > 3; name = 'O''Hara'"
    assert shown["successor"] == "sales"


def test_who_uses_a_deprecated_table_in_python_is_warned_at_his_own_line(shop: Path) -> None:
    catalog = open_catalog(shop / "catalog.py")
    told = "table old is deprecated: Too slow; use new"
    (database,) = catalog.catalog.databases
    for use in (
        lambda: catalog.table("old"),
        catalog[database.name].old.lazy,
        lambda: catalog[database.name]["old"].lazy([Filter("id", "=", 1)], ["id"]),
        lambda: namespace(catalog, "polars")["sql"]("SELECT * FROM old"),
        lambda: catalog.roapi_configuration(tables=["old"]),
        lambda: given_workload("q", given_queries({"q": "SELECT id FROM old"}), catalog.tables()),
        lambda: catalog.sql("SELECT * FROM old"),
        lambda: catalog.explain("SELECT * FROM old"),
        lambda: bench({"q": "SELECT id FROM old"}, catalog=catalog, engines="polars", runs=1),
    ):
        with pytest.warns(DeprecatedTableWarning) as warned:
            use()
        assert [str(warning.message) for warning in warned] == [told]
        assert warned[0].filename == __file__


@pytest.mark.parametrize("kind", ["delta", "parquet", "function", "adbc"])
def test_a_table_that_is_asked_itself_warns_of_itself(kind: str, shop: Path) -> None:
    about = About(deprecated=Deprecated("Too slow."))
    found: DeltaTable | ParquetTable | FunctionTable | AdbcTable
    if kind == "delta":
        write_deltalake(shop / "t", pa.table({"id": [1]}))
        found = DeltaTable(name="t", location=str(shop / "t"), about=about)
    elif kind == "parquet":
        found = ParquetTable(name="t", location=str(shop / "old.parquet"), about=about)
    elif kind == "function":
        found = FunctionTable(name="t", function=lambda: pa.table({"id": [1]}), about=about)
    else:
        with closing(sqlite3.connect(shop / "t.db")) as database:
            database.execute("CREATE TABLE t (id INTEGER)")
        found = AdbcTable(name="t", database=str(shop / "t.db"), driver="sqlite", about=about)
    double = Column("double", pa.int64(), expression="id * 2")
    for asked in (found, *([] if kind == "adbc" else [replace(found, columns=(double,))])):
        with pytest.warns(DeprecatedTableWarning) as warned:
            asked.lazy()
        assert [str(warning.message) for warning in warned] == ["table t is deprecated: Too slow."]
        assert warned[0].filename == __file__


def test_a_writer_to_it_is_warned(shop: Path, settings: Settings) -> None:
    old = DeltaTable(name="old", location="old", about=About(deprecated=Deprecated("Too slow.")))
    catalog = Catalog((Database("shop", (old,)),)).resolve(settings)
    with pytest.warns(DeprecatedTableWarning, match="table old is deprecated"):
        find_destination("old", catalog, settings)


def test_each_arm_of_a_comparison_says_it(shop: Path) -> None:
    (shop / "queries").mkdir()
    (shop / "queries/all.sql").write_text("SELECT id FROM old ORDER BY id")
    with pytest.warns(DeprecatedTableWarning):
        loaded = Agent().load(None, str(shop / "queries"), str(shop / "catalog.py"))
    assert loaded["deprecations"] == ["table old is deprecated: Too slow; use new"]


def test_who_does_not_use_it_is_not_warned(shop: Path) -> None:
    catalog = open_catalog(shop / "catalog.py")
    catalog.table("new")
    catalog.check()
    assert catalog.sql("SELECT id FROM new").num_rows == 2
    assert list(catalog.tables()) == ["old", "new"]


def test_the_command_line_says_it_in_a_line(shop: Path, typed: Cli) -> None:
    environment = {"NEURALAKE_STORAGE_ROOT": str(shop)}
    own = ("--catalog", "catalog.py")
    asked = typed("query", "SELECT id FROM old", *own, "--format", "csv", environment=environment)
    assert asked.stderr == "neuralake: table old is deprecated: Too slow; use new\n"
    assert asked.stdout.split() == ['"id"', "1", "2"]
    other = typed("query", "SELECT id FROM new", *own, environment=environment)
    assert (other.returncode, other.stderr) == (0, "")
    (shop / "queries").mkdir()
    (shop / "queries/all.sql").write_text("SELECT id FROM old ORDER BY id")
    run = ("bench", "--workload", "queries", *own, "--engines", "polars", "--runs", 1)
    measured = typed(*run, environment=environment)
    assert measured.returncode == 0
    assert measured.stderr.count("table old is deprecated: Too slow; use new") == 1
    checks = ("--engines", "polars", "--only", "table", "--json")
    verified = typed("verify", *own, *checks, environment=environment)
    assert verified.stderr == "neuralake: table old is deprecated: Too slow; use new\n"
    shown = typed("catalog", "show", "old", *own, environment=environment)
    assert (shown.returncode, shown.stderr) == (0, "")
