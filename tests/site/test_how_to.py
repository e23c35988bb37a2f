"""The page that tells how to publish a catalog, followed from top to bottom."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.conftest import Cli

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "publish-a-catalog.md").read_text()
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(m["kind"], m["text"]) for m in _BLOCK.finditer(PAGE)]
(CATALOG,) = (text for kind, text in BLOCKS if kind == "python")
SESSIONS = [text.removeprefix("$ ").splitlines() for kind, text in BLOCKS if kind == "console"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "catalog.py").write_text(CATALOG)
    rows = {"id": [1], "email": ["ada@example.org"], "day": [dt.date(2026, 5, 1)]}
    write_deltalake(str(tmp_path / "data/orders"), pa.table(rows))
    return tmp_path


def test_it_can_be_followed(directory: Path, typed: Cli) -> None:
    environment = {"NEURALAKE_STORAGE_ROOT": str(directory / "data")}
    assert len(SESSIONS) == 3
    for command, *answer in SESSIONS:
        done = typed(*shlex.split(command)[1:], environment=environment)
        assert (done.returncode, done.stderr) == (0, "")
        if answer:
            assert done.stdout.splitlines() == answer
    page = (directory / "site/index.html").read_text()
    assert "orders.ipynb" in page
    for text in (page, (directory / "catalog.json").read_text()):
        assert "shop@example.org" in text
        assert "ada@example.org" not in text
