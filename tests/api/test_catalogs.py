"""A catalog that is asked from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neuralake import open_catalog
from neuralake.catalog import Catalog, Database, DeltaTable
from neuralake.errors import CatalogError, EngineError, QueryError

SQL = "SELECT sum(amount) AS total FROM orders"


@pytest.mark.parametrize("engine", ["polars", "datafusion", "duckdb"])
def test_a_query_on_an_engine(place: Path, orders: DeltaTable, engine: str) -> None:
    catalog = open_catalog(orders)
    assert catalog.sql(SQL, engine=engine).to_pydict() == {"total": [210]}
    frame = catalog.sql(SQL, engine, frame="polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame.item() == 210


def test_a_plan_is_text(place: Path, orders: DeltaTable) -> None:
    assert "orders" in open_catalog(orders).explain(SQL, "datafusion").lower()


def test_a_file_a_module_and_what_a_program_holds(
    workload: Path, orders: DeltaTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(workload.parent)
    held = Catalog((Database("lake", (orders,)),))
    named = ("lake/catalog.py", workload / "catalog.py", "lake.catalog")
    for source in (*named, held, held.databases[0], [orders], open_catalog(orders)):
        catalog = open_catalog(source)
        assert list(catalog.tables()) == ["orders"]
        assert catalog.table("orders").name == "orders"
        catalog.check()


def test_a_file_in_the_home_directory(workload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(workload.parent))
    assert list(open_catalog("~/lake/catalog.py").tables()) == ["orders"]


def test_a_relative_location_lies_under_the_storage_root(place: Path, storage: Path) -> None:
    catalog = open_catalog(DeltaTable(name="nation", location="tpch/sf0.003/nation"))
    assert catalog.sql("SELECT count(*) AS n FROM nation").to_pydict() == {"n": [25]}


def test_tpch(place: Path, dataset_sf0003: Path) -> None:
    sql = "SELECT count(*) AS n FROM region"
    for catalog in (open_catalog(scale_factor=0.003), open_catalog(dataset=dataset_sf0003)):
        assert catalog.sql(sql, engine="duckdb").to_pydict() == {"n": [5]}


def test_a_catalog_shows_its_tables(workload: Path) -> None:
    catalog = open_catalog("lake/catalog.py")
    assert "lake.orders" in repr(catalog)
    assert "An order a row." in repr(catalog)
    assert "<b>lake</b>" in catalog._repr_html_()
    assert "An order a row." in catalog._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "open_catalog takes one of these"),
        ({"source": "lake/catalog.py", "scale_factor": 1}, "open_catalog takes one of these"),
        ({"scale_factor": 1, "dataset": "here"}, "open_catalog takes one of these"),
        ({"source": "nowhere.py"}, "no catalog at nowhere.py: it does not exist"),
        ({"source": 3}, "3 is no table"),
    ],
)
def test_what_is_no_catalog(place: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        open_catalog(**arguments)


def test_a_fault_of_the_text_or_the_engine_is_one_line(place: Path, orders: DeltaTable) -> None:
    catalog = open_catalog(orders)
    with pytest.raises(QueryError, match="duckdb: ") as raised:
        catalog.sql("SELECT nosuch FROM orders", engine="duckdb")
    assert "\n" not in str(raised.value)
    with pytest.raises(EngineError, match="unknown engine 'nosuch'"):
        catalog.sql(SQL, engine="nosuch")
    with pytest.raises(EngineError, match="duckdb has no option 'nosuch'"):
        catalog.sql(SQL, engine="duckdb", options={"nosuch": 1})
