"""Each snippet is run as it stands, by whom it is for: Python, curl, a driver of ADBC."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from neuralake.api.catalogs import OpenCatalog, open_catalog
from neuralake.catalog import Catalog, Database
from neuralake.engines import registry
from neuralake.serving.service import Service
from neuralake.site.snippets import Opening, snippet_maker
from tests.conftest import Spark
from tests.engines.sessions import KeptOpen
from tests.serving.conftest import serving as serving_http
from tests.serving.flight_sql.conftest import serving as serving_flight_sql

CATALOG = """
import datetime as dt
from decimal import Decimal

from neuralake.catalog import About, DeltaTable, Filter

orders = DeltaTable(
    name="orders",
    location="orders",
    about=About(
        example_filters=(
            Filter("amount", ">=", Decimal("2.00")),
            Filter("buyer", "in", ["O'Hara", "Ada"]),
            Filter("day", ">", dt.date(2026, 4, 30)),
            Filter("at", "<", dt.datetime(2026, 5, 2)),
        )
    ),
)
"""
KINDS = ("Polars", "DataFusion", "Spark", "DuckDB", "SQL", "curl", "ADBC")
ROWS = """
[{"amount": "1.00", "buyer": "Ada", "day": "2026-05-01", "at": "2026-05-01 10:00:00"},
 {"amount": "2.50", "buyer": "O'Hara", "day": "2026-05-01", "at": "2026-05-01 11:00:00"},
 {"amount": "3.50", "buyer": "Bela", "day": "2026-05-01", "at": "2026-05-01 12:00:00"},
 {"amount": "4.50", "buyer": "Ada", "day": "2026-04-01", "at": "2026-04-01 12:00:00"}]
"""
SCHEMA = pa.schema(
    [
        ("amount", pa.decimal128(9, 2)),
        ("buyer", pa.string()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us")),
    ]
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenCatalog:
    monkeypatch.setenv("NEURALAKE_STORAGE_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalog.py").write_text(CATALOG)
    texts = json.loads(ROWS)
    columns = [pa.array([row[f.name] for row in texts]).cast(f.type) for f in SCHEMA]
    write_deltalake(str(tmp_path / "orders"), pa.table(columns, schema=SCHEMA))
    return open_catalog("catalog.py")


def snippets(catalog: Catalog, opening: Opening) -> dict[str, str]:
    (database,) = catalog.databases
    made = snippet_maker(catalog, opening)(database, database.tables[0])
    return {snippet.name: snippet.text for snippet in made}


def run(text: str) -> str:
    """What a Python snippet prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "snippet", "exec"), {})
    return printed.getvalue()


def test_there_is_one_for_each(shop: OpenCatalog) -> None:
    assert tuple(snippets(shop.catalog, Opening("'catalog.py'"))) == KINDS


@pytest.mark.parametrize("name", ["Polars", "DataFusion", "DuckDB"])
def test_those_of_python_give_the_rows(shop: OpenCatalog, name: str) -> None:
    printed = run(snippets(shop.catalog, Opening("'catalog.py'"))[name])
    assert "O'Hara" in printed
    assert "2.50" in printed
    assert "Bela" not in printed
    assert "Ada" not in printed


def test_that_of_spark_gives_the_rows(
    shop: OpenCatalog, shared_spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark = shared_spark.engine()
    monkeypatch.setattr(registry, "start", lambda spec: {"spark": KeptOpen(spark)}[spec.name])
    printed = run(snippets(shop.catalog, Opening("'catalog.py'"))["Spark"])
    assert "O'Hara" in printed
    assert "Bela" not in printed


def test_the_sql_is_that_of_all_the_others(shop: OpenCatalog) -> None:
    found = snippets(shop.catalog, Opening("'catalog.py'"))
    assert found["SQL"] == (
        "SELECT * FROM orders WHERE orders.amount >= 2.00 AND orders.buyer IN ('O''Hara', 'Ada') "
        "AND orders.day > DATE '2026-04-30' AND orders.at < TIMESTAMP '2026-05-02 00:00:00' "
        "LIMIT 10"
    )
    assert all(repr(found["SQL"]) in found[name] for name in ("DataFusion", "Spark", "ADBC"))
    assert shop.sql(found["SQL"]).num_rows == 1


def test_curl_and_adbc_ask_a_server(shop: OpenCatalog) -> None:
    with (
        serving_http(shop.tables()) as http,
        serving_flight_sql(Service(shop.tables())) as flight,
    ):
        opening = Opening("'catalog.py'", f"http://127.0.0.1:{http.port}", flight.url)
        found = snippets(shop.catalog, opening)
        done = subprocess.run(
            ["bash", "-c", found["curl"]], capture_output=True, text=True, check=True, timeout=60
        )
        assert [row["buyer"] for row in json.loads(done.stdout)] == ["O'Hara"]
        assert "O'Hara" in run(found["ADBC"])


def test_tables_of_one_name_have_no_sql(shop: OpenCatalog) -> None:
    (database,) = shop.catalog.databases
    twice = Catalog((database, Database("other", database.tables)))
    made = snippet_maker(twice, Opening("'catalog.py'"))(database, database.tables[0])
    assert [snippet.name for snippet in made] == ["Polars"]
