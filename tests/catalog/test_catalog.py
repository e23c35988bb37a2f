"""Catalogs and databases: every table is found by its name, and only where there is one."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from neuralake.catalog import (
    Catalog,
    Column,
    Database,
    DeltaTable,
    ForeignKey,
    ParquetTable,
    table,
)
from neuralake.config import Settings
from neuralake.errors import CatalogError, SchemaMismatchError

ID = Column("id", pa.int64())


def delta(name: str, *columns: Column, keys: tuple[ForeignKey, ...] = ()) -> DeltaTable:
    return DeltaTable(name=name, location=name, columns=columns, foreign_keys=keys)


def module(name: str = "shop", file: str | None = None, **values: object) -> ModuleType:
    made = ModuleType(name, "What the shop sells.\n\nAnd to whom.")
    vars(made).update(values)
    if file:
        made.__file__ = file
    return made


class TestDatabaseFromModule:
    def test_has_every_table_of_the_module_in_order(self) -> None:
        @table
        def today() -> None: ...

        made = Database.from_module(
            module(orders=delta("orders"), customers=delta("customers"), today=today, other=3)
        )
        assert (made.name, made.description) == ("shop", "What the shop sells.")
        assert [t.name for t in made.tables] == ["orders", "customers", "today"]

    def test_has_a_table_of_two_variables_once(self) -> None:
        orders = delta("orders")
        assert Database.from_module(module(orders=orders, also=orders)).tables == (orders,)

    @pytest.mark.parametrize(
        ("tables", "message"),
        [
            ([], r"database shop has \[\]: expected a tuple of tables"),
            ((7,), "database shop has a int: expected tables, such as a DeltaTable"),
        ],
    )
    def test_refuses_what_is_no_table(self, tables: Any, message: str) -> None:
        with pytest.raises(CatalogError, match=message):
            Database("shop", tables)

    def test_a_catalog_is_of_databases(self) -> None:
        tables: Any = (delta("orders"),)
        with pytest.raises(CatalogError, match="a catalog has a DeltaTable orders: expected datab"):
            Catalog(tables)

    def test_refuses_two_tables_of_one_name(self) -> None:
        with pytest.raises(CatalogError, match="database shop has two tables named orders"):
            Database.from_module(module(a=delta("orders"), b=delta("orders", ID)))

    def test_is_not_taken_in_by_classes_and_by_objects_that_have_every_attribute(self) -> None:
        from polars import col

        with pytest.raises(CatalogError, match="shop holds no table: expected a DeltaTable"):
            Database.from_module(module(col=col, DeltaTable=DeltaTable, Catalog=Catalog))

    @pytest.mark.parametrize(
        ("name", "file", "expected"),
        [
            ("shop", None, "shop"),
            ("company.lake.shop", None, "shop"),
            ("company.shop.tables", None, "shop"),
            ("_loaded_3f2a", "/lakes/shop/catalog.py", "shop"),
            ("_loaded_3f2a", "/lakes/My Shop.py", "my_shop"),
            ("_loaded_3f2a", "/lakes/2026/catalog.py", "_2026"),
            ("_loaded_3f2a", "/catalog.py", "catalog"),
        ],
    )
    def test_is_called_after_what_says_something(
        self, name: str, file: str | None, expected: str
    ) -> None:
        assert Database.from_module(module(name, file, orders=delta("orders"))).name == expected

    def test_may_be_given_a_name(self) -> None:
        assert Database.from_module(module(orders=delta("orders")), "store").name == "store"


class TestNames:
    catalog = Catalog(
        (
            Database("shop", (delta("orders"), delta("customers"))),
            Database("archive", (delta("orders", ID), delta("years"))),
        )
    )

    def test_bare(self) -> None:
        assert self.catalog.table("customers") == delta("customers")

    def test_with_the_database(self) -> None:
        assert self.catalog.table("archive.orders") == delta("orders", ID)
        assert self.catalog.table("orders", database="shop") == delta("orders")

    def test_that_stand_in_two_databases_must_be_chosen(self) -> None:
        message = "table orders is in the databases shop and archive: choose with database="
        with pytest.raises(CatalogError, match=message):
            self.catalog.table("orders")
        with pytest.raises(CatalogError, match=message):
            self.catalog.tables()
        assert list(self.catalog.tables(database="archive")) == ["orders", "years"]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("order", "no table order: there are orders, customers, orders, years"),
            ("shop.years", "no table years: there are orders, customers"),
            ("store.orders", "no database store: there are shop, archive"),
            ("", "no table : there are"),
        ],
    )
    def test_that_are_unknown_are_met_with_those_that_are(self, name: str, message: str) -> None:
        with pytest.raises(CatalogError, match=message):
            self.catalog.table(name)

    def test_of_databases_are_unique(self) -> None:
        with pytest.raises(CatalogError, match="the catalog has two databases named shop"):
            Catalog((Database("shop", (delta("a"),)), Database("shop", (delta("b"),))))


class TestResolve:
    def test_makes_every_location_absolute(self, tmp_path: Path, settings: Settings) -> None:
        @table
        def today() -> None: ...

        catalog = Catalog((Database("shop", (delta("orders"), today)),)).resolve(settings)
        orders = catalog.table("orders")
        assert isinstance(orders, DeltaTable)
        assert orders.uri == f"{tmp_path}/orders"

    def test_gives_remote_tables_the_options_that_reach_them(self) -> None:
        settings = Settings.from_environ(
            {
                "NEURALAKE_STORAGE_ROOT": "s3://lake/root",
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            }
        )
        orders = ParquetTable(name="orders", location="orders/*.parquet").resolve(settings)
        assert orders.uri == "s3://lake/root/orders/*.parquet"
        assert orders.storage_options["aws_secret_access_key"] == "wJalrXUtnFEMI"
        local = ParquetTable(name="orders", location="/lake/orders").resolve(settings)
        assert local.storage_options == {}
        for shown in (repr(orders), str(Catalog((Database("shop", (orders,)),)))):
            assert "AKIDEXAMPLE" not in shown
            assert "wJalrXUtnFEMI" not in shown


class TestCheck:
    def test_reads_every_table(self, tmp_path: Path, settings: Settings) -> None:
        write_deltalake(str(tmp_path / "orders"), pa.table({"id": [1]}))
        pq.write_table(pa.table({"id": ["one"]}), tmp_path / "customers")
        customers = ParquetTable(name="customers", location="customers", columns=(ID,))
        catalog = Catalog((Database("shop", (delta("orders", ID), customers)),))
        with pytest.raises(SchemaMismatchError, match=r"customers\.id is string"):
            catalog.resolve(settings).check()

    def test_follows_foreign_keys(self, tmp_path: Path, settings: Settings) -> None:
        write_deltalake(str(tmp_path / "orders"), pa.table({"id": [1]}))
        write_deltalake(str(tmp_path / "lines"), pa.table({"id": [1]}))

        def catalog(key: ForeignKey) -> Catalog:
            lines = delta("lines", ID, keys=(key,))
            return Catalog((Database("shop", (delta("orders", ID), lines)),)).resolve(settings)

        catalog(ForeignKey(("id",), "orders", ("id",))).check()
        catalog(ForeignKey(("id",), "shop.orders", ("id",))).check()
        with pytest.raises(CatalogError, match="foreign key of table lines: no table order:"):
            catalog(ForeignKey(("id",), "order", ("id",))).check()
        with pytest.raises(CatalogError, match="table orders has no column key; it has id"):
            catalog(ForeignKey(("id",), "orders", ("key",))).check()


def test_a_thousand_tables_in_a_list_are_refused_in_a_line_that_can_be_read() -> None:
    tables = [DeltaTable(name=f"t{n}", location=f"/lake/t{n}") for n in range(1000)]
    with pytest.raises(CatalogError, match="expected a tuple of tables") as refused:
        Database("lake", tables=tables)  # type: ignore[arg-type]
    assert len(str(refused.value)) < 150
