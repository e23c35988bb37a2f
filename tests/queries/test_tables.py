"""Which tables of a catalog a query is given: those of names that stand in one database."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake import bench, open_catalog
from neuralake.catalog import Catalog, Database, ParquetTable
from neuralake.errors import CatalogError, QueryError
from neuralake.queries.tables import tables_for


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Two databases, with a table of one name in both."""

    def parquet(name: str, place: str, value: int) -> ParquetTable:
        pq.write_table(pa.table({"v": [value]}), tmp_path / f"{place}.parquet")
        return ParquetTable(name=name, location=str(tmp_path / f"{place}.parquet"))

    shop = Database("shop", (parquet("orders", "a", 1), parquet("customers", "b", 2)))
    return Catalog((shop, Database("archive", (parquet("orders", "c", 3),))))


def test_a_name_in_two_databases_costs_no_query_that_does_not_read_it(catalog: Catalog) -> None:
    assert list(tables_for(catalog, ["SELECT v FROM customers"])) == ["customers"]
    assert open_catalog(catalog).sql("SELECT v FROM customers").to_pydict() == {"v": [2]}
    for text in ("SELECT v FROM orders", "SELECT 1 FROM customers, Orders"):
        with pytest.raises(CatalogError, match="orders is in the databases shop and archive: choo"):
            tables_for(catalog, ["SELECT v FROM customers", text])


def test_the_database_of_a_query_can_be_chosen(catalog: Catalog) -> None:
    opened = open_catalog(catalog)
    for database, value in (("shop", 1), ("archive", 3)):
        found = opened.sql("SELECT v FROM orders", "duckdb", database=database)
        assert found.to_pydict() == {"v": [value]}
    with pytest.raises(CatalogError, match="no database shops: there are shop, archive"):
        opened.explain("SELECT v FROM orders", database="shops")


@pytest.mark.parametrize("text", ["SELECT v FROM shop.orders", 'SELECT 1 FROM "shop" . orders'])
def test_a_table_goes_by_its_bare_name_in_sql(catalog: Catalog, text: str) -> None:
    with pytest.raises(
        QueryError, match=r"names shop\.orders: expected orders alone, and database='shop'"
    ):
        tables_for(catalog, ["SELECT 1", text])
    others = ["SELECT shop.v FROM customers AS shop", "SELECT 1 FROM information_schema.tables"]
    assert list(tables_for(catalog, [*others, "-- shop.orders\nSELECT 1"])) == ["customers"]


def test_a_benchmark_of_other_tables_runs(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURALAKE_RESULTS_ROOT", str(tmp_path / "results"))
    run = bench({"q": "SELECT v FROM customers"}, catalog=catalog, engines="duckdb", runs=1)
    assert run.ok
    with pytest.raises(CatalogError, match="orders is in the databases"):
        bench({"q": "SELECT v FROM orders"}, catalog=catalog, engines="duckdb", runs=1)
