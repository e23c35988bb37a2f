"""What tests share runs from the first who asks to the last who may, and again for a later one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.lent import Lent, may_ask

HERE: Any = SimpleNamespace(path=Path("here.py"))
ELSEWHERE: Any = SimpleNamespace(path=Path("elsewhere.py"))


def test_it_runs_while_the_next_test_may_ask() -> None:
    told: list[str] = []
    wanted = True

    @contextmanager
    def start() -> Iterator[int]:
        told.append("started")
        yield len(told)
        told.append("ended")

    lent = Lent(start, lambda _: wanted)
    lent.end_between(HERE, None)
    assert told == []  # nobody has asked
    assert (lent.get(), lent.get()) == (1, 1)
    lent.end_between(HERE, ELSEWHERE)
    assert told == ["started"]
    wanted = False
    lent.end_between(HERE, HERE)
    assert told == ["started"]  # a fixture of the file's may hold it
    lent.end_between(HERE, ELSEWHERE)
    lent.end()
    assert told == ["started", "ended"]
    assert lent.get() == 3
    lent.end_between(HERE, None)
    assert told == ["started", "ended"] * 2


def test_who_asks_is_seen_by_its_fixtures_and_its_room(request: pytest.FixtureRequest) -> None:
    elsewhere = Path(__file__).parent / "elsewhere"
    assert may_ask("request", elsewhere)(request.node)
    assert may_ask("tmp_path", Path(__file__).parent)(request.node)
    assert not may_ask("tmp_path", elsewhere)(request.node)
