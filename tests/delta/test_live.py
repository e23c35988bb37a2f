"""A table's live files, followed through its log, are those that deltalake finds."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import NotATableError, entry_path
from neuralake.delta.store import Stored
from tests.delta.make import Action, actions, commit, deletion_vector, log_file, write_table
from tests.more import drawn


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64()), "k": [f"k{i % 3}" for i in ids]})


def add(path: str, **more: Any) -> Action:
    stats = '{"numRecords":4}'
    plain = {"partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}
    return {"add": {"path": path, "stats": stats, **plain, **more}}


def remove(path: str, timestamp: int | None = 7, **more: Any) -> Action:
    said = {} if timestamp is None else {"deletionTimestamp": timestamp}
    return {"remove": {"path": path, "dataChange": True, **said, **more}}


def empty(root: Path) -> Path:
    return write_table(root, pa.schema([("id", pa.int64())]), [], features=["deletionVectors"])


def live(root: Path, **options: bool) -> LiveFiles:
    return LiveFiles(DiskStore(root), **options)


def by_deltalake(root: Path) -> set[tuple[str, int, int | None]]:
    actions = pa.table(deltalake.DeltaTable(str(root)).get_add_actions()).to_pylist()
    return {(a["path"], a["size_bytes"], a.get("num_records")) for a in actions}


def found(live: LiveFiles) -> set[tuple[str, int, int | None]]:
    return {(file.place, file.add.size, file.rows) for file in live.files.values()}


def test_entries_alone(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path), rows(1, 2, 3), partition_by=["k"])
    deltalake.write_deltalake(str(tmp_path), rows(4), mode="append")

    assert found(live(tmp_path)) == by_deltalake(tmp_path)


def test_a_checkpoint_and_the_entries_after_it(tmp_path: Path) -> None:
    for i in range(3):
        deltalake.write_deltalake(str(tmp_path), rows(i), mode="append")
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    deltalake.DeltaTable(str(tmp_path)).delete("id = 1")
    followed = live(tmp_path)

    assert found(followed) == by_deltalake(tmp_path)
    assert followed.state.version == 3


def test_following_reads_what_was_committed_since(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path), rows(1))
    followed = live(tmp_path)
    first = list(followed.files.values())
    assert followed.follow().added == ()
    deltalake.write_deltalake(str(tmp_path), rows(2), mode="append")
    deltalake.write_deltalake(str(tmp_path), rows(3), mode="overwrite")

    changes = followed.follow()

    assert [file.rows for file in changes.added] == [1]
    assert list(changes.removed) == first  # what came and went is in neither
    assert not changes.is_reloaded
    assert followed.state.version == 2
    assert found(followed) == by_deltalake(tmp_path)


def test_files_are_in_the_order_of_their_commits(tmp_path: Path) -> None:
    for i in range(12):
        deltalake.write_deltalake(str(tmp_path), rows(i), mode="append")
    names = [file.place for file in live(tmp_path).files.values()]
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()

    assert [file.place for file in live(tmp_path).files.values()] == names
    entries = [actions(tmp_path, version) for version in range(12)]
    assert names == [a["add"]["path"] for entry in entries for a in entry if "add" in a]


def test_a_deletion_vector_makes_another_file_of_one_path(tmp_path: Path) -> None:
    vector = deletion_vector(0, 2)
    commit(empty(tmp_path), 1, add("a"))
    followed = live(tmp_path)
    commit(tmp_path, 2, remove("a"), add("a", deletionVector=vector))

    changes = followed.follow()

    assert [(file.place, file.deleted) for file in followed.files.values()] == [("a", 2)]
    assert [file.deleted for file in changes.added] == [2]
    assert [file.deleted for file in changes.removed] == [0]
    commit(tmp_path, 3, remove("a"))  # of the file without the vector, which is gone already
    followed.follow()
    assert len(followed.files) == 1
    commit(tmp_path, 4, remove("a", deletionVector=vector))
    assert [file.deleted for file in followed.follow().removed] == [2]
    assert not followed.files


@pytest.mark.parametrize(
    ("added", "removed"),
    [
        ("a%20b.parquet", "a b.parquet"),
        ("k=a%253Db/x.parquet", "k=a%253db/x.parquet"),
        ("file:/elsewhere/x", "/elsewhere/x"),
        ("file:///elsewhere/x", "file:/elsewhere/x"),
        ("sub//x", "sub/x"),
    ],
)
def test_one_file_under_two_spellings(tmp_path: Path, added: str, removed: str) -> None:
    if "%253D" in added:
        removed = added  # a file's own name is not percent-encoding: it keeps its case
    commit(empty(tmp_path), 1, add(added))
    commit(tmp_path, 2, remove(removed))

    assert not live(tmp_path).files


def test_an_absolute_path_below_the_table(tmp_path: Path) -> None:
    commit(empty(tmp_path), 1, add(f"file://{tmp_path}/sub/x"), add("y"))
    assert [file.place for file in live(tmp_path).files.values()] == ["sub/x", "y"]
    commit(tmp_path, 2, remove("sub/x"), remove(f"{tmp_path}/y"))

    assert not live(tmp_path).files


def test_tombstones_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    commit(empty(tmp_path), 1, add("a"), add("b"), add("c"))
    commit(tmp_path, 2, remove("a", 5), remove("b", None), remove("c", 9))
    commit(tmp_path, 3, add("c"))  # again, as a restored table has it
    assert not live(tmp_path).tombstones
    followed = live(tmp_path, keeps_tombstones=True)

    assert {t.place: (t.timestamp_ms, t.version) for t in followed.tombstones.values()} == {
        "a": (5, 2),
        "b": (0, 2),
    }
    assert not followed.forget(lambda tombstone: tombstone.place == "b")  # not before the first
    assert [t.place for t in followed.forget(lambda t: t.timestamp_ms <= 5)] == ["a", "b"]
    assert not followed.tombstones


def test_a_place_is_not_told_of_as_forgotten_while_another_file_lies_there(tmp_path: Path) -> None:
    """Files of one place differ in their deletion vectors."""
    one, other = ({"deletionVector": deletion_vector(*rows)} for rows in ((0,), (0, 1)))
    commit(empty(tmp_path), 1, add("a"), add("b"))
    commit(tmp_path, 2, remove("a", 1), add("a", **one), remove("b", 2))
    commit(tmp_path, 3, remove("a", 3, **one), add("a", **other), add("b"))
    followed = live(tmp_path, keeps_tombstones=True)
    assert [t.timestamp_ms for t in followed.tombstones.values()] == [1, 3]
    assert not followed.forget(lambda _: True)
    commit(tmp_path, 4, remove("a", 4, **other), remove("b", 4))
    followed.follow()
    assert [t.place for t in followed.forget(lambda _: True)] == ["a", "b"]


def test_statistics_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    deltalake.write_deltalake(str(tmp_path), rows(1, 2))
    (without,) = live(tmp_path).files.values()
    (kept,) = live(tmp_path, keeps_statistics=True).files.values()

    assert without.add.stats is None
    assert without.rows == kept.rows == 2
    assert kept.add.stats is not None
    assert '"numRecords":2' in kept.add.stats


@pytest.mark.parametrize("stats", [None, "", "{}", "no JSON", '{"numRecords":null}', '{"num'])
def test_statistics_that_say_nothing(tmp_path: Path, stats: str | None) -> None:
    commit(empty(tmp_path), 1, add("a", stats=stats))

    assert [file.rows for file in live(tmp_path).files.values()] == [None]


def test_entries_that_were_cleaned_up(tmp_path: Path) -> None:
    for i in range(3):
        deltalake.write_deltalake(str(tmp_path), rows(i), mode="append")
    followed = live(tmp_path)
    kept = list(followed.files.values())
    for i in range(3):
        deltalake.write_deltalake(str(tmp_path), rows(3 + i), mode="append")
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    for version in range(5):
        log_file(tmp_path, version).unlink()

    changes = followed.follow()

    assert changes.is_reloaded
    assert [file.rows for file in changes.added]
    assert followed.state.version == 5
    assert found(followed) == by_deltalake(tmp_path)
    assert {file.place for file in kept} <= {file.place for file in followed.files.values()}


def test_a_table_that_was_made_anew(tmp_path: Path) -> None:
    table = tmp_path / "t"
    for i in range(3):
        deltalake.write_deltalake(str(table), rows(i), mode="append")
    followed = live(table)
    old = list(followed.files.values())
    shutil.rmtree(table)
    for i in range(5):
        deltalake.write_deltalake(str(table), rows(i), mode="append")

    changes = followed.follow()

    assert changes.is_reloaded
    assert list(changes.removed) == old
    assert len(changes.added) == 5
    assert found(followed) == by_deltalake(table)


def test_an_entry_that_is_none_is_refused_as_a_whole(tmp_path: Path) -> None:
    commit(empty(tmp_path), 1, add("a"))
    followed = live(tmp_path)
    commit(tmp_path, 2, add("b"))
    commit(tmp_path, 3, remove("a"), add("c"))
    whole = log_file(tmp_path, 3).read_text()
    log_file(tmp_path, 3).write_text(whole[:-20])

    for _ in range(2):
        with pytest.raises(ValueError, match=r"00003\.json is not a log entry"):
            followed.follow()
        assert followed.state.version == 2
        assert [file.place for file in followed.files.values()] == ["a", "b"]
    log_file(tmp_path, 3).write_text(whole)
    changes = followed.follow()
    assert [file.place for file in changes.removed] == ["a"]
    assert [file.place for file in followed.files.values()] == ["b", "c"]


def test_a_reload_that_fails_leaves_what_there_was(tmp_path: Path) -> None:
    commit(empty(tmp_path / "t"), 1, add("a"))
    followed = live(tmp_path / "t")
    (tmp_path / "t").rename(tmp_path / "away")

    with pytest.raises(NotATableError):
        followed.follow()

    assert followed.state.version == 1
    (tmp_path / "away").rename(tmp_path / "t")
    assert followed.follow().added == ()


def test_a_listing_that_misses_entries_which_are_there(tmp_path: Path) -> None:
    """As that of a directory may, to which entries are being added."""
    empty(tmp_path)
    for version in range(1, 9):
        commit(tmp_path, version, add(f"file-{version}"))

    class Missing(DiskStore):
        def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
            missed = {entry_path(5), entry_path(7)}
            return (s for s in super().list(prefix, after) if s.path not in missed)

    assert len(LiveFiles(Missing(tmp_path)).files) == 8
    log_file(tmp_path, 5).unlink()
    with pytest.raises(NotATableError, match="no entry of version 5, and no checkpoint after it"):
        LiveFiles(Missing(tmp_path))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(NotATableError, match="no Delta table at"):
        live(tmp_path)


STEPS = st.lists(
    st.sampled_from(
        ["append", "append", "overwrite", "delete", "optimize", "checkpoint", "follow"]
    ),
    max_size=12,
)


@settings(max_examples=drawn(25))
@given(steps=STEPS, seed=st.integers(0, 2**32), partitioned=st.booleans())
def test_any_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], seed: int, partitioned: bool
) -> None:
    root = tmp_path_factory.mktemp("table")
    draw = random.Random(seed)
    deltalake.write_deltalake(
        str(root), rows(*range(4)), partition_by=["k"] if partitioned else None
    )
    followed = live(root, keeps_tombstones=True)
    known = dict(followed.files)
    for step in steps:
        table = deltalake.DeltaTable(str(root))
        ids = [draw.randrange(20) for _ in range(draw.randrange(1, 4))]
        match step:
            case "append":
                deltalake.write_deltalake(table, rows(*ids), mode="append")
            case "overwrite":
                deltalake.write_deltalake(table, rows(*ids), mode="overwrite")
            case "delete":
                table.delete(f"id < {draw.randrange(20)}")
            case "optimize":
                table.optimize.compact()
            case "checkpoint":
                table.create_checkpoint()
            case "follow":
                changes = followed.follow()
                for file in changes.removed:
                    assert known.pop(file.key) == file
                for file in changes.added:
                    assert file.key not in known
                    known[file.key] = file
                assert known == followed.files
    followed.follow()

    assert found(followed) == found(live(root)) == by_deltalake(root)
    assert followed.state.version == deltalake.DeltaTable(str(root)).version()
    assert not followed.files.keys() & followed.tombstones.keys()
    everything = {t.place for t in followed.tombstones.values()} | {p for p, *_ in found(followed)}
    assert everything == {str(f.relative_to(root)) for f in root.rglob("*.parquet")} - {
        str(f.relative_to(root)) for f in (root / "_delta_log").rglob("*")
    }
