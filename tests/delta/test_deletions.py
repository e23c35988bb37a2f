"""Deleted rows as the log tells them are those that deltalake finds, at any version."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pyarrow as pa

from neuralake.delta.deletions import kept_by_file
from neuralake.delta.snapshot import Snapshot
from tests.delta.make import File, actions, commit, deletion_vector, write_table

ROWS = pa.table({"id": pa.array(range(6), pa.int64())})


def table(root: Path) -> str:
    """Two files: one loses rows in version 1, more in 2, and is gone in 3."""
    files = [File(ROWS, "a b.parquet"), File(ROWS, "c.parquet", deleted=[5])]
    write_table(root, ROWS.schema, files, features=["deletionVectors"])
    (add, _) = [a["add"] for a in actions(root, 0) if "add" in a]
    first = {**add, "deletionVector": deletion_vector(1)}
    second = {**add, "deletionVector": deletion_vector(1, 3)}
    commit(root, 1, {"add": first}, {"remove": removed(add)})
    commit(root, 2, {"remove": removed(first)}, {"add": second})
    commit(root, 3, {"remove": removed(second)})
    return str(root)


def removed(add: dict[str, object]) -> dict[str, object]:
    kept = {"path", "dataChange", "partitionValues", "size", "deletionVector"}
    found = {name: value for name, value in add.items() if name in kept}
    return {**found, "deletionTimestamp": 1, "extendedFileMetadata": True}


def deleted(uri: str, version: int) -> dict[str, list[int]]:
    found = kept_by_file(uri, {}, version)
    return {
        file.removeprefix(f"{uri}/"): [i for i, kept in enumerate(rows.to_pylist()) if not kept]
        for file, rows in found.items()
    }


def test_each_version_has_its_own(tmp_path: Path) -> None:
    uri = table(tmp_path / "t")
    assert deleted(uri, 0) == {"c.parquet": [5]}
    assert deleted(uri, 1) == {"a b.parquet": [1], "c.parquet": [5]}
    assert deleted(uri, 2) == {"a b.parquet": [1, 3], "c.parquet": [5]}
    assert deleted(uri, 3) == {"c.parquet": [5]}


def test_they_are_those_of_deltalake(tmp_path: Path) -> None:
    uri = table(tmp_path / "t")
    for version in range(4):
        snapshot = Snapshot(deltalake.DeltaTable(uri, version), uri)
        theirs = {f.uri: f.deleted for f in snapshot.files if f.deleted}
        ours = {f: rows.false_count for f, rows in kept_by_file(uri, {}, version).items()}
        assert ours == theirs


def test_a_checkpoint_tells_them_too(tmp_path: Path) -> None:
    uri = table(tmp_path / "t")
    deltalake.DeltaTable(uri, 2).create_checkpoint()
    for version in (0, 1):
        (tmp_path / "t" / "_delta_log" / f"{version:020d}.json").unlink()
    assert deleted(uri, 2) == {"a b.parquet": [1, 3], "c.parquet": [5]}
    assert deleted(uri, 3) == {"c.parquet": [5]}
