"""After whole pairs of RF1 and RF2 the official answers hold again, with the keys mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.queries.answers import Answer, compare
from neuralake.queries.workload import Workload
from neuralake.tpch.dataset import open_workload
from neuralake.tpch.refresh.keys import KeyMapping
from neuralake.tpch.refresh.mapped import mapped_answer, mapped_workload
from tests.conftest import make_settings
from tests.more import few
from tests.tpch.refresh.conftest import Lake, Sets, copied

ENGINES = ("polars", "datafusion")


@pytest.fixture(scope="module")
def refreshed(sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All pairs one after another, and then RF1 of one more."""
    lake = copied(sets.dataset, tmp_path_factory.mktemp("refreshed") / "lake")
    *pairs, last = sets.staged.sets
    for one in pairs:
        lake.replace(one)
    lake.insert(last)
    return lake


@pytest.fixture(scope="module")
def workload(sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    place = tmp_path_factory.mktemp("settings")
    return open_workload(str(sets.dataset), make_settings(place, place))


def at_versions(lake: Lake, version: int) -> Mapping[str, Table]:
    """The refreshed tables as they were after so many commits; the others have one alone."""
    changed = ("orders", "lineitem")
    return {
        name: replace(table, version=version if name in changed else 0)
        for name, table in lake.tables.items()
    }


def wrong_answers(
    engine: str, tables: Mapping[str, Table], workload: Workload, mapping: KeyMapping
) -> set[str]:
    """Queries whose answer is not the official one with the keys mapped."""
    judged = mapped_workload(workload, mapping)
    started = registry.start(EngineSpec(engine))
    session = started.open(tables)
    wrong = set()
    for query in judged.queries:
        result = session.execute(query.sql())
        expected = judged.reference(query, result.schema.empty_table())
        assert expected is not None
        if compare(Answer.of(result), expected, query) is not None:
            wrong.add(query.name)
    session.close()
    started.close()
    return wrong


@pytest.mark.parametrize("engine", few(ENGINES))
def test_every_official_answer_holds_after_whole_pairs(
    engine: str, refreshed: Lake, workload: Workload, sets: Sets
) -> None:
    pairs = tuple(one.number for one in sets.staged.sets[:-1])
    tables = at_versions(refreshed, 2 * len(pairs))
    assert not wrong_answers(engine, tables, workload, KeyMapping(pairs, 0.01))
    # Q3 and Q18 show keys of these sets; nothing else changes
    assert wrong_answers(engine, tables, workload, KeyMapping((), 0.01)) == {"q03", "q18"}


def test_after_half_a_pair_they_do_not(refreshed: Lake, workload: Workload, sets: Sets) -> None:
    numbers = tuple(one.number for one in sets.staged.sets)
    tables = at_versions(refreshed, 2 * len(numbers) - 1)
    for mapping in (numbers, numbers[:-1]):
        wrong = wrong_answers("polars", tables, workload, KeyMapping(mapping, 0.01))
        assert wrong >= {"q01", "q13"}


def test_an_answer_without_a_key_is_left_as_it_is() -> None:
    answer = Answer.of(pa.table({"n": [1, 2, 3]}))
    assert mapped_answer(answer, KeyMapping((1,), 0.01)) is answer


def test_where_no_answer_is_known_none_is_made(dataset_sf0003: Path, settings: Settings) -> None:
    workload = open_workload(str(dataset_sf0003), settings)
    mapped = mapped_workload(workload, KeyMapping((1,), 0.003))
    assert mapped.reference(workload.queries[2], pa.table({})) is None
