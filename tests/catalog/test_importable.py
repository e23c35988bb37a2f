"""Functions of tables that another process finds, and those that it would mistake or not find."""

import pickle
from pathlib import Path

import pytest

from neuralake.catalog import Catalog, FunctionTable, load_catalog
from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.errors import CatalogError

CATALOG = """
import functools
import polars as pl
from neuralake.catalog import FunctionTable, table

class Maker:
    def __call__(self): return pl.DataFrame({"i": [1]})
    def make(self=None): return pl.DataFrame({"i": [1]})

def newest(function):
    @functools.wraps(function)
    def filtered(): return function().filter(pl.col("i") > 1)
    return filtered

@table
def base(): return pl.DataFrame({"i": [1, 2]})

@table
@newest
def decorated(): return pl.DataFrame({"i": [1, 2]})

part = FunctionTable(name="part", function=functools.partial(base.function))
made = FunctionTable(name="made", function=Maker())
bound = FunctionTable(name="bound", function=Maker().make)
nameless = FunctionTable(name="nameless", function=lambda: base.function())
mistaken = FunctionTable(name="mistaken", function=newest(base.function))
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "shop.py").write_text(CATALOG)
    return load_catalog(str(tmp_path / "shop.py"), Settings.from_environ({}))


def rows(table: Table) -> list[int]:
    return table.lazy().collect()["i"].to_list()


@pytest.mark.parametrize(("name", "expected"), [("base", [1, 2]), ("decorated", [2])])
def test_what_is_found_makes_the_same_rows(
    catalog: Catalog, name: str, expected: list[int]
) -> None:
    table = catalog.table(name)
    assert rows(pickle.loads(pickle.dumps(table))) == rows(table) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("part", "its function is of type partial"),
        ("made", "its function is of type Maker"),
        ("bound", "its function Maker.make is a method"),
        ("nameless", "its function <lambda> is part of a notebook, of the script"),
        ("mistaken", "its function base is not what its module calls base"),
    ],
)
def test_what_is_not_says_so_where_it_is_read(catalog: Catalog, name: str, reason: str) -> None:
    table = catalog.table(name)
    assert isinstance(table, FunctionTable)
    assert rows(table)
    with pytest.raises(CatalogError, match=f"table {name}: {reason}"):
        table.require_importable()
    elsewhere = pickle.loads(pickle.dumps(table))
    with pytest.raises(CatalogError, match=f"table {name}: {reason}"):
        elsewhere.arrow()
