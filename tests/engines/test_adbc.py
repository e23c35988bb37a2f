"""A table of a database is read by every engine when it is opened, as a function table is."""

import sqlite3
from pathlib import Path

import pytest

from neuralake.catalog import AdbcTable
from neuralake.engines.protocol import Engine
from neuralake.errors import CatalogError


def test_its_rows_are_the_engines_own_once_it_is_open(engine: Engine, tmp_path: Path) -> None:
    place = tmp_path / "shop.sqlite"
    with sqlite3.connect(place) as database:
        database.execute("CREATE TABLE pages (id INTEGER, path TEXT, share REAL)")
        database.execute("INSERT INTO pages VALUES (1, '/', 0.5), (2, '/ä', NULL), (3, NULL, 1.5)")
    database.close()
    pages = AdbcTable(name="pages", driver="sqlite", database=str(place))
    session = engine.open({"pages": pages})
    place.unlink()  # a query, which is what is measured, asks no database
    found = session.execute("SELECT id, path, share FROM pages WHERE id > 1 ORDER BY id")
    session.close()
    assert found.to_pydict() == {"id": [2, 3], "path": ["/ä", None], "share": [None, 1.5]}
    with pytest.raises(CatalogError, match="there is no such table"):
        engine.open({"pages": pages})
