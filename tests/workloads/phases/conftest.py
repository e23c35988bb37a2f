"""An engine that reads and writes, a small table, and phases on it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.registry import EngineSpec
from neuralake.engines.writing import Rows
from neuralake.results.phases.records import PhaseRecord
from neuralake.results.phases.samples import TaskSample, read_samples
from neuralake.results.records import EngineRecord
from neuralake.workloads.executor import read_answer
from neuralake.workloads.phases.executor import ANSWERS
from neuralake.workloads.phases.model import Append, PhasePlan, RunQuery, SessionPlan, Task
from neuralake.workloads.phases.runner import Runner

ENTRY_POINTS = "[neuralake.engines]\nclerk = clerk:ClerkEngine\n"
COUNT = "SELECT COUNT(*) AS n, SUM(v) AS v FROM ledger"


@dataclass(frozen=True)
class Done:
    """A phase that was run."""

    record: PhaseRecord
    engine: EngineRecord
    samples: list[TaskSample]

    def of(self, session: str) -> list[TaskSample]:
        return [sample for sample in self.samples if sample.session == session]


@dataclass(frozen=True)
class Office:
    """A run's directory, and a table in it."""

    directory: Path
    tables: Mapping[str, DeltaTable]
    options: Mapping[str, str] = field(default_factory=dict)

    def run(self, *sessions: SessionPlan, name: str = "day", **how: object) -> Done:
        spec = EngineSpec("clerk", dict(self.options))
        runner = Runner(spec, self.directory, **how)  # type: ignore[arg-type]
        record, engine = runner.run(PhasePlan(name, sessions), self.tables)
        return Done(record, engine, read_samples(self.directory, record.parts))

    def answer(self, sample: TaskSample) -> list[dict[str, Any]]:
        """The rows of an answer that was kept."""
        assert sample.answer is not None
        rows: list[dict[str, Any]] = read_answer(
            self.directory / ANSWERS / sample.answer
        ).to_pylist()
        return rows

    def rows(self, number: int) -> Rows:
        """Rows that are staged, as many as the number."""
        path = self.directory / f"rows-{number}.parquet"
        table = pa.table({"k": list(range(number)), "v": [number] * number})
        pq.write_table(table, path)
        return Rows((str(path),), table.schema, number)


@pytest.fixture
def clerk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine, installed for this process and its workers."""
    packages = tmp_path / "site-packages"
    metadata = packages / "clerk-1.0.dist-info"
    metadata.mkdir(parents=True)
    (packages / "clerk.py").write_text(Path(__file__).with_name("clerk.py").read_text())
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: clerk\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(packages)
    monkeypatch.delitem(sys.modules, "clerk", raising=False)


@pytest.fixture
def office(clerk: None, tmp_path: Path) -> Office:
    """A table with 3 rows."""
    directory = tmp_path / "run"
    directory.mkdir()
    where = str(tmp_path / "ledger")
    deltalake.write_deltalake(where, pa.table({"k": [1, 2, 3], "v": [10, 20, 30]}))
    return Office(directory, {"ledger": DeltaTable(name="ledger", location=where)})


def ask(sql: str = COUNT, name: str = "count") -> Task:
    return Task(name, RunQuery(sql, ("ledger",)))


def add(rows: Rows, group: str = "") -> Task:
    return Task("add", Append("ledger", rows), group)
