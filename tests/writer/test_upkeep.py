"""A log gets its checkpoints, and loses what lies before them, as the table's properties say."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import deltalake
import pytest

from neuralake.delta.carry import Last, carry
from neuralake.delta.disk import DiskStore
from neuralake.delta.log import LogSegment
from neuralake.delta.store import Store, Stored
from neuralake.writer import Writer
from neuralake.writer.errors import WriterError
from neuralake.writer.events import Event
from neuralake.writer.roles import run_role
from neuralake.writer.stopping import Stopping
from neuralake.writer.task import Task
from neuralake.writer.upkeep import Upkeep
from tests.delta.make import actions, commit, write_table
from tests.waiting import until
from tests.writer.conftest import EVENTS, events

Make = Callable[..., str]
EVERY_4 = {"delta.checkpointInterval": "4"}


class Watch:
    """A clock that a test sets."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def append(path: str, times: int) -> None:
    with Writer(path) as writer:
        for i in range(times):
            writer.append(events(10 * i))


def checkpoints(path: str) -> list[int]:
    log = Path(path) / "_delta_log"
    return sorted(int(f.name[:20]) for f in log.glob("*.checkpoint.parquet"))


def entries(path: str) -> list[int]:
    return sorted(int(f.stem) for f in (Path(path) / "_delta_log").glob("*.json"))


def grow_old(path: str, seconds: float) -> None:
    then = time.time() - seconds
    for file in (Path(path) / "_delta_log").iterdir():
        os.utime(file, (then, then))


