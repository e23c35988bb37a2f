"""Tables of one's own, and a place for results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from neuralake.catalog import DeltaTable
from tests.conftest import own_temporary_directory

QUERIES = {
    "total": "-- All of it\nSELECT sum(amount) AS total FROM orders",
    "by_day": "-- order by day asc\nSELECT day, count(*) AS n FROM orders GROUP BY 1 ORDER BY day",
}
CATALOG = """\
from neuralake.catalog import DeltaTable
orders = DeltaTable(name="orders", location={location!r}, description="An order a row.")
"""


@pytest.fixture
def place(storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and the settings that a user might have."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("NEURALAKE_STORAGE_ROOT", str(storage))
    monkeypatch.delenv("NEURALAKE_RESULTS_ROOT", raising=False)
    with own_temporary_directory(tmp_path):
        yield place


@pytest.fixture
def orders(tmp_path: Path) -> DeltaTable:
    """A table of 6 orders on 3 days, declared in Python."""
    location = tmp_path / "orders"
    rows = pa.table({"day": [1, 1, 1, 2, 2, 3], "amount": [10, 20, 30, 40, 50, 60]})
    deltalake.write_deltalake(location, rows)
    return DeltaTable(name="orders", location=str(location))


@pytest.fixture
def workload(place: Path, orders: DeltaTable) -> Path:
    """A directory of queries with its catalog."""
    directory = place / "lake"
    directory.mkdir()
    (directory / "catalog.py").write_text(CATALOG.format(location=orders.location))
    for name, text in QUERIES.items():
        (directory / f"{name}.sql").write_text(text)
    return directory
