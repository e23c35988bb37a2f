"""Packed, vacuumed, and opened by a checkpoint alone, a table is to others what it was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import Action, Transaction
from neuralake.delta.commit import commit
from neuralake.delta.disk import DiskStore
from neuralake.delta.state import load_state
from neuralake.engines.protocol import Engine, Session
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query
from neuralake.writer import Upkeep
from neuralake.writer.vacuum import vacuum
from tests.delta.make import File, actions, write_table
from tests.engines.others import CASES as OTHERS
from tests.writer.conftest import EVENTS, events
from tests.writer.tables import CASES as OURS
from tests.writer.test_compact import compact

EVERYTHING = parse_query("everything", "SELECT * FROM t")
MONTHS_S = 100 * 86_400
# Of which a file says something else than the table, or less
SPECIAL = (
    "a shallow clone",
    "columns that came later",
    "deleted rows",
    "deleted rows of partitions",
    "renamed columns within",
    "times of old within",
    "wider types",
)
# Times within its entries, which are of just now
TIMED = "ours: writer features"


@dataclass(frozen=True)
class Kept:
    """A table of which one file is left, or one a partition, and a log that begins later."""

    path: Path
    rows: pa.Table


def with_v2_checkpoints(root: Path) -> pa.Table:
    parts = [events(0), events(10)]
    files = [File(part, f"{number}.parquet") for number, part in enumerate(parts)]
    write_table(root, EVENTS, files, features=["v2Checkpoint", "deletionVectors"])
    return pa.concat_tables(parts)


def made(root: Path) -> Iterator[tuple[str, Kept]]:
    for case, make in OURS.items():
        yield f"ours: {case}", Kept(root / f"ours{case}", make(root / f"ours{case}"))
    for case in SPECIAL:
        table, rows = OTHERS[case](root / f"others{case}")
        assert isinstance(table, DeltaTable)
        yield f"others: {case}", Kept(Path(table.uri), rows)
    yield "v2 checkpoints", Kept(root / "v2", with_v2_checkpoints(root / "v2"))


def keep(root: Path) -> None:
    """All that upkeep does, as if the table had been written months ago."""
    store = DiskStore(root)
    for number in range(2):
        txn = Action(txn=Transaction(app_id="nobody", version=number))
        commit(store, load_state(store), lambda *_, txn=txn: [txn], {}, deadline=0)
    compact(str(root))
    assert Upkeep(str(root)).run_once() is not None
    for file in (root / "_delta_log").iterdir():
        then = file.stat().st_mtime - MONTHS_S
        os.utime(file, (then, then))
    Upkeep(str(root)).run_once()
    time.sleep(0.02)
    vacuum(str(root), retention_s=0, is_forced=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    found = dict(made(tmp_path_factory.mktemp("kept")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuralake.writer.upkeep._INTERVAL", 1)
        for table in found.values():
            keep(table.path)
    return found


@pytest.fixture(scope="module")
def session(engine: Engine, kept: dict[str, Kept]) -> Iterator[Session]:
    """All tables, opened by an engine in this process."""
    opened = engine.open(
        {
            f"t{number}": DeltaTable(name=f"t{number}", location=str(table.path))
            for number, table in enumerate(kept.values())
        }
    )
    yield opened
    opened.close()


def test_each_log_begins_with_a_checkpoint(kept: dict[str, Kept]) -> None:
    for case, table in kept.items():
        if case == TIMED:
            continue
        log = table.path / "_delta_log"
        (checkpoint,) = log.glob("*.checkpoint.parquet")
        (entry,) = log.glob("*.json")
        assert entry.name[:20] == checkpoint.name[:20], case
        kinds = {kind for action in actions(table.path, int(entry.stem)) for kind in action}
        assert kinds <= {"commitInfo", "add", "remove", "txn"}, case


def test_an_engine_reads_the_same_rows(session: Session, kept: dict[str, Kept]) -> None:
    faults = {}
    for number, (case, table) in enumerate(kept.items()):
        found = session.execute(f"SELECT * FROM t{number}")
        fault = compare(Answer.of(found), Answer.of(table.rows), EVERYTHING)
        if fault is not None:
            faults[case] = fault
    assert not faults
