"""ROAPI's configuration of a catalog: complete, without a secret, and by the command and Python."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
import yaml

import neuralake
from neuralake.catalog.tables import DeltaTable
from neuralake.config import Settings
from neuralake.errors import CatalogError, ServingError
from neuralake.serving.roapi.configuration import (
    RoapiOptions,
    roapi_configuration,
    write_configuration,
)
from neuralake.serving.roapi.refusals import Freshness
from tests.conftest import Cli

HERE = Settings.from_environ({})
CATALOG = """
import pyarrow as pa
from neuralake.catalog.tables import DeltaTable, table
orders = DeltaTable(name="orders", location="{place}")
@table
def made():
    return pa.table({{"id": [1]}})
"""


@pytest.fixture
def orders(tmp_path: Path) -> DeltaTable:
    deltalake.write_deltalake(str(tmp_path / "orders"), pa.table({"id": [1]}))
    return DeltaTable(name="orders", location=str(tmp_path / "orders"))


@pytest.fixture
def declared(orders: DeltaTable, tmp_path: Path) -> Path:
    place = tmp_path / "shop.py"
    place.write_text(CATALOG.format(place=orders.location))
    return place


@pytest.mark.parametrize("freshness", Freshness)
def test_it_says_all_that_roapi_must_know(orders: DeltaTable, freshness: Freshness) -> None:
    options = RoapiOptions(freshness, 5, "127.0.0.1:9000")
    found = yaml.safe_load(roapi_configuration({"orders": orders}, HERE, options))
    is_writable = freshness is Freshness.RELOAD
    assert found.pop("reload_interval", None) == ({"secs": 5, "nanos": 0} if is_writable else None)
    nowhere = "127.255.255.255:0"
    option = {"format": "delta", "use_memory_table": freshness is Freshness.MEMORY}
    assert found == {
        "addr": {"http": "127.0.0.1:9000", "postgres": nowhere, "flight_sql": nowhere},
        "disable_read_only": is_writable,
        "tables": [{"name": "orders", "uri": orders.location, "option": option}],
    }


def test_credentials_of_the_environment_stay_there(
    orders: DeltaTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_environ(
        {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_REGION": "eu"}
    )
    text = roapi_configuration({"orders": orders}, settings)
    assert "hidden" not in text
    assert "key-id" not in text


def test_from_python(declared: Path, orders: DeltaTable) -> None:
    catalog = neuralake.open_catalog(declared)
    text = catalog.roapi_configuration(tables=["orders"], freshness="files")
    assert [table["name"] for table in yaml.safe_load(text)["tables"]] == ["orders"]
    with pytest.raises(ServingError, match="1 of 2 tables"):
        catalog.roapi_configuration()
    with pytest.raises(CatalogError, match="no table ordres"):
        catalog.roapi_configuration(tables=["ordres"])


def test_by_the_command(typed: Cli, declared: Path, tmp_path: Path) -> None:
    asked = ("catalog", "export", "roapi", "--catalog", str(declared), "--table", "orders")
    shown = typed(*asked)
    assert shown.returncode == 0, shown.stderr
    place = tmp_path / "roapi.yml"
    written = typed(*asked, "--to", str(place))
    assert (written.returncode, written.stdout) == (0, "")
    assert place.read_text() == shown.stdout
    assert yaml.safe_load(shown.stdout)["tables"][0]["name"] == "orders"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "made: a function makes it, and ROAPI reads nothing but files"),
        (("--table", "ordres"), "no table ordres: there are orders, made; did you mean orders?"),
        (("--table", "orders", "--listen", "here"), "'here' is no address"),
        (("--table", "orders", "--reload-every", "1.5s"), "expected whole seconds"),
        (("--table", "orders", "--freshness", "now"), "'memory', 'files', 'reload'"),
        (("--table", "orders", "--to", "/nowhere/roapi.yml"), "cannot write /nowhere/roapi.yml"),
    ],
)
def test_what_cannot_be_is_one_line(
    typed: Cli, declared: Path, options: tuple[str, ...], message: str
) -> None:
    done = typed("catalog", "export", "roapi", "--catalog", str(declared), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "roapi.yml"
    write_configuration("first", place)
    place.chmod(0o400)
    write_configuration("second", place)
    assert place.read_text() == "second"
    with pytest.raises(ServingError, match="cannot write"):
        write_configuration("third", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["roapi.yml"]
