"""Packed, vacuumed, and opened by a checkpoint alone, a table is to others what it was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable as DeltaLog

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import Action, Transaction
from neuralake.delta.commit import commit
from neuralake.delta.disk import DiskStore
from neuralake.delta.log import find_segment
from neuralake.delta.state import load_state
from neuralake.engines.protocol import Engine
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query
from neuralake.writer import Upkeep, Writer
from neuralake.writer.vacuum import vacuum
from tests.conftest import FAST_ENGINES, Spark
from tests.delta.make import File, actions, write_table
from tests.delta.make import commit as commit_entry
from tests.delta.test_vectors import stored
from tests.engines.others import CASES as OTHERS
from tests.writer.conftest import EVENTS, events
from tests.writer.tables import CASES as OURS
from tests.writer.test_compact import compact
from tests.writer.test_vacuum import DAY, doomed, grow_old, put, remove, removed

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
# Of Spark, Sail and Daft, which take their time for a table: a checkpoint has nothing
# of the cases that are left to make test-all that it has not of one of these
OF_SPARK = ("others: deleted rows of partitions", "v2 checkpoints")
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
        if not number:  # deltalake's, of which the next one is carried on
            assert Upkeep(str(root)).run_once() is not None
    compact(str(root))
    before = find_segment(store)
    assert Upkeep(str(root)).run_once() is not None
    # Carried on from the one before, in an order that tells so, unless that is of version 2
    (early,), (late,) = before.checkpoint, find_segment(store).checkpoint
    early_names, late_names = (pq.read_schema(root / path).names for path in (early, late))
    is_carried = "checkpointMetadata" not in early_names
    assert (late_names[0] == "protocol") == is_carried
    if is_carried:
        removes = pq.read_table(root / late, columns=["remove"])["remove"].drop_null()
        assert pq.read_metadata(root / late).num_row_groups == 1 + len(removes)
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
        patch.setattr("neuralake.delta.tombstones.GROUP_ROWS", 1)  # a row group for each remove
        for table in found.values():
            keep(table.path)
    return found


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


def test_an_engine_reads_the_same_rows(engine: Engine, kept: dict[str, Kept]) -> None:
    chosen = tuple(kept) if engine.name in FAST_ENGINES else OF_SPARK
    assert not faults(engine, {case: kept[case] for case in chosen})


@pytest.mark.more
@pytest.mark.parametrize("engine", ["spark", "sail", "daft"], indirect=True)
def test_slow_engines_read_the_others_too(engine: Engine, kept: dict[str, Kept]) -> None:
    others = [case for case in kept if case not in OF_SPARK]
    assert not faults(engine, {case: kept[case] for case in others})


def faults(engine: Engine, kept: dict[str, Kept]) -> dict[str, object]:
    """By case, how what an engine reads differs from the rows; all tables are in one session."""
    names = {case: f"t{number}" for number, case in enumerate(kept)}
    tables = {
        name: DeltaTable(name=name, location=str(kept[case].path)) for case, name in names.items()
    }
    with closing(engine.open(tables)) as session:
        found = {case: session.execute(f"SELECT * FROM {name}") for case, name in names.items()}
    answers = {case: (Answer.of(found[case]), Answer.of(kept[case].rows)) for case in kept}
    compared = {case: compare(*answers[case], EVERYTHING) for case in kept}
    return {case: fault for case, fault in compared.items() if fault is not None}


HIDDEN = (
    "_hidden/x",
    ".hidden/x",
    "_x.parquet",
    "_k=1/y.parquet",
    "_change_data/z",
    "_delta_index/z",
)


def old(root: Path) -> str:
    """A table with files that were removed, orphans, vectors and hidden names, of several ages."""
    schema = pa.schema([("id", pa.int64()), ("_k", pa.string())])
    ids = pa.table({"id": [1, 2, 3]})
    files = [File(ids, f"_k={n}/{n}.parquet", {"_k": str(n)}) for n in range(4)]
    write_table(root, schema, files, partition_by=["_k"], features=["deletionVectors"])
    head, metadata, *adds = actions(root, 0)
    for add in adds:  # as Spark writes it: by an encoding that is not needed it knows no file
        add["add"]["path"] = unquote(add["add"]["path"])
    commit_entry(root, 0, head, metadata, *adds)
    first = adds[-1]
    for name in HIDDEN:
        put(root, name, 0)
    put(root, "young.parquet", -29 * DAY)  # by a day, in the end
    vectors = [stored(root, [n], False) for n in range(3)]
    grow_old(root, 30 * DAY)
    with_vector = first["add"] | {"deletionVector": vectors[0]}
    removed(root, 1, 9 * DAY, remove(first["add"]["path"], 9 * DAY), {"add": with_vector})
    for version, days in ((2, 8), (3, 6)):
        path = f"_k={version - 2}/{version - 2}.parquet" if version == 3 else "gone.parquet"
        removed(root, version, days * DAY, remove(path, days * DAY, partitionValues={"_k": "1"}))
    return str(root)


def vacuumed_by_spark(shared_spark: Spark, path: str) -> set[str]:
    """Files that Spark would delete."""
    session = shared_spark.engine().open({})
    try:
        found = session.execute(f"VACUUM delta.`{path}` DRY RUN").column("path").to_pylist()
    finally:
        session.close()
    places = {name.removeprefix("file:").removeprefix(f"{path}/") for name in found}
    return {name for name in places if (Path(path) / name).is_file()}


@pytest.mark.more  # by day it is asked about files with names of every kind
def test_spark_would_delete_the_same_files(shared_spark: Spark, tmp_path: Path) -> None:
    path = old(tmp_path / "t")
    files = vacuumed_by_spark(shared_spark, path)
    assert files == doomed(path)
    assert len(files) == 5


def test_spark_knows_our_files_by_their_names(shared_spark: Spark, tmp_path: Path) -> None:
    """It compares paths as they are encoded: what another encoding names it takes for an orphan."""
    path = str(tmp_path / "t")
    schema = pa.schema([("id", pa.int64()), ("k", pa.string())])
    DeltaLog.create(path, schema, partition_by=["k"])
    values = [chr(code) for code in (*range(1, 127), 0xE9, 0xA0, 0x85, 0x2028, 0x3042, 0x1F600)]
    with Writer(path) as writer:
        for first in range(2):
            writer.append(pa.table({"id": range(first, first + len(values)), "k": values}, schema))
        compact(path)
        writer.append(pa.table({"id": range(len(values)), "k": values}, schema))
    time.sleep(0.02)
    vacuum(path, retention_s=0, is_forced=True)
    grow_old(path, 30 * DAY)
    assert vacuumed_by_spark(shared_spark, path) == set()
