"""What is found out of each table: statistics, versions, rows, costs, and why something is not."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable as Lake
from deltalake import write_deltalake

from neuralake.catalog import Catalog, Column, Database, DeltaTable, Filter, ParquetTable
from neuralake.catalog.columns import arrow_schema
from neuralake.config import Settings
from neuralake.results.store import RunStore
from neuralake.site.costs import costs_by_uri
from neuralake.site.facts import CatalogFacts, FieldFacts, TableFacts
from neuralake.site.gather import gather
from neuralake.site.write import catalog_document
from tests.conftest import run_bench
from tests.site.conftest import NASTY


def told(catalog: Catalog, sample_rows: int = 5) -> CatalogFacts:
    return gather(
        catalog, title="Shop", source="c.py", now=dt.datetime.now(dt.UTC), sample_rows=sample_rows
    )


def one(table: DeltaTable | ParquetTable, tmp_path: Path) -> TableFacts:
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(tmp_path)})
    (found,) = told(Catalog((Database("shop", (table,)),)).resolve(settings)).tables
    return found


@pytest.fixture(scope="module")
def facts(lake: tuple[Path, Catalog]) -> dict[str, TableFacts]:
    return {table.name: table for table in told(lake[1]).tables}


def test_a_delta_table_is_told_of_by_its_log(facts: dict[str, TableFacts]) -> None:
    orders = facts["orders"]
    assert (orders.version, orders.rows, orders.files) == (1, 3, 2)
    assert orders.bytes is not None
    assert orders.bytes > 0
    assert orders.problems == ()
    by_name = {column.name: column for column in orders.columns}
    ids, amount = by_name["id"], by_name["amount"]
    assert (ids.least, ids.greatest, ids.nulls) == ("1", "3", 0)
    assert (amount.least, amount.greatest, amount.nulls) == ("1.50", "2.50", 1)
    assert by_name["customer"].references == ("customers.id",)
    assert [commit.version for commit in orders.commits] == [1, 0]
    assert orders.commits[0].operation == "WRITE"
    assert orders.freshness is not None
    assert orders.freshness.outcome == "passed"


def test_types_are_trees(facts: dict[str, TableFacts]) -> None:
    by_name = {column.name: column for column in facts["orders"].columns}
    assert (by_name["place"].type, by_name["tags"].type) == ("struct", "map")
    lat = FieldFacts("lat", "double", nullable=True)
    assert by_name["place"].fields == (
        FieldFacts("city", "string", nullable=True),
        FieldFacts("at", "struct", nullable=True, fields=(lat,)),
    )
    key, value = by_name["tags"].fields
    assert (key.name, key.nullable, value.name, value.type) == ("key", False, "value", "list")
    assert value.fields[0].type == "int32"


def test_parquet_is_told_of_by_its_footers(facts: dict[str, TableFacts]) -> None:
    customers = facts["customers"]
    assert (customers.rows, customers.files, customers.version) == (2, 1, None)
    assert [(c.name, c.nulls) for c in customers.columns] == [("id", 0), (NASTY, 1)]
    assert (customers.columns[0].least, customers.columns[0].greatest) == ("1", "2")
    assert customers.freshness is not None
    assert customers.freshness.outcome == "failed"
    assert customers.about.successor == "orders"


def test_a_sensitive_value_is_nowhere(lake: tuple[Path, Catalog]) -> None:
    found = told(lake[1])
    (email,) = [c for c in found.tables[0].columns if c.name == "email"]
    assert (email.is_sensitive, email.least, email.greatest) == (True, None, None)
    assert found.tables[0].sample is not None
    assert "email" not in found.tables[0].sample.columns
    assert "ada@" not in catalog_document(found).decode()


def test_a_sensitive_value_is_nowhere_under_another_name_either(tmp_path: Path) -> None:
    """The same files declared once more without the mark, and a column computed from one."""
    write_deltalake(str(tmp_path / "t"), pa.table({"id": [1], "email": ["ada@example.org"]}))
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(tmp_path)})
    email = Column("email", pa.string(), sensitive=True)
    short = Column("short", pa.string(), expression="upper(email)")
    marked = DeltaTable(name="t", location="t", columns=(Column("id", pa.int64()), email, short))
    tables = (marked, DeltaTable(name="again", location="t"))
    found = told(Catalog((Database("shop", tables),)).resolve(settings))
    samples = [table.sample.columns for table in found.tables if table.sample is not None]
    assert samples == [("id",), ("id",)]
    assert "ada@" not in catalog_document(found).decode().lower()


def test_rows_are_shown_as_text_and_cut(facts: dict[str, TableFacts]) -> None:
    sample = facts["orders"].sample
    assert sample is not None
    rows = {row[0]: row for row in sample.rows}
    assert rows["2"] == ("2", "1", "2.50", None, "[]")
    assert rows["1"][3] is not None
    assert len(rows["1"][3]) == 60  # a city of a hundred characters
    assert rows["1"][3].endswith("…")


def test_rows_only_where_asked_for(lake: tuple[Path, Catalog]) -> None:
    assert all(table.sample is None for table in told(lake[1], sample_rows=0).tables)


def test_a_table_that_cannot_be_read_says_why_and_stops_nobody(
    facts: dict[str, TableFacts],
) -> None:
    gone = facts["gone"]
    assert not gone.is_readable
    (why,) = gone.problems
    assert "which does not exist" in why
    assert [column.name for column in gone.columns] == ["id"]
    assert facts["orders"].is_readable


def test_a_function_is_not_called(facts: dict[str, TableFacts]) -> None:
    made = facts["expensive"]
    assert (made.problems, made.sample, made.rows) == ((), None, None)


class Foreign:
    """A table of a kind that is not ours, and fails in its own way."""

    name, description, format = "foreign", "", "foreign"
    columns, primary_key, foreign_keys = (Column("id", pa.int64()),), (), ()

    def resolve(self, settings: Settings) -> Foreign:
        return self

    def arrow_schema(self) -> pa.Schema:
        raise RuntimeError("no\nroute to host")

    def check(self) -> None:
        raise NotImplementedError

    def lazy(self, filters: Sequence[Filter] = (), columns: Sequence[str] = ()) -> None:
        raise NotImplementedError


def test_other_peoples_tables_may_raise_what_they_like() -> None:
    (found,) = told(Catalog((Database("shop", (Foreign(),)),))).tables  # type: ignore[arg-type]
    assert found.problems == ("no route to host",)


def test_what_the_log_does_not_tell_is_not_told(tmp_path: Path) -> None:
    """No statistics in one file of two, a partition, and rows that are deleted."""
    rows = pa.table({"day": ["a", "b"], "n": [1, 2]})
    write_deltalake(str(tmp_path / "t"), rows, partition_by=["day"])
    write_deltalake(
        str(tmp_path / "t"),
        pa.table({"day": ["c"], "n": [9]}),
        mode="append",
        configuration={"delta.dataSkippingNumIndexedCols": "0"},
    )
    entry = tmp_path / "t/_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in entry.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"]["stats"] = '{"numRecords": 1}'
    entry.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    found = one(DeltaTable(name="t", location="t"), tmp_path)
    day, n = (next(c for c in found.columns if c.name == name) for name in ("day", "n"))
    assert (day.least, day.greatest, day.nulls) == ("a", "c", 0)
    assert (n.least, n.greatest, n.nulls) == (None, None, None)
    assert found.rows == 3


def test_only_missing_values_have_no_bounds_but_hide_no_others(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    schema = arrow_schema((Column("n", pa.int64()),))
    pq.write_table(pa.table({"n": [None, None]}, schema=schema), tmp_path / "t/a.parquet")
    pq.write_table(pa.table({"n": [5, None]}, schema=schema), tmp_path / "t/b.parquet")
    (n,) = one(ParquetTable(name="t", location="t"), tmp_path).columns
    assert (n.least, n.greatest, n.nulls) == ("5", "5", 3)


def test_versions_after_a_clean_up_are_those_that_are_left(tmp_path: Path) -> None:
    for _ in range(3):
        write_deltalake(str(tmp_path / "t"), pa.table({"n": [1]}), mode="append")
    Lake(str(tmp_path / "t")).create_checkpoint()
    (tmp_path / "t/_delta_log" / f"{0:020}.json").unlink()
    found = one(DeltaTable(name="t", location="t"), tmp_path)
    assert [commit.version for commit in found.commits] == [2, 1]


def test_what_a_table_says_beyond_its_files(tmp_path: Path) -> None:
    """A computed column, and the newest rows alone, of which no log knows the number."""
    rows = pa.table({"id": [1, 1, 2], "n": [1, 2, None]})
    write_deltalake(str(tmp_path / "t"), rows)
    table = DeltaTable(
        name="t",
        location="t",
        columns=(
            Column("id", pa.int64()),
            Column("n", pa.int64()),
            Column("double", pa.int64(), "Twice.", expression="n * 2"),
        ),
    )
    found = one(table, tmp_path)
    assert (found.rows, found.newest, found.problems) == (3, None, ())
    assert [(c.name, c.expression, c.least) for c in found.columns] == [
        ("id", None, "1"),
        ("n", None, "1"),
        ("double", "n * 2", None),
    ]
    newest = one(table.latest(by="n", key="id"), tmp_path)
    assert (newest.rows, newest.newest, newest.problems) == (None, "of each id, by n", ())
    assert newest.version == 0
    assert newest.sample is not None
    assert len(newest.sample.rows) == 2


def test_costs_are_those_of_the_newest_run(settings: Settings, dataset_sf0003: Path) -> None:
    run_bench(settings, dataset_sf0003, "polars", queries="5,6")
    time.sleep(1.1)  # runs are in the order of the seconds in which they began
    newest = run_bench(settings, dataset_sf0003, "polars", queries="5,6")
    uri = f"{dataset_sf0003}/region"
    found = costs_by_uri(RunStore(settings.results_root), [uri, "/elsewhere"])
    assert list(found) == [uri]
    (cost,) = found[uri]  # q06 reads no region
    assert (cost.query, cost.engine, cost.run) == ("q05", "polars", newest.run.header.id)
    assert (cost.status, cost.runs) == ("ok", 1)
    assert cost.latency_s is not None


def test_the_document_is_for_machines(lake: tuple[Path, Catalog]) -> None:
    found = json.loads(catalog_document(told(lake[1], sample_rows=0)))
    assert (found["format_version"], found["title"]) == (1, "Shop")
    tables = {table["name"]: table for table in found["databases"][0]["tables"]}
    assert tables["orders"]["about"]["freshness_s"] == 86400
    assert tables["orders"]["columns"][2]["greatest"] == "2.50"
    assert tables["gone"]["is_readable"] is False
