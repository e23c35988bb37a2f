"""The example of the tutorial: its script, its catalog, and what the tutorial says of them."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from neuralake.catalog import Catalog, FunctionTable, load_catalog
from neuralake.config import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    place = tmp_path_factory.mktemp("shop")
    script = [sys.executable, str(ROOT / "examples/shop/make_data.py")]
    for _ in range(2):  # it can be run again
        subprocess.run(script, cwd=place, check=True, stdout=subprocess.DEVNULL)
    settings = Settings.from_environ({"NEURALAKE_STORAGE_ROOT": str(place / "data")})
    return load_catalog(str(ROOT / "examples/shop/catalog.py"), settings)


def test_every_table_is_as_declared(shop: Catalog) -> None:
    assert list(shop.tables()) == ["orders", "customers", "exchange_rates", "large_orders"]
    shop.check()


def test_the_join_is_what_the_tutorial_prints(shop: Catalog) -> None:
    import polars as pl

    context = pl.SQLContext({name: table.lazy() for name, table in shop.tables().items()})
    answer = context.execute(
        "SELECT o.currency, COUNT(*) AS orders, SUM(o.amount * r.euros) AS euros "
        "FROM orders o JOIN exchange_rates r ON o.currency = r.currency "
        "GROUP BY o.currency ORDER BY o.currency"
    )
    assert answer.collect().rows() == [
        ("EUR", 333, Decimal("166505.270000")),
        ("HUF", 334, Decimal("431.482298")),
        ("USD", 333, Decimal("142876.100000")),
    ]


def test_the_derived_table_takes_its_argument(shop: Catalog) -> None:
    large = shop.table("large_orders")
    assert isinstance(large, FunctionTable)
    assert large.with_arguments(least=Decimal(999)).arrow().num_rows < large.arrow().num_rows


def test_the_tutorial_shows_the_code_as_it_is() -> None:
    tutorial = (ROOT / "docs/tutorials/query-your-tables.md").read_text()
    code = (ROOT / "examples/shop/catalog.py").read_text()
    blocks = tutorial.split("```python\n")[1:]
    shown = [block.partition("```")[0] for block in blocks if not block.startswith("from datetime")]
    assert len(shown) == 3
    assert all(block in code for block in shown)
