"""Changes of Delta tables by each engine's own path."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from neuralake.engines.protocol import Engine
from neuralake.engines.registry import engine_type
from neuralake.engines.writing import CAPABILITIES, Written, capabilities, writes_of
from tests.engines.changes import at, held, keys, row, stage


def test_an_engine_implements_what_it_says_before_it_is_started(engine: Engine) -> None:
    writes, said = writes_of(engine), capabilities(engine_type(engine.name))
    assert list(said) == list(CAPABILITIES)
    for name, protocol in CAPABILITIES.items():
        assert isinstance(writes, protocol) == (said[name] is not None), name


def test_every_change_says_what_it_committed(engine: Engine, tmp_path: Path) -> None:
    """Its version, its rows and its path; and the table holds just what they tell."""
    writes: Any = writes_of(engine)
    paths = capabilities(engine_type(engine.name))
    table = at(tmp_path)

    def said(version: int | None, rows: int | None, capability: str) -> Written:
        return Written(version, rows, str(paths[capability]))

    first = [row(key) for key in range(1, 9)]
    rows = stage(tmp_path / "first", first[:4], first[4:])
    assert writes.create(table, rows) == said(1, 8, "create")
    assert held(table) == first
    rows = stage(tmp_path / "more", [row(10), row(11)])
    assert writes.append(table, rows) == said(2, 2, "append")
    where = "id >= 10 AND money > 1.5 AND day < DATE '1999-01-01' AND Name = 'a'"
    assert writes.delete(table, where) == said(3, 2, "delete")
    assert writes.delete(table, "id = 77") == said(None, 0, "delete")
    gone = keys(tmp_path / "gone", 1, 2, 99)
    assert writes.delete_keys(table, gone, ("id",)) == said(4, 2, "delete_keys")
    assignments = {"money": "money + 1", "Name": "'z'"}
    assert writes.update(table, assignments, "id = 4") == said(5, 1, "update")
    changed = row(4) | {"money": Decimal("5.01"), "Name": "z"}
    assert held(table) == [row(3), changed, *(row(key) for key in (5, 6, 7, 8))]
    rows = stage(tmp_path / "upsert", [row(4, "m"), row(20, "n")])
    assert writes.merge(table, rows, ("id",)) == said(6, 2, "merge")
    assert writes.append(table, stage(tmp_path / "one", [row(30)])) == said(7, 1, "append")
    assert writes.compact(table) == said(8, None, "compact")
    assert writes.compact(table) == said(None, None, "compact")
    assert writes.z_order(table, ("id", "Name")) == said(9, None, "z_order")
    assert writes.checkpoint(table) == said(9, None, "checkpoint")
    last = [row(3), row(4, "m"), *(row(key) for key in (5, 6, 7, 8)), row(20, "n"), row(30)]
    assert held(table, version=7) == last
    assert writes.vacuum(table, 0, enforce=False) == said(11, None, "vacuum")
    assert held(table) == last
    with pytest.raises(FileNotFoundError):  # its files are gone
        held(table, version=7)
