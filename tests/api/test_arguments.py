"""What is handed to a function of the API and is of another kind is one line, and no trace."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neuralake
from neuralake.api.catalogs import OpenCatalog
from neuralake.catalog import Catalog
from neuralake.errors import NeuralakeError

API: Any = neuralake  # as a program is that no type checker has seen
Q = {"q": "SELECT 1 AS x"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.sql(None), "text is None: expected a text"),
        (lambda c: c.sql(b"SELECT 1 AS x"), "text is b'SELECT 1 AS x': expected a text"),
        (lambda c: c.sql("SELECT 1 AS x", engine=None), "engine is None: expected a text"),
        (lambda c: c.sql("SELECT 1 AS x", ["polars"]), r"engine is \['polars'\]: expected a text"),
        (lambda c: c.sql("SELECT 1 AS x", options=[1]), r"options is \[1\]: expected a mapping"),
        (lambda c: c.explain(7), "text is 7: expected a text"),
        (lambda c: c.sql("SELECT 1 AS x; SELECT 2 AS x"), "the query has 2 statements"),
        (lambda c: c.sql("DROP TABLE t"), "the query begins with DROP: expected a query"),
        (lambda c: c.table(None), "name is None: expected a text"),
        (lambda c: API.open_catalog(b"a.py"), "the catalog is b'a.py': expected a path"),
        (lambda c: API.open_catalog({"t": 1}), "the catalog is {'t': 1}: expected a path"),
        (lambda c: API.open_catalog(scale_factor="1"), "scale_factor is '1': expected a num"),
        (lambda c: API.open_run(None), "run is None: expected a path"),
        (lambda c: API.open_run(b"x"), "run is b'x': expected a path"),
        (lambda c: API.bench(["SELECT 1 AS x"], catalog=c), "workload is .*: expected a dir"),
        (lambda c: API.bench({"": "SELECT 1 AS x"}, catalog=c), "a query is called ''"),
        (
            lambda c: API.bench(Q, catalog=c, timeout_s="1s"),
            "timeout_s is '1s': expected a n",
        ),
        (
            lambda c: API.bench(Q, catalog=c, memory_limit_bytes=1.5),
            "expected a whole number",
        ),
        (lambda c: API.bench(Q, catalog=c, queries=1), "queries is 1: expected a name, or"),
        (lambda c: API.bench(Q, catalog=c, name=None), "name is None: expected a text"),
        (lambda c: API.bench(Q, catalog=c, options={"duckdb": 3}), "options of duckdb are 3"),
        (lambda c: API.bench(scale_factor=True), "scale_factor is True: expected a number"),
        (
            lambda c: API.compare("a", "b", rounds=1.5),
            "rounds is 1.5: expected a whole number",
        ),
        (lambda c: API.compare(None, "b"), "base is None: expected a text"),
    ],
)
def test_of_another_kind(place: Path, call: Callable[[Any], object], message: str) -> None:
    catalog = OpenCatalog(Catalog(()))
    with pytest.raises(NeuralakeError, match=message):
        call(catalog)
    assert not [*place.iterdir()]
