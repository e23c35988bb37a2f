"""The examples in Python on the pages: run as they stand there, in one session a page."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.conftest import own_temporary_directory

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"^```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`(?P<path>[\w./]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CATALOG = """\
from neuralake.catalog import DeltaTable
orders = DeltaTable(name="orders", location="orders")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the queries that the pages speak of."""
    place = tmp_path / "place"
    (place / "queries").mkdir(parents=True)
    (place / "data").mkdir()
    monkeypatch.chdir(place)
    for variable in ("NEURALAKE_STORAGE_ROOT", "NEURALAKE_RESULTS_ROOT", "NEURALAKE_ENV"):
        monkeypatch.delenv(variable, raising=False)
    with own_temporary_directory(tmp_path):
        yield place


def examples(page: Path) -> list[str]:
    return [m["text"] for m in _BLOCK.finditer(page.read_text()) if ">>> " in m["text"]]


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if examples(page)]


def test_the_references_have_examples() -> None:
    assert {page.name for page in PAGES} >= {"catalog.md", "python-api.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_give_what_the_page_says(page: Path, place: Path) -> None:
    if page.name == "python-api.md":
        write_deltalake("data/orders", pa.table({"amount": list(range(1000))}))
        (place / "queries/catalog.py").write_text(CATALOG)
        (place / "queries/total.sql").write_text("SELECT SUM(amount) AS total FROM orders\n")
    for match in _FILE.finditer(page.read_text()):
        (place / match["path"]).write_text(match["text"])
    text = "".join(examples(page))
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert test.examples
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)
