"""A catalog is loaded from the user's own file or module; what is wrong with it is one line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuralake.catalog import DeltaTable, load_catalog
from neuralake.config import Settings
from neuralake.errors import CatalogError

SHOP = '''"""What the shop sells."""
from neuralake.catalog import DeltaTable
orders = DeltaTable(name="orders", location="shop/orders")
'''


@pytest.fixture(autouse=True)
def python_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Undo what loading adds to the search path and to the modules, in other tests as well."""
    others = tmp_path_factory.getbasetemp()
    kept = [entry for entry in sys.path if not Path(entry).is_relative_to(others)]
    monkeypatch.setattr(sys, "path", kept)
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(path: Path, text: str = SHOP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_a_database_named_after_its_directory(tmp_path: Path, settings: Settings) -> None:
    catalog = load_catalog(str(write(tmp_path / "shop/catalog.py")), settings)
    (database,) = catalog.databases
    assert (database.name, database.description) == ("shop", "What the shop sells.")
    orders = catalog.table("shop.orders")
    assert isinstance(orders, DeltaTable)
    assert orders.uri == f"{tmp_path}/shop/orders"


def test_a_module_is_found_by_name_from_the_working_directory(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "lakehouse_a/shop.py")
    monkeypatch.chdir(tmp_path)
    assert load_catalog("lakehouse_a.shop", settings).databases[0].name == "shop"


def test_a_file_may_import_what_lies_beside_it(tmp_path: Path, settings: Settings) -> None:
    write(tmp_path / "places.py", 'ORDERS = "elsewhere"')
    text = SHOP.replace('"shop/orders"', "ORDERS").replace(
        "from", "from places import ORDERS\nfrom"
    )
    orders = load_catalog(str(write(tmp_path / "shop.py", text)), settings).table("orders")
    assert isinstance(orders, DeltaTable)
    assert orders.uri == f"{tmp_path}/elsewhere"


def test_two_files_of_one_name_are_two_catalogs(tmp_path: Path, settings: Settings) -> None:
    sources = [str(write(tmp_path / name / "catalog.py")) for name in ("shop", "bank")]
    names = [load_catalog(source, settings).databases[0].name for source in sources]
    assert names == ["shop", "bank"]


def test_a_file_that_changed_is_loaded_anew(tmp_path: Path, settings: Settings) -> None:
    source = write(tmp_path / "shop.py")
    load_catalog(str(source), settings)
    write(source, SHOP.replace('name="orders"', 'name="all_sales"'))
    assert list(load_catalog(str(source), settings).tables()) == ["all_sales"]


def test_a_module_may_make_its_catalog_itself(tmp_path: Path, settings: Settings) -> None:
    text = SHOP + (
        "from neuralake.catalog import Catalog, Database\n"
        "catalog = Catalog((Database('store', (orders,)), Database('other', (orders,))))\n"
    )
    catalog = load_catalog(str(write(tmp_path / "shop.py", text)), settings)
    assert [database.name for database in catalog.databases] == ["store", "other"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.py", "no catalog at none.py: it does not exist; expected a .py file or a module"),
        ("some/where", "no catalog at some/where: it does not exist"),
        ("directory/", "no catalog at directory: it is a directory"),
        ("notes.txt", "no catalog at notes.txt: it is no .py file"),
        ("nonesuch", "no catalog nonesuch: Python finds no module nonesuch here"),
        ("nonesuch.tables", "no catalog nonesuch.tables: Python finds no module nonesuch"),
        ("json.nonesuch", "no catalog json.nonesuch: Python finds no module json.nonesuch"),
        ("not a module", "no catalog 'not a module': expected a .py file or a module name"),
        ("", "no catalog '': expected"),
        ("json", "json/__init__.py holds no table: expected a DeltaTable, a ParquetTable or a f"),
    ],
)
def test_a_source_that_is_none_is_one_line(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    (tmp_path / "directory").mkdir()
    write(tmp_path / "notes.txt", "nothing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CatalogError) as caught:
        load_catalog(source, settings)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\n1 / 0", "shop.py, line 2: ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError\nf()", "shop.py, line 2: KeyError"),
        ("x = (", "shop.py: SyntaxError: '(' was never closed (shop.py, line 1)"),
        ("import nonesuch", "shop.py, line 1: ModuleNotFoundError: No module named 'nonesuch'"),
        ("raise SystemExit(3)", "shop.py, line 1: SystemExit: 3"),
        ("raise ValueError('a\\nb')", "shop.py, line 1: ValueError: a b"),
        (SHOP.replace('"orders"', '"Orders"'), "shop.py, line 3: table name 'Orders' is not us"),
        (SHOP.replace("location", "place"), "shop.py, line 3: TypeError: "),
        (SHOP + "again = DeltaTable(name='orders', location='x')", "shop has two tables named ord"),
        (SHOP.replace('"shop/orders"', '"gs://x"'), "table orders: the location begins with gs://"),
        ("x = 1", "shop.py holds no table"),
    ],
)
def test_code_that_is_wrong_is_one_line_that_says_where(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    write(tmp_path / "shop.py", code)
    monkeypatch.chdir(tmp_path)
    for source in ("shop.py", "shop"):
        with pytest.raises(CatalogError) as caught:
            load_catalog(source, settings)
        said = str(caught.value)
        expected = message if source == "shop.py" else message.removeprefix("shop.py")
        assert expected in said
        assert said.isprintable()
