"""What was removed goes when its retention is over, at the cost of what was committed since."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import deltalake
import pytest

from neuralake.delta.disk import DiskStore
from neuralake.delta.live import LiveFiles
from neuralake.delta.log import find_segment
from neuralake.delta.store import Stored
from neuralake.writer import Compactor, Packing, Upkeep, Vacuum, Writer
from neuralake.writer.errors import UnsupportedTableError
from tests.delta.make import actions, commit, deletion_vector
from tests.delta.test_live import add
from tests.more import few
from tests.writer.conftest import events
from tests.writer.test_vacuum import DAY, files, grow_old, put, remove, removed, table

Make = Callable[..., str]
SHORT = {
    "delta.checkpointInterval": "10",
    "delta.logRetentionDuration": "interval 0 seconds",
    "delta.deletedFileRetentionDuration": "interval 0 seconds",
}


class Listing(DiskStore):
    """A store that tells what of it is listed, and what was found by that."""

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self.prefixes: set[str] = set()
        self.found = 0

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        self.prefixes.add(prefix)
        for stored in super().list(prefix, after):
            self.found += 1
            yield stored


def keeper(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Vacuum, Listing]:
    """A vacuum that has looked at all of a table once."""
    store = Listing(root)
    monkeypatch.setattr("neuralake.writer.vacuum.open_store", lambda *_: store)
    vacuum = Vacuum(str(root))
    vacuum.keep_up()
    store.prefixes.clear()
    store.found = 0
    return vacuum, store


def test_what_was_removed_goes_without_a_look_at_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path, *(f"f{i}" for i in range(50)))
    vacuum, store = keeper(tmp_path, monkeypatch)
    removed(tmp_path, 1, 8 * DAY, remove("f1", 8 * DAY, size=7), remove("f2", 8 * DAY, size=5))
    removed(tmp_path, 2, 6 * DAY, remove("f3", 6 * DAY))

    done = vacuum.keep_up()

    assert done is not None
    assert (done.removed_files, done.orphans, done.size_bytes) == (2, 0, 12)
    assert files(tmp_path) == {f"f{i}" for i in range(50) if i not in (1, 2)}
    assert store.prefixes == {"_delta_log/"}
    # The clock of the store, and the entries of what was removed, up to the first late one
    assert store.found <= 3 + 1
    assert vacuum.keep_up() is None


def test_what_was_removed_before_it_began_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an entry, and of a checkpoint that tells of it."""
    table(tmp_path, "a", "b", "c")
    removed(tmp_path, 1, 6 * DAY, remove("a", 6 * DAY))
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    removed(tmp_path, 2, 5 * DAY, remove("b", 5 * DAY))
    vacuum, _ = keeper(tmp_path, monkeypatch)
    assert files(tmp_path) == {"a", "b", "c"}
    now_s = time.time()

    def pass_days(days: float) -> None:
        later = now_s + days * DAY
        monkeypatch.setattr("neuralake.writer.sweep.time.time", lambda: later)
        monkeypatch.setattr("neuralake.writer.sweep.store_time_ms", lambda _: round(later * 1000))

    pass_days(1.5)  # a checkpoint does not tell which entry it was: no later one than was there
    assert vacuum.keep_up() is None
    pass_days(2.5)
    assert vacuum.keep_up() is not None
    assert files(tmp_path) == {"c"}


def test_what_others_need_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is live, or was lately, with other rows deleted; what is hidden, or lies elsewhere."""
    table(tmp_path, "live", "late", "hidden/_x", "other/a")
    put(tmp_path, "other/_delta_log/0.json", 30 * DAY)
    vacuum, _ = keeper(tmp_path, monkeypatch)
    one, two = ({"deletionVector": deletion_vector(*rows)} for rows in ((0,), (0, 1)))
    removed(
        *(tmp_path, 1, 9 * DAY),
        *(remove("live", 9 * DAY), add("live", **one)),
        *(remove("late", 9 * DAY), add("late", **one)),
        *(remove("hidden/_x", 9 * DAY), remove("other/a", 9 * DAY)),
        remove("/else/where", 9 * DAY),
    )
    removed(tmp_path, 2, 6 * DAY, remove("late", 6 * DAY, **one), add("late", **two))
    before = files(tmp_path)
    assert vacuum.keep_up() is None
    assert files(tmp_path) == before


def test_a_remover_whose_clock_went_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored lately was removed lately, whatever is said of it."""
    table(tmp_path, "a", "b")
    vacuum, _ = keeper(tmp_path, monkeypatch)
    removed(tmp_path, 1, 6 * DAY, remove("a", 40 * DAY))
    assert vacuum.keep_up() is None
    assert files(tmp_path) == {"a", "b"}


def test_all_is_looked_at_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table(tmp_path, "a")
    vacuum, store = keeper(tmp_path, monkeypatch)
    put(tmp_path, "orphan", 30 * DAY)
    assert vacuum.keep_up() is None
    assert "orphan" in files(tmp_path)
    clock = time.monotonic
    monkeypatch.setattr("neuralake.writer.vacuum.time.monotonic", lambda: clock() + 3601)
    done = vacuum.keep_up()
    assert done is not None
    assert (done.removed_files, done.orphans) == (0, 1)
    assert "" in store.prefixes


def test_a_table_that_is_read_anew_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of entries that were cleaned up nobody knows what they removed."""
    table(tmp_path, "a", "b")
    vacuum, store = keeper(tmp_path, monkeypatch)
    removed(tmp_path, 1, 30 * DAY, remove("a", 30 * DAY))
    deltalake.DeltaTable(str(tmp_path)).create_checkpoint()
    for version in (0, 1):
        (tmp_path / f"_delta_log/{version:020}.json").unlink()
    done = vacuum.keep_up()
    assert done is not None
    assert files(tmp_path) == {"b"}
    assert "" in store.prefixes


def test_a_feature_that_came_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path, "a")
    vacuum, _ = keeper(tmp_path, monkeypatch)
    head = actions(tmp_path, 0)[0]
    head["protocol"]["writerFeatures"] = ["something-to-come"]
    commit(tmp_path, 1, head)
    with pytest.raises(UnsupportedTableError, match="something-to-come"):
        vacuum.keep_up()


@pytest.mark.parametrize("at_once", few([2, 15, 60], 15))
def test_upkeep_is_bounded_however_many_commits_there_are(make_table: Make, at_once: int) -> None:
    """Log, files and memory: whether upkeep is called after each commit, or falls behind."""
    path = make_table(configuration=SHORT)
    compactor = Compactor(path, Packing(min_files=4, settled_s=0))
    # A checkpoint is due by the number of commits alone, and relied on at once
    upkeep, vacuum = Upkeep(path), Vacuum(path)
    commits = 120
    with Writer(path) as writer:
        for number in range(commits):
            writer.append(events(10 * number))
            if (number + 1) % at_once:
                continue
            while compactor.run_once() is not None:
                pass
            grow_old(path, 60)
            upkeep._next_checkpoint = upkeep._next_clean_up = float("-inf")
            upkeep.run_once()
            vacuum.keep_up()
            store = DiskStore(path)
            live = LiveFiles(store).files
            # What was committed since the last time, with its compactions, and an interval
            assert len(list(store.list("_delta_log/"))) <= 2 * (at_once + 10) + 12
            assert len(find_segment(store).entries) <= 2 * at_once + 10
            assert len(live) <= 12
            assert len(files(path)) <= len(live) + 2 * at_once + 12
    found = deltalake.DeltaTable(path).to_pyarrow_table()
    assert sorted(found["id"].to_pylist()) == list(range(10 * commits))
