"""What is removed from a log is needed by no version within its retention."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralake.delta.clean_up import clean_up
from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.state import load_state
from tests.delta.make import Action, actions, commit, write_table
from tests.more import drawn

HOUR = 3600
PROPERTIES = {"delta.logRetentionDuration": "interval 1 hours"}


def make(
    root: Path,
    ages_s: Sequence[float],
    checkpoints: Sequence[int] = (),
    properties: Mapping[str, str] = PROPERTIES,
    times: Sequence[int] | None = None,
) -> Path:
    """A log of which each entry adds a file, and is of some age; checkpoints are older."""
    write_table(root, pa.schema([("id", pa.int64())]), [], configuration=properties)
    head = actions(root, 0)
    if times is not None:
        head[0]["protocol"] |= {"minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]}
    for version in range(len(ages_s)):
        info: list[Action] = []
        if times is not None:
            info = [{"commitInfo": {"inCommitTimestamp": times[version]}}]
        commit(root, version, *info, *(head if version == 0 else []), add(version))
    for version in checkpoints:
        deltalake.DeltaTable(str(root), version=version).create_checkpoint()
        age(root, f"{version:020}.checkpoint.parquet", HOUR)
    for version, seconds in enumerate(ages_s):
        age(root, f"{version:020}.json", seconds)
    return root


def add(version: int) -> Action:
    plain = {"partitionValues": {}, "size": 1, "modificationTime": version, "dataChange": True}
    return {"add": {"path": f"file-{version}", **plain}}


def age(root: Path, name: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(root / "_delta_log" / name, (then, then))


def run(root: Path) -> int:
    store = DiskStore(root)
    return clean_up(store, load_state(store))


def names(root: Path) -> list[str]:
    return sorted(
        f.name.replace("0" * 19, "") for f in (root / "_delta_log").iterdir() if f.is_file()
    )


def openable(root: Path, version: int) -> bool:
    """Whether a version can be opened, and has its files."""
    try:
        table = deltalake.DeltaTable(str(root), version=version)
    except Exception:  # noqa: BLE001 - deltalake's are of many kinds
        return False
    found = set(pa.table(table.get_add_actions())["path"].to_pylist())
    return found == {f"file-{v}" for v in range(version + 1)}


def test_what_lies_before_the_checkpoint_is_removed(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR, 0.5 * HOUR, 0], [1, 3])

    # version 3 was the newest when the hour began
    assert run(tmp_path) == 4

    assert names(tmp_path) == [
        "3.checkpoint.parquet",
        "3.json",  # which tells of the commit
        "4.json",
        "5.json",
        "_last_checkpoint",
    ]
    assert all(openable(tmp_path, version) for version in (3, 4, 5))
    assert LiveFiles(DiskStore(tmp_path)).state.version == 5
    assert run(tmp_path) == 0


def test_the_checkpoint_is_no_newer_than_what_is_needed(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR, 0.5 * HOUR, 0], [1, 4])
    assert run(tmp_path) == 1
    assert all(openable(tmp_path, version) for version in (1, 2, 3, 4, 5))


@pytest.mark.parametrize("checkpoints", [[], [5], [0]])
def test_without_such_a_checkpoint_all_is_kept(tmp_path: Path, checkpoints: list[int]) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR, 0.5 * HOUR, 0], checkpoints)
    before = names(tmp_path)
    assert run(tmp_path) == 0
    assert names(tmp_path) == before


def test_a_checkpoint_that_is_not_whole_is_none(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [2])
    log = tmp_path / "_delta_log"
    part = log / f"{2:020}.checkpoint.0000000001.0000000002.parquet"
    (log / f"{2:020}.checkpoint.parquet").rename(part)
    (log / "_last_checkpoint").unlink()

    assert run(tmp_path) == 0
    assert openable(tmp_path, 1)


def test_a_checkpoint_of_just_now_is_not_relied_on(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [1, 3])
    age(tmp_path, f"{3:020}.checkpoint.parquet", 0)

    assert run(tmp_path) == 1  # by the one before

    assert all(openable(tmp_path, version) for version in (1, 2, 3))


def test_the_checkpoint_that_readers_are_pointed_to_is_kept(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [1, 3])
    log = tmp_path / "_delta_log"
    (log / "_last_checkpoint").write_text('{"version":1,"size":4}')
    run(tmp_path)
    assert (log / f"{1:020}.checkpoint.parquet").exists()
    assert all(openable(tmp_path, version) for version in (1, 2, 3))


def test_a_clock_that_went_back_makes_nothing_older(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 0.5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [0, 4])
    assert run(tmp_path) == 0  # version 1 was committed within the hour, and so were all after it
    assert all(openable(tmp_path, version) for version in range(5))


def test_the_times_in_the_entries_hold_where_there_are(tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    ahead = [now - 5 * HOUR * 1000, *(now - 60_000 + i for i in range(5))]
    properties = {**PROPERTIES, "delta.enableInCommitTimestamps": "true"}
    make(tmp_path, [5 * HOUR] * 6, [0, 4], properties, ahead)

    assert run(tmp_path) == 0
    assert all(openable(tmp_path, version) for version in range(6))


def test_checksums_and_compacted_entries_go_with_it(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [3])
    log = tmp_path / "_delta_log"
    gone = [f"{1:020}.crc", f"{0:020}.{2:020}.compacted.json"]
    kept = [f"{3:020}.crc", "notes.txt", f"{1:020}.json.bak"]
    for name in (*gone, *kept):
        (log / name).write_text("x")
    assert run(tmp_path) == 5
    assert not any((log / name).exists() for name in gone)
    assert all((log / name).exists() for name in kept)


def test_sidecars_that_no_checkpoint_refers_to_go_with_it(tmp_path: Path) -> None:
    make(tmp_path, [5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR], [1, 3])
    log = tmp_path / "_delta_log"
    (log / "_sidecars").mkdir()
    for name, seconds in {"used": 48, "unused": 48, "young": 1}.items():
        (log / "_sidecars" / f"{name}.parquet").write_bytes(b"x")
        age(tmp_path, f"_sidecars/{name}.parquet", seconds * HOUR)
    checkpoint = log / f"{3:020}.checkpoint.parquet"
    table = pq.read_table(checkpoint)
    sidecar = {"path": "used.parquet", "sizeInBytes": 1, "modificationTime": 1}
    place = table.column_names.index("sidecar")
    values = pa.array([sidecar] + [None] * (table.num_rows - 1), table.schema.field(place).type)
    pq.write_table(table.set_column(place, "sidecar", values), checkpoint)
    age(tmp_path, checkpoint.name, HOUR)

    assert run(tmp_path) == 5
    assert sorted(f.stem for f in (log / "_sidecars").iterdir()) == ["used", "young"]


def test_a_retention_that_is_none_is_told(tmp_path: Path) -> None:
    make(tmp_path, [HOUR], [0], {"delta.logRetentionDuration": "3 moons"})
    with pytest.raises(ValueError, match="'3 moons' is no duration"):
        run(tmp_path)


class Stopping(DiskStore):
    """A store that is cut off after so many deletions."""

    left = 0

    def delete(self, paths: Sequence[str]) -> None:
        for path in paths:
            if not path.startswith("_delta_log/."):
                if not self.left:
                    raise OSError("cut off")
                self.left -= 1
            super().delete([path])


@settings(max_examples=drawn(60))
@given(
    steps=st.lists(st.integers(-20, 90), min_size=1, max_size=8),
    where=st.sets(st.integers(0, 8)),
    left=st.integers(0, 20),
)
def test_any_log(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], where: set[int], left: int
) -> None:
    """Minutes between entries, of which some are negative; and it may be cut off at any file."""
    minutes = [sum(steps[i:]) for i in range(len(steps))]
    root = tmp_path_factory.mktemp("log")
    make(root, [m * 60 + 5 for m in minutes], sorted(w for w in where if w < len(steps)))
    newest = len(steps) - 1
    # The time of a version is never before that of an earlier one
    times = [max(-m for m in minutes[: i + 1]) for i in range(len(steps))]
    needed = {v for v in range(newest) if times[v + 1] > -60} | {newest}
    store = Stopping(root)
    store.left = left
    try:
        clean_up(store, load_state(store))
    except OSError:
        assert not store.left
    for version in needed:
        assert openable(root, version), (version, names(root))
    assert LiveFiles(DiskStore(root)).state.version == newest
    assert len(LiveFiles(DiskStore(root)).files) == len(steps)
    run(root)
    assert all(openable(root, version) for version in needed)
    assert not list((root / "_delta_log").glob(".*"))
