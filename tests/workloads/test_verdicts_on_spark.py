"""Where engines differ in what they may, Spark is called right, too."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.queries.directory import open_directory
from neuralake.workloads.executor import write_answer
from neuralake.workloads.verification import agreement
from tests.conftest import Spark
from tests.workloads.test_verdicts import RIGHT, text_of, write_workload

OF_SPARK = [name for name in RIGHT if name != "nanoseconds"]  # for which it has no type


@pytest.mark.more  # as the other engines, by day
def test_it_agrees_with_duckdb(shared_spark: Spark, settings: Settings, tmp_path: Path) -> None:
    directory = write_workload(tmp_path)
    for name in OF_SPARK:
        (directory / f"{name}.sql").write_text(text_of(name))
    workload = open_directory(directory, None, settings)
    tables = {name: table for name, table in workload.tables.items() if name != "instants"}
    with closing(registry.start(EngineSpec("duckdb"))) as duckdb:
        sessions = {engine.name: engine.open(tables) for engine in (shared_spark.engine(), duckdb)}
        for query in workload.queries:
            answers = {name: tmp_path / f"{query.name}-{name}.arrow" for name in sessions}
            for name, session in sessions.items():
                write_answer(session.execute(query.sql()), answers[name])
            found = agreement(query, answers)
            assert [judged.verdict for judged in found] == ["verified"] * 2, (query.name, found)
        for session in sessions.values():
            session.close()
    assert len(workload.queries) == len(OF_SPARK)