def work(seconds: float) -> None:
    """Take so much of a processor."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_checkpoint_every_so_many_commits(make_table: Make) -> None:
    path = make_table(configuration=EVERY_4)
    watch = Watch()
    upkeep = Upkeep(path, clock=watch)
    made = []
    for _ in range(10):
        append(path, 1)
        watch.now += 60
        done = upkeep.run_once()
        if done is not None:
            assert done.checkpoint == done.version
            made.append(done.version)
    assert made == [4, 8]
    assert checkpoints(path) == [4, 8]
    assert upkeep.run_once() is None


def test_fifty_unless_the_table_says_otherwise(make_table: Make) -> None:
    path = make_table()
    append(path, 49)
    upkeep = Upkeep(path)
    assert upkeep.run_once() is None
    append(path, 1)
    done = upkeep.run_once()
    assert done is not None
    assert done.checkpoint == 50


def test_checkpoints_of_others_count(make_table: Make) -> None:
    path = make_table(configuration=EVERY_4)
    upkeep = Upkeep(path)
    append(path, 3)
    assert upkeep.run_once() is None
    deltalake.DeltaTable(path).create_checkpoint()
    append(path, 3)
    assert upkeep.run_once() is None
    assert Upkeep(path).run_once() is None
    append(path, 1)
    done = upkeep.run_once()
    assert done is not None
    assert done.checkpoint == 7


def test_however_fast_a_table_is_written_they_take_a_tenth_of_a_processor(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_table(configuration=EVERY_4)
    watch = Watch()
    upkeep = Upkeep(path, clock=watch)
    work_s = 0.1

    def slow(store: Store, segment: LogSegment, since_ms: int, last: Last) -> bool:
        work(work_s)
        watch.now += 2  # of which others had most
        return carry(store, segment, since_ms, last)

    monkeypatch.setattr("neuralake.writer.upkeep.carry", slow)
    deltalake.DeltaTable(path).create_checkpoint()
    append(path, 4)
    assert upkeep.run_once() is not None
    append(path, 40)
    watch.now += 9 * work_s - 0.1
    assert upkeep.run_once() is None
    watch.now += 9 * 2  # however much work it was, it was not more than the time that passed
    done = upkeep.run_once()
    assert done is not None
    assert (done.checkpoint, done.checkpoint_ns) == (44, 2 * 10**9)


def test_after_one_that_was_made_anew_the_next_is_not_put_off(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_table(configuration=EVERY_4)
    watch = Watch()
    upkeep = Upkeep(path, clock=watch)
    create_checkpoint = deltalake.DeltaTable.create_checkpoint

    def slow(table: deltalake.DeltaTable) -> None:
        work(0.1)
        watch.now += 0.1
        create_checkpoint(table)

    def made() -> int | None:
        append(path, 4)
        done = upkeep.run_once()
        return None if done is None else done.checkpoint

    monkeypatch.setattr(deltalake.DeltaTable, "create_checkpoint", slow)
    assert made() == 4
    assert made() == 8  # carried on from it
    # Where that cannot be, each one costs as much as the first
    watch.now += 60
    monkeypatch.setattr("neuralake.writer.upkeep.carry", lambda *_: False)
    assert made() == 12
    assert made() == 16
    assert made() is None
    watch.now += 0.1 * 9 + 0.1
    assert made() == 24


def test_a_checkpoint_is_of_a_version_that_is_known(make_table: Make) -> None:
    """Whatever is listed after it: of entries that are being added the listing may lack one."""
    path = make_table(configuration=EVERY_4)
    upkeep = Upkeep(path)
    assert upkeep.run_once() is None
    append(path, 4)
    commit(Path(path), 6, {"txn": {"appId": "ahead", "version": 1}})

    done = upkeep.run_once()

    assert done is not None
    assert done.checkpoint == 4
    assert checkpoints(path) == [4]


def test_old_entries_go(make_table: Make) -> None:
    path = make_table(configuration={**EVERY_4, "delta.logRetentionDuration": "interval 1 hours"})
    append(path, 6)
    upkeep = Upkeep(path)
    assert upkeep.run_once() is not None
    grow_old(path, 7200)
    append(path, 1)
    watch = Watch()
    upkeep = Upkeep(path, clock=watch)
    done = upkeep.run_once()
    assert done is not None
    assert (done.version, done.checkpoint, done.removed) == (7, None, 6)
    assert entries(path) == [6, 7]
    assert deltalake.DeltaTable(path, version=6).version() == 6
    with Writer(path) as writer:
        assert writer.append(events(0)).version == 8
    assert upkeep.run_once() is None


def test_a_checkpoint_does_not_wait_until_all_old_entries_are_removed(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuralake.delta.clean_up._AT_ONCE", 1)
    hour = {"delta.logRetentionDuration": "interval 1 hour"}
    path = make_table(configuration={**EVERY_4, **hour})
    append(path, 4)
    deltalake.DeltaTable(path).create_checkpoint()
    grow_old(path, 7200)
    append(path, 1)
    removed: list[int] = []
    delete = DiskStore.delete

    def and_append(store: DiskStore, paths: Sequence[str]) -> None:
        delete(store, paths)
        if any(p.endswith(".json") for p in paths):
            append(path, 1)
            removed.append(len(checkpoints(path)))

    monkeypatch.setattr(DiskStore, "delete", and_append)
    watch = Watch()
    done = Upkeep(path, clock=watch).run_once()
    assert done is not None
    assert (done.removed, done.checkpoint) == (4, 8)
    assert removed == [1, 1, 1, 2]  # made after the third was removed
    assert entries(path) == [4, 5, 6, 7, 8, 9]


def test_the_log_is_listed_only_where_others_make_checkpoints(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing of a local directory costs what all of its files cost."""
    path = make_table(configuration=EVERY_4)
    append(path, 4)
    watch = Watch()
    upkeep = Upkeep(path, clock=watch)
    upkeep.run_once()
    assert checkpoints(path) == [4]
    listed: list[str] = []
    whole = DiskStore.list

    def told(store: DiskStore, prefix: str = "", after: str = "") -> Iterator[Stored]:
        listed.append(prefix)
        return whole(store, prefix, after)

    monkeypatch.setattr(DiskStore, "list", told)
    for made in ([4, 8], [4, 8, 12]):
        append(path, 4)
        listed.clear()
        upkeep.run_once()
        assert checkpoints(path) == made
        assert listed == []
    append(path, 2)
    deltalake.DeltaTable(path).create_checkpoint()
    append(path, 2)
    listed.clear()
    assert upkeep.run_once() is None
    assert listed
    append(path, 2)
    upkeep.run_once()
    assert checkpoints(path) == [4, 8, 12, 14, 18]


