"""What tests share runs from the first who asks to the last who may, and again for a later one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lent import Lent, asks_for


def test_it_runs_while_the_next_test_may_ask(request: pytest.FixtureRequest) -> None:
    told: list[str] = []
    wanted = True

    @contextmanager
    def start() -> Iterator[int]:
        told.append("started")
        yield len(told)
        told.append("ended")

    lent = Lent(start, lambda _: wanted)
    lent.end_before(None)
    assert told == []  # nobody has asked
    assert (lent.get(), lent.get()) == (1, 1)
    lent.end_before(request.node)
    assert told == ["started"]
    wanted = False
    lent.end_before(request.node)
    lent.end()
    assert told == ["started", "ended"]
    assert lent.get() == 3
    lent.end_before(None)
    assert told == ["started", "ended"] * 2


def test_who_asks_is_seen_by_its_fixtures(request: pytest.FixtureRequest) -> None:
    assert asks_for(request.node, "request")
    assert not asks_for(request.node, "tmp_path")
