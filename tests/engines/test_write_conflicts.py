"""Two who change one table at once: one of them is told that it was too late, and nothing is lost.

Whoever is told makes the change again, as callers do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import deltalake
import duckdb
import pytest

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import deltalake_writes, registry
from neuralake.engines.deltalake_writes import DeltalakeWrites, Streamed, write_paths
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.engines.spark import writes as spark_writes
from neuralake.engines.writing import Rows, Written, writes_of
from neuralake.errors import EngineError, WriteConflictError
from tests.conftest import FAST_ENGINES
from tests.engines.changes import ENGINES, at, held, keys, row, stage, table_of, until_done


def at_once(changes: Sequence[Callable[[], Any]]) -> list[Any]:
    """What threads give that begin together."""
    begin = Barrier(len(changes))

    def run(change: Callable[[], Any]) -> Any:
        begin.wait()
        return change()

    with ThreadPoolExecutor(len(changes)) as pool:
        return [future.result() for future in [pool.submit(run, change) for change in changes]]


def make(root: Path, *ids: int) -> DeltaTable:
    deltalake.write_deltalake(str(root / "t"), table_of(row(key) for key in ids))
    return at(root)


@pytest.mark.more_of("spark")
def test_no_update_is_lost(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table = make(tmp_path, 1)

    update = partial(writes.update, table, {"part": "part + 1"}, "id = 1")
    callers = 2 if engine.name == "spark" else 3  # it takes seconds for each attempt
    done = at_once([partial(until_done, update)] * callers)
    assert held(table) == [row(1) | {"part": 1 + callers}]
    assert sorted(one.version for one in done) == [*range(1, callers + 1)]
    for one in done:  # each is the version that it committed, whatever came after
        assert held(table, one.version)[0]["part"] == 1 + one.version


@pytest.mark.more_of("spark")
def test_appends_beside_a_compaction_are_all_there_once(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    if engine.name == "sail":  # which compacts no files
        return
    table = make(tmp_path, 1)
    writes.append(table, stage(tmp_path / "2", [row(2)]))
    batches = [stage(tmp_path / str(key), [row(key)]) for key in range(3, 9)]

    def append(batches: Sequence[Rows]) -> list[Written]:
        return [until_done(partial(writes.append, table, rows)) for rows in batches]

    compact = partial(until_done, partial(writes.compact, table))
    first, second, _ = at_once(
        [partial(append, batches[:3]), partial(append, batches[3:]), compact]
    )
    assert held(table) == [row(key) for key in range(1, 9)]
    for key, one in enumerate([*first, *second], start=3):
        before, after = (held(table, one.version - back) for back in (1, 0))
        assert [found for found in after if found not in before] == [row(key)]


def test_engines_change_one_table_beside_each_other(tmp_path: Path) -> None:
    """Except Spark, whose log store for disks is safe within one JVM."""
    table = make(tmp_path, *range(1, 10))
    engines = [registry.start(EngineSpec(name)) for name in FAST_ENGINES]

    def change(engine: Engine, gone: Rows) -> None:
        writes: Any = writes_of(engine)
        until_done(partial(writes.delete_keys, table, gone, ("id",)))
        until_done(partial(writes.update, table, {"part": "part + 1"}, "id = 9"))

    gone = [keys(tmp_path / str(key), key) for key in (1, 2, 3)]
    at_once([partial(change, *pair) for pair in zip(engines, gone, strict=True)])
    assert held(table) == [*(row(key) for key in range(4, 9)), row(9) | {"part": 4}]


def overtaken(table: DeltaTable, change: Callable[[deltalake.DeltaTable], Any]) -> DeltalakeWrites:
    """Writes whose rows are read only when another has changed the table meanwhile."""

    def read(rows: Rows) -> Any:
        change(deltalake.DeltaTable(table.uri))
        return duckdb.connect().read_parquet(list(rows.files))

    return DeltalakeWrites("overtaken", Streamed(read), write_paths("append", "merge"))


def an_append(other: deltalake.DeltaTable) -> None:
    deltalake.write_deltalake(other, table_of([row(4)]), mode="append")


OVERTAKEN: dict[str, Callable[[deltalake.DeltaTable], Any]] = {
    "by a deletion": lambda other: other.delete("id = 1"),
    "by an update": lambda other: other.update({"part": "7"}, predicate="id = 2"),
    "by an append": an_append,
}


@pytest.mark.parametrize("change", OVERTAKEN.values(), ids=OVERTAKEN)
def test_a_merge_that_is_overtaken_leaves_nothing(
    change: Callable[[deltalake.DeltaTable], Any], tmp_path: Path
) -> None:
    table = make(tmp_path, 1, 2)
    writes = overtaken(table, change)
    rows = stage(tmp_path / "rows", [row(1, "m"), row(4, "m")])
    with pytest.raises(WriteConflictError, match=r"table t: merge: .*concurrent transaction"):
        writes.merge(table, rows, ("id",))
    assert deltalake.DeltaTable(table.uri).version() == 1
    assert "m" not in [found["Name"] for found in held(table)]


def test_an_append_that_is_overtaken_goes_on_and_says_so(tmp_path: Path) -> None:
    table = make(tmp_path, 1)
    writes = overtaken(table, an_append)
    done = writes.append(table, stage(tmp_path / "rows", [row(5)]))
    assert done == Written(2, 1, "append", conflicts=1)
    assert held(table) == [row(1), row(4), row(5)]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_what_is_no_conflict_stays_an_error(engine: Engine, tmp_path: Path) -> None:
    writes: Any = writes_of(engine)
    table = make(tmp_path, 1)
    with pytest.raises(EngineError, match="nothere") as raised:
        writes.delete(table, "nothere = 1")
    assert not isinstance(raised.value, WriteConflictError)
    assert deltalake.DeltaTable(table.uri).version() == 0


# As delta-rs 0.32 (CommitConflictError, TransactionError) and Delta Lake 4.4 (DeltaErrors) say it
SAID_BY_DELTALAKE = {
    "Failed to commit transaction: Commit failed: a concurrent transactions added new data.": True,
    "Failed to commit transaction: Commit failed: a concurrent transaction deleted data": True,
    "Failed to commit transaction: Metadata changed since last commit.": True,
    "Failed to commit transaction: Protocol changed since last commit: protocol changed": True,
    "Failed to commit transaction: Concurrent transaction failed.": True,
    "Failed to commit transaction: 15": True,
    "Tried committing existing table version: 3": True,
    "Failed to commit transaction: Snapshot is corrupted: x": False,
    "Log storage error: permission denied": False,
    "The transaction includes Remove action with data change but Delta table is append-only": False,
}
SAID_BY_SPARK = {
    "[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Transaction conflict detected.": True,
    "[DELTA_CONCURRENT_DELETE_READ.WITHOUT_HINT] Transaction conflict detected.": True,
    "[DELTA_CONCURRENT_DELETE_DELETE] Transaction conflict detected.": True,
    "[DELTA_CONCURRENT_TRANSACTION] ConcurrentTransactionException": True,
    "[DELTA_CONCURRENT_WRITE] ConcurrentWriteException": True,
    "[DELTA_METADATA_CHANGED] MetadataChangedException": True,
    "[DELTA_PROTOCOL_CHANGED.WITH_HINT] Transaction conflict detected.": True,
    "[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint violated for column: id.": False,
    "[DELTA_CANNOT_MODIFY_APPEND_ONLY] This table is configured to only allow appends.": False,
}


@pytest.mark.parametrize(
    ("module", "words", "is_conflict"),
    [
        *((deltalake_writes, words, found) for words, found in SAID_BY_DELTALAKE.items()),
        *((spark_writes, words, found) for words, found in SAID_BY_SPARK.items()),
    ],
)
def test_a_conflict_is_told_by_its_words(module: Any, words: str, is_conflict: bool) -> None:
    assert module.is_conflict(Exception(words)) == is_conflict
    assert not module.is_conflict(Exception(re.sub(r"[A-Za-z]+", "other", words)[:20]))
