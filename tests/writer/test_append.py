from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import deltalake
import polars as pl
import pyarrow as pa
import pytest

from neuralake.delta.log import entry_path
from neuralake.writer import Commit, Writer, waiting
from neuralake.writer.committing import Committer
from neuralake.writer.errors import (
    BatchError,
    SequenceError,
    WriterClosedError,
    WriterDeadlineError,
    WriterError,
)
from neuralake.writer.waiting import Waiting
from tests.writer.conftest import EVENTS, events

Make = Callable[..., str]


def ids(path: str) -> list[int]:
    return sorted(pl.scan_delta(path).collect()["id"].to_list())


def files_of(path: str) -> set[str]:
    return {f.name for f in Path(path).glob("*.parquet")}


def entry(path: str, version: int) -> list[dict[str, dict[str, object]]]:
    return [
        json.loads(line)
        for line in (Path(path) / entry_path(version)).read_text().split("\n")
        if line
    ]


def queue_up(writer: Writer, threads: Sequence[threading.Thread]) -> None:
    """Start threads that append, and return when all of them wait for the turn."""
    for thread in threads:
        thread.start()
    while len(writer._queue._queue) < len(threads):
        pass


def test_an_append_is_there_when_it_returns(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        for i in range(3):
            commit = writer.append(events(10 * i))
            assert (commit.version, commit.rows, commit.appends) == (i + 1, 10, 1)
            assert commit.attempts == 1
            assert not commit.is_repeated
            assert ids(path) == list(range(10 * (i + 1)))
    assert deltalake.DeltaTable(path).version() == 3


def test_the_entry_says_what_other_writers_say(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        commit = writer.append(events(0), sequence=41)
    info, txn, add = entry(path, 1)
    assert info["commitInfo"]["operation"] == "WRITE"
    assert info["commitInfo"]["isBlindAppend"] is True
    assert (txn["txn"]["appId"], txn["txn"]["version"]) == ("rig-7", 41)
    assert add["add"]["dataChange"] is True
    assert add["add"]["size"] == commit.size_bytes
    assert json.loads(str(add["add"]["stats"])) == {
        "numRecords": 10,
        "minValues": {"id": 0, "device": "rig-0", "value": 0.0},
        "maxValues": {"id": 9, "device": "rig-2", "value": 4.5},
        "nullCount": {"id": 0, "device": 0, "value": 0},
    }


def test_a_repeated_sequence_is_recognised_after_a_restart_too(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        writer.append(events(0), sequence=1)
        assert writer.append(events(0), sequence=1).is_repeated
        writer.append(events(0), sequence=1, application="rig-8")
    with Writer(path, "rig-7") as writer:
        again = writer.append(events(0), sequence=1)
        assert (again.is_repeated, again.size_bytes, again.version) == (True, 0, 2)
        assert not writer.append(events(10), sequence=7).is_repeated
        assert writer.append(events(10), sequence=6).is_repeated
    assert ids(path) == sorted([*range(10), *range(10), *range(10, 20)])


def test_a_sequence_that_another_process_wrote_meanwhile_is_not_written_again(
    make_table: Make,
) -> None:
    path = make_table()
    with Writer(path, "rig-7") as mine, Writer(path, "rig-7") as other:
        other.append(events(0), sequence=1)
        assert mine.append(events(0), sequence=1).is_repeated
        other.append(events(10), sequence=2)
        done = mine.append(events(20), sequence=3)
        assert (done.is_repeated, done.version) == (False, 3)
    assert ids(path) == list(range(30))
    assert len(files_of(path)) == 3


def test_batches_that_wait_share_a_commit(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        commits: list[Commit] = []
        with writer._turn:  # a commit is under way
            threads = [
                threading.Thread(target=lambda i=i: commits.append(writer.append(events(10 * i))))
                for i in range(5)
            ]
            queue_up(writer, threads)
        for thread in threads:
            thread.join()
    assert {(c.version, c.appends) for c in commits} == {(1, 5)}
    assert ids(path) == list(range(50))
    assert len(files_of(path)) == 1


def test_the_same_batch_twice_in_a_group_is_written_once(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        commits: list[Commit] = []

        def append() -> None:
            commits.append(writer.append(events(0), sequence=1))

        with writer._turn:
            threads = [threading.Thread(target=append) for _ in range(2)]
            queue_up(writer, threads)
        for thread in threads:
            thread.join()
    assert sorted(c.is_repeated for c in commits) == [False, True]
    assert ids(path) == list(range(10))


def test_a_batch_that_is_done_need_not_have_the_turn(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread would else wait for all threads before it, each of which is woken in its turn."""
    path = make_table()
    commit, gate = Committer.commit, threading.Event()

    def gated(committer: Committer, group: list[Waiting]) -> None:
        commit(committer, group)
        gate.wait(60)

    monkeypatch.setattr(Committer, "commit", gated)
    versions: list[int] = []
    with Writer(path) as writer:
        with writer._turn:
            threads = [
                threading.Thread(
                    target=lambda i=i: versions.append(writer.append(events(i)).version)
                )
                for i in range(0, 80, 10)
            ]
            queue_up(writer, threads)
        until = time.monotonic() + 20
        while len(versions) < 7 and time.monotonic() < until:
            time.sleep(0.001)
        told = list(versions)
        gate.set()
        for thread in threads:
            thread.join()
    assert told == [1] * 7  # all but the one that had the turn
    assert versions == [1] * 8
    assert ids(path) == list(range(80))


def test_those_that_come_back_go_into_one_commit(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE", 1e9)
    monkeypatch.setattr(waiting, "_PATIENCE_S", 60)
    path = make_table()
    with Writer(path) as writer:
        together: list[int] = []

        def append(first: int) -> None:
            together.extend(writer.append(events(first + 10 * i)).appends for i in range(5))

        with writer._turn:
            threads = [threading.Thread(target=append, args=[first]) for first in (0, 50, 100)]
            queue_up(writer, threads)
        for thread in threads:
            thread.join()
    assert together == [3] * 15
    assert ids(path) == list(range(150))


def test_one_that_comes_back_alone_waits_for_the_others_a_little_and_then_no_more(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_table()
    waits: list[float] = []
    with Writer(path) as writer:

        def wait(timeout_s: float) -> None:
            waits.append(timeout_s)

        monkeypatch.setattr(writer._queue._gathered, "wait", wait)
        for i in range(3):
            writer.append(events(10 * i))
        assert waits == []
        with writer._turn:
            threads = [threading.Thread(target=writer.append, args=[events(30)]) for _ in range(2)]
            queue_up(writer, threads)
        for thread in threads:
            thread.join()
        for i in range(4):
            writer.append(events(40 + 10 * i))
    assert len(waits) == 2
    assert all(0 < timeout_s <= 0.002 for timeout_s in waits)


def test_whoever_leads_and_gives_up_leaves_it_to_the_next(make_table: Make) -> None:
    path = make_table()
    ends: list[str] = []
    with Writer(path) as writer:

        def append(first: int, deadline_s: float) -> threading.Thread:
            def run() -> None:
                try:
                    ends.append(str(writer.append(events(first), deadline_s=deadline_s).version))
                except WriterDeadlineError:
                    ends.append("late")

            thread = threading.Thread(target=run)
            thread.start()
            return thread

        with writer._turn:
            impatient = append(0, 0.3)
            while not writer._queue._queue and impatient.is_alive():
                pass
            patient = append(10, 60)
            impatient.join(30)
            assert ends == ["late"]
        patient.join(30)
    assert ends == ["late", "1"]
    assert ids(path) == list(range(10, 20))
    assert len(files_of(path)) == 1


def test_a_sequence_after_a_greater_one_that_waits_is_refused(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        with writer._turn:
            later = threading.Thread(
                target=writer.append, args=[events(10)], kwargs={"sequence": 2}
            )
            later.start()
            while not writer._queue._queue:
                pass
            with pytest.raises(SequenceError, match="sequence 1 of rig-7 comes after 2"):
                writer.append(events(0), sequence=1)
        later.join()
    assert ids(path) == list(range(10, 20))


def test_an_empty_batch_leaves_its_sequence_only(make_table: Make) -> None:
    path = make_table()
    with Writer(path, "rig-7") as writer:
        empty = writer.append(events(0, 0))
        assert (empty.version, empty.rows, empty.attempts) == (0, 0, 0)
        assert writer.append(events(0, 0), sequence=1).version == 1
        assert writer.append(events(0, 5), sequence=1).is_repeated
    assert list(entry(path, 1)[1]) == ["txn"]
    assert ids(path) == []


def test_who_loses_a_race_reads_what_was_missed_and_tries_again(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as first, Writer(path) as second:
        for i in range(3):
            first.append(events(10 * i))
        lost = second.append(events(30))
        assert (lost.version, lost.attempts) == (4, 2)
        assert second.append(events(40)).attempts == 1
    assert ids(path) == list(range(50))


def test_a_schema_that_changed_meanwhile_is_written_in(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        wider = deltalake.Schema.from_arrow(pa.schema([("note", pa.string())])).fields
        deltalake.DeltaTable(path).alter.add_columns(wider)
        writer.append(events(0))
        assert writer.schema.names == ["id", "device", "value", "note"]
        writer.append(events(10).append_column("note", pa.array(["x"] * 10)))
    rows = pl.scan_delta(path).collect().sort("id")
    assert rows["note"].to_list() == [None] * 10 + ["x"] * 10
    assert len(files_of(path)) == 2


def test_a_column_that_may_be_null_no_more_fails_what_no_longer_fits(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        deltalake.DeltaTable(path).alter.add_constraint({"few": "id < 5"})
        with pytest.raises(BatchError, match="row 5 breaks the constraint few"):
            writer.append(events(0))
        writer.append(events(0, 5))
    assert ids(path) == list(range(5))
    assert len(files_of(path)) == 1


def test_a_table_that_was_replaced_is_opened_anew(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        writer.append(events(0))
        deltalake.write_deltalake(path, events(0), mode="overwrite", schema_mode="overwrite")
        writer.append(events(10))  # an overwrite replaces the rows, not the table
        other = deltalake.DeltaTable.create(path, EVENTS, mode="overwrite")
        with pytest.raises(WriterError, match="was replaced at version"):
            writer.append(events(20))
        assert deltalake.DeltaTable(path).version() == other.version()


def test_a_table_that_was_removed_gets_no_entry_beyond_a_gap(
    make_table: Make, tmp_path: Path
) -> None:
    path = make_table()
    with Writer(path) as writer:
        for i in range(3):
            writer.append(events(10 * i))
        Path(path).rename(tmp_path / "away")
        deltalake.DeltaTable.create(path, EVENTS)
        with pytest.raises(WriterError, match="made anew: open it anew"):
            writer.append(events(30))
        Path(path).rename(tmp_path / "too")
        with pytest.raises(WriterError, match="no Delta table"):
            writer.append(events(30))
    assert not (tmp_path / "events" / "_delta_log").exists()


@pytest.mark.parametrize("later", [0, 1, 3])
def test_a_table_that_was_made_anew_is_not_taken_for_the_one_before(
    make_table: Make, tmp_path: Path, later: int
) -> None:
    """With as many entries, and more: of another schema, and without what was written before."""
    path = make_table()
    with Writer(path, "rig-7") as writer:
        writer.append(events(0), sequence=1)
        Path(path).rename(tmp_path / "away")
        other = pa.schema([("id", pa.string()), ("device", pa.string()), ("value", pa.float64())])
        deltalake.DeltaTable.create(path, other)
        row = pa.table({"id": ["x"], "device": ["y"], "value": [1.0]}, other)
        for _ in range(1 + later):
            deltalake.write_deltalake(path, row, mode="append")
        with pytest.raises(WriterError, match="made anew: open it anew"):
            writer.append(events(10), sequence=2)
    assert deltalake.DeltaTable(path).version() == 1 + later
    assert len(files_of(path)) == 1 + later


def test_a_log_that_was_cleaned_up_is_read_from_its_checkpoint(make_table: Make) -> None:
    path = make_table(configuration={"delta.logRetentionDuration": "interval 0 days"})
    with Writer(path, "a") as idle, Writer(path, "b") as busy:
        idle.append(events(0), sequence=1)
        for i in range(1, 5):
            busy.append(events(10 * i), sequence=i)
        deltalake.DeltaTable(path).create_checkpoint()
        for version in range(5):
            (Path(path) / entry_path(version)).unlink()
        assert idle.append(events(0), sequence=1).is_repeated
        assert idle.append(events(50), sequence=2).version == 6
    assert ids(path) == list(range(60))


def test_a_deadline_ends_the_wait_and_nothing_is_left(make_table: Make) -> None:
    path = make_table()
    with Writer(path) as writer:
        with writer._turn, pytest.raises(WriterDeadlineError, match="no commit in time"):
            writer.append(events(0), deadline_s=0.01)
        writer.append(events(10))
    assert ids(path) == list(range(10, 20))
    assert len(files_of(path)) == 1


def test_a_writer_that_is_closed_takes_no_more(make_table: Make) -> None:
    with Writer(make_table()) as writer:
        writer.append(events(0))
    with pytest.raises(WriterClosedError, match="was closed"):
        writer.append(events(0))


def test_a_sequence_needs_an_application(make_table: Make) -> None:
    with Writer(make_table()) as writer, pytest.raises(WriterError, match="no application"):
        writer.append(events(0), sequence=1)


@pytest.mark.parametrize("found", ["nothing", "a directory", "a file"])
def test_what_is_no_table_is_told(tmp_path: Path, found: str) -> None:
    place = tmp_path / "t"
    if found == "a directory":
        place.mkdir()
    elif found == "a file":
        place.write_text("x")
    with pytest.raises(WriterError, match=str(place)) as raised:
        Writer(str(place))
    assert "\n" not in str(raised.value)