def test_a_table_that_keeps_its_log(make_table: Make) -> None:
    properties = {
        "delta.logRetentionDuration": "interval 1 hours",
        "delta.enableExpiredLogCleanup": "false",
    }
    path = make_table(configuration={**EVERY_4, **properties})
    append(path, 6)
    assert Upkeep(path).run_once() is not None
    grow_old(path, 7200)
    assert Upkeep(path).run_once() is None
    assert entries(path) == list(range(7))


@pytest.mark.parametrize(
    ("feature", "checkpoint", "removed", "reason"),
    [
        ("something-to-come", None, 0, "gets no checkpoint: .*something-to-come"),
        ("checkpointProtection", 8, 0, "is not cleaned up: .*checkpointProtection"),
        ("rowTracking", 8, 4, None),
        ("clustering", 8, 4, None),
    ],
)
def test_features(
    tmp_path: Path, feature: str, checkpoint: int | None, removed: int, reason: str | None
) -> None:
    properties = {**EVERY_4, "delta.logRetentionDuration": "interval 1 hours"}
    write_table(tmp_path, EVENTS, [], configuration=properties)
    head, metadata = actions(tmp_path, 0)
    head["protocol"] |= {"minWriterVersion": 7, "writerFeatures": [feature]}
    commit(tmp_path, 0, head, metadata)
    path = str(tmp_path)
    for version in range(1, 5):
        commit(tmp_path, version, {"txn": {"appId": "x", "version": version}})
    deltalake.DeltaTable(path).create_checkpoint()
    grow_old(path, 7200)
    for version in range(5, 9):
        commit(tmp_path, version, {"txn": {"appId": "x", "version": version}})
    told: list[str] = []
    watch = Watch()
    upkeep = Upkeep(path, warn=told.append, clock=watch)

    done = upkeep.run_once()

    assert (done.checkpoint if done else None) == checkpoint
    assert (done.removed if done else 0) == removed
    watch.now += 3600
    upkeep.run_once()
    if reason is None:
        assert not told
    else:
        first = [line for line in told if re.search(reason, line)]
        assert len(first) == 1, told
    assert len(told) == len(set(told))


def test_a_property_that_is_no_number(make_table: Make) -> None:
    path = make_table()
    head = actions(Path(path), 0)
    for action in head:
        if "metaData" in action:
            action["metaData"]["configuration"]["delta.checkpointInterval"] = "often"
    commit(Path(path), 0, *head)
    with pytest.raises(WriterError, match="checkpointInterval is no number of commits: 'often'"):
        Upkeep(path).run_once()


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(WriterError, match="cannot be kept: no Delta table at"):
        Upkeep(str(tmp_path / "nowhere")).run_once()


def test_it_runs_until_told_to_stop(make_table: Make) -> None:
    path = make_table(configuration=EVERY_4)
    stop = threading.Event()
    made = []

    def tell(done: object) -> None:
        made.append(done)
        stop.set()

    thread = threading.Thread(target=Upkeep(path).run, args=(stop, 0.001, tell))
    thread.start()
    append(path, 8)
    thread.join(300)
    assert not thread.is_alive()
    assert len(made) == 1
    assert len(checkpoints(path)) == 1


def test_it_does_not_wait_for_the_pause_between_two_compactions(make_table: Make) -> None:
    path = make_table(configuration=EVERY_4)
    stopping = Stopping()
    told: list[Event] = []
    task = Task("compact", "events", path, every_s=3600.0)
    thread = threading.Thread(target=run_role, args=(task, told.append, stopping))
    thread.start()
    until(lambda: any(event.kind == "ready" for event in told))
    append(path, 5)
    until(lambda: checkpoints(path))
    stopping.request()
    thread.join(300)
    assert not thread.is_alive()
    assert {event.kind for event in told} == {"ready", "did", "figures"}
    assert any(event.text.startswith("made the checkpoint of") for event in told)
