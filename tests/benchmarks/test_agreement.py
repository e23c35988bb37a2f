"""Engines agree on random tables, and a hunter who sees one that does not says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.agreement.hunt import ENGINES, hunt, start
from neuralake.engines.protocol import Engine


@pytest.fixture(scope="module")
def engines() -> Iterator[list[Engine]]:
    started = [start(name) for name in ENGINES]
    yield started
    for engine in started:
        engine.close()


def test_engines_agree_on_random_tables(engines: list[Engine]) -> None:
    @settings(max_examples=20, database=None)
    @given(number=st.integers(0, 2**32))
    def agree(number: int) -> None:
        assert [str(finding) for finding in hunt(number, engines)] == []

    agree()


class Forgetful:
    """An engine that loses the last row of each answer."""

    name = "forgetful"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session: Any = None

    def open(self, tables: Any) -> Any:
        self.session = self.engine.open(tables)
        return self

    def execute(self, sql: str) -> pa.Table:
        answer: pa.Table = self.session.execute(sql)
        return answer.slice(0, max(0, answer.num_rows - 1))

    def close(self) -> None:
        pass


def test_a_lost_row_is_found(engines: list[Engine]) -> None:
    forgetful: Any = Forgetful(engines[0])
    found = [finding for number in range(3) for finding in hunt(number, [engines[1], forgetful])]
    assert found
    assert all("forgetful and datafusion differ" in str(finding) for finding in found)
