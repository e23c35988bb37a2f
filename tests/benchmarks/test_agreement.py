"""Engines agree on random tables, and a hunter who sees one that does not says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from benchmarks.agreement.hunt import ENGINES, hunt, start
from benchmarks.agreement.seeds import ask, judge, main, questions, says_little
from neuralake.config import Settings
from neuralake.engines.protocol import Engine
from neuralake.tpch.dataset import open_workload
from neuralake.tpch.workload import queries
from tests.more import drawn


@pytest.fixture(scope="module")
def engines() -> Iterator[list[Engine]]:
    started = [start(name) for name in ENGINES]
    yield started
    for engine in started:
        engine.close()


def test_engines_agree_on_random_tables(engines: list[Engine]) -> None:
    @of_hypothesis(max_examples=drawn(20), database=None)
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


def test_engines_agree_on_the_queries_of_a_seed(
    dataset_sf001: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["--seeds", "1", "--first", "7", "--dataset", str(dataset_sf001)]
    assert main(said) == 0
    assert "1 seeds, 22 questions, 3 engines: 0 findings" in capsys.readouterr().out
    assert main([*said, "--engines", "polar"]) == 2
    assert main(["--seeds", "1", "--first", "0", "--dataset", str(dataset_sf001)]) == 2
    assert "seed 0 is out of range" in capsys.readouterr().err


def test_a_lost_row_of_a_seed_is_found(
    engines: list[Engine], dataset_sf001: Path, settings: Settings
) -> None:
    workload = open_workload(str(dataset_sf001), settings)
    asked = questions(workload.queries, [7], 0.01)
    forgetful: Any = Forgetful(engines[0])
    right = ask(engines[1], workload.tables, asked)
    given = {"datafusion": right, "forgetful": ask(forgetful, workload.tables, asked)}
    found = list(judge(asked, given))
    with_rows = [one for one, t in zip(asked, right, strict=True) if isinstance(t, pa.Table) and t]
    assert [finding.asked for finding in found] == with_rows
    assert "seed 7 q01 (delta=" in "".join(map(str, found))
    assert "forgetful differs from datafusion" in str(found[0])


def test_an_engine_that_fails_is_a_finding_and_an_answer_without_a_value_is_told() -> None:
    (one,) = questions(queries(), [1], 1)[:1]
    answers = [[pa.table({"a": [1]})], [RuntimeError("no memory")]]
    (finding,) = judge([one], dict(zip("ab", answers, strict=True)))
    assert str(finding) == "seed 1 q14 (date=1993-04-01): b fails: no memory"
    assert says_little(pa.table({"a": pa.nulls(1)}))
    assert says_little(pa.table({"a": pa.array([], pa.int64())}))
    assert not says_little(answers[0][0])
    assert not says_little(answers[1][0])
