"""Tables as attributes of their database, and what a notebook shows of all of them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from neuralake.api.answer import Answer
from neuralake.api.catalogs import OpenCatalog, open_catalog
from neuralake.catalog import Catalog, Column, Database, DeltaTable, ForeignKey, ParquetTable, table
from neuralake.catalog.adbc import AdbcTable
from neuralake.catalog.tables import FunctionTable
from neuralake.errors import CatalogError


@table
def days() -> pa.Table:
    """A day a row."""
    return pa.table({"day": [1, 2]})


@table
def twice(catalog: Catalog) -> pl.LazyFrame:
    """Made of another table."""
    return catalog.shop.days.lazy().select(pl.col("day") * 2)


orders = DeltaTable(
    name="orders",
    location="shop/<orders>",
    description="One order & its <b>price</b>.",
    columns=(
        Column("id", pa.int64(), "Number.", nullable=False),
        Column("customer", pa.int64()),
        Column("lines", pa.list_(pa.struct([("sku", pa.string())]))),
    ),
    primary_key=("id",),
    foreign_keys=(ForeignKey(("customer",), "customers", ("id",)),),
    storage_options={"aws_secret_access_key": "hunter2"},
)
named = ParquetTable(name="name", location="shop/name.parquet")
shop = Database("shop", (orders, days, twice, named), "What the shop sells.")
catalog = Catalog((shop, Database("tables", (days,))))


def test_a_table_is_an_attribute_of_its_database() -> None:
    assert catalog.shop.orders is orders
    assert shop.days is days
    assert OpenCatalog(catalog).shop.orders is orders
    assert catalog["shop"]["orders"] is orders
    assert OpenCatalog(catalog)["shop"]["orders"] is orders


def test_a_function_table_knows_the_catalog_that_it_was_taken_from() -> None:
    for held in (catalog, OpenCatalog(catalog)):
        made = held.shop.twice
        assert isinstance(made, FunctionTable)
        assert made.lazy().collect()["day"].to_list() == [2, 4]


def test_a_name_that_clashes_is_reached_by_item() -> None:
    assert shop.name == "shop"
    assert shop["name"] is named
    assert callable(catalog.tables)
    assert catalog["tables"] == Database("tables", (days,))
    assert OpenCatalog(catalog)["tables"] == Database("tables", (days,))


@pytest.mark.parametrize("name", ["ordres", "orders.id", ""])
def test_what_is_not_there_is_told(name: str) -> None:
    with pytest.raises(CatalogError, match=f"no table {name}"):
        shop[name]


def test_an_attribute_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match=r"there are shop, tables; did you mean shop\?"):
        _ = catalog.shp
    with pytest.raises(AttributeError):
        _ = shop.ordres
    with pytest.raises(CatalogError, match="no database shp"):
        catalog["shp"]
    with pytest.raises(CatalogError, match="0 is no name"):
        list(catalog)  # type: ignore[call-overload]
    assert not hasattr(catalog, "_ipython_display_")


def test_copies_are_alike() -> None:
    plain = Catalog((Database("shop", (orders, named)),))
    for made in (pickle.loads(pickle.dumps(plain)), copy.deepcopy(plain), copy.copy(plain)):
        assert made == plain
        assert made.shop.orders == orders
    assert Database("shop", (orders,)) == Database("shop", (orders,))


def test_dir_and_ipython_complete_databases_and_tables() -> None:
    assert {"shop", "table", "tables"} <= {*dir(catalog)}
    assert {"orders", "days", "name"} <= {*dir(shop)}
    namespace = ModuleType("__main__")
    shell: Any = InteractiveShell(user_module=namespace, user_ns=vars(namespace))  # type: ignore[no-untyped-call]
    vars(namespace).update(catalog=OpenCatalog(catalog), declared=catalog)
    completer = shell.Completer
    completer.use_jedi = False  # which may be there or not
    with provisionalcompleter():
        for text, expected in (
            ("catalog.sh", "shop"),
            ("declared.sh", "shop"),
            ("catalog.shop.or", "orders"),
            ("catalog.shop.orders.primary", "primary_key"),
            ('catalog["sh', "shop"),
        ):
            found = {c.text.rpartition(".")[2] for c in completer.completions(text, len(text))}
            assert expected in found, text


def test_html_of_a_table_is_escaped_and_holds_no_secret() -> None:
    html = orders._repr_html_()
    assert "One order &amp; its &lt;b&gt;price&lt;/b&gt;." in html
    assert "shop/&lt;orders&gt;" in html
    assert "list&lt;item: struct&lt;sku: string&gt;&gt;" in html
    assert "primary key, not null" in html
    assert "→ customers.id" in html
    assert "hunter2" not in html
    assert "not declared" in named._repr_html_()
    assert "not declared" in days._repr_html_()


def test_html_of_a_table_of_a_database_holds_no_password() -> None:
    kept = AdbcTable(name="kept", driver="postgresql", database="postgresql://me:hunter2@host/shop")
    assert "<b>kept</b>" in kept._repr_html_()
    assert "hunter2" not in kept._repr_html_()


def test_html_of_databases_and_catalogs_has_a_row_a_table() -> None:
    for html in (shop._repr_html_(), catalog._repr_html_(), OpenCatalog(catalog)._repr_html_()):
        assert html.count("<tr>") >= 1 + len(shop.tables)
        assert "What the shop sells." in html
        assert "One order &amp; its" in html
        assert "hunter2" not in html


def test_an_answer_shows_itself_and_is_read_as_arrow(tmp_path: Path) -> None:
    opened = open_catalog([days])
    answer = opened.ask("SELECT day, '<i>' AS text, NULL AS nothing FROM days ORDER BY day")
    assert isinstance(answer, Answer)
    assert (len(answer), answer.table.num_rows) == (2, 2)
    assert "&lt;i&gt;" in answer._repr_html_()
    assert "<i>" not in answer._repr_html_()
    assert "2 rows" in answer._repr_html_()
    assert "day" in repr(answer)
    assert pl.DataFrame(answer).equals(answer.polars())
    assert pa.table(answer).equals(answer.table)


def test_a_long_answer_is_cut_and_says_so() -> None:
    html = Answer(pa.table({"n": range(1000)}))._repr_html_()
    assert html.count("<tr>") == 1 + 100
    assert "1,000 rows, of which 100 are shown" in html
