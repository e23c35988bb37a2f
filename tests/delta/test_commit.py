"""A race for the next entry, lost answers, and clocks: exactly one entry, and it is known whose."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from neuralake.delta.actions import Action, Transaction
from neuralake.delta.commit import DeadlineError, UncommittedError, commit
from neuralake.delta.disk import DiskStore
from neuralake.delta.log import NotATableError, entry_path
from neuralake.delta.state import TableState, load_state

FAR = 1e12


class ManualClock:
    """A clock that goes where a test wants it to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Faulty(DiskStore):
    """A store that fails before or after it has done what it was asked for, as a remote one may."""

    def __init__(self, path: Path, faults: list[str], is_remote: bool = True) -> None:
        super().__init__(path)
        self.faults = faults
        self.remote = is_remote

    @property
    def is_remote(self) -> bool:
        return self.remote

    def create(self, path: str, content: bytes, ready: Callable[[], None] | None = None) -> None:
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "before":
            raise OSError("no answer")
        super().create(path, content, ready)
        if fault == "after":
            raise OSError("the answer was lost")
        if fault == "exists":  # what a client says that tried again by itself
            raise FileExistsError(path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    deltalake.write_deltalake(tmp_path / "table", pa.table({"id": [1]}))
    return tmp_path / "table"


def txn(version: int, application: str = "a") -> list[Action]:
    return [Action(txn=Transaction(app_id=application, version=version))]


def always(
    version: int, application: str = "a"
) -> Callable[[TableState, Sequence[Action] | None], list[Action]]:
    return lambda _state, _missed: txn(version, application)


def info(table: Path, version: int) -> Any:
    first = (table / entry_path(version)).read_text().splitlines()[0]
    return json.loads(first)["commitInfo"]


def test_missed_entries_are_handed_to_whoever_lost_the_race(table: Path) -> None:
    store = DiskStore(table)
    old = load_state(store)
    state = old
    for n in range(1, 4):
        state = commit(store, state, always(n), {}, deadline=FAR).state
    seen: list[tuple[int, list[int] | None]] = []

    def prepare(state: TableState, missed: Sequence[Action] | None) -> list[Action]:
        found = None if missed is None else [a.txn.version for a in missed if a.txn]
        seen.append((state.version, found))
        return txn(9)

    done = commit(store, old, prepare, {}, deadline=FAR)
    assert (done.state.version, done.attempts) == (4, 2)
    assert seen == [(0, []), (3, [1, 2, 3])]
    assert done.state.transactions["a"].version == 9
    assert load_state(store).transactions == done.state.transactions


def test_what_others_commit_during_the_pause_loses_no_race(table: Path) -> None:
    store = DiskStore(table)
    old = load_state(store)

    class Busy(ManualClock):
        def sleep(self, seconds: float, /) -> None:
            super().sleep(seconds)
            commit(store, load_state(store), always(1, "another"), {}, deadline=FAR)

    commit(store, old, always(1), {}, deadline=FAR)
    done = commit(store, old, always(2), {}, deadline=FAR, clock=Busy())
    assert (done.state.version, done.attempts) == (3, 2)


def test_threads_make_a_log_without_a_gap(table: Path) -> None:
    store = DiskStore(table)
    begin = load_state(store)

    def run(number: int) -> None:
        state = begin
        for i in range(20):
            state = commit(store, state, always(i, f"app-{number}"), {}, deadline=FAR).state

    threads = [threading.Thread(target=run, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = load_state(store)
    assert state.version == 80
    assert {t.version for t in state.transactions.values()} == {19}
    assert deltalake.DeltaTable(table).version() == 80


@pytest.mark.parametrize(
    "faults", [["before"], ["after"], ["exists"], ["before", "before"], ["before", "after"]]
)
def test_an_answer_that_was_lost_makes_no_second_entry(table: Path, faults: list[str]) -> None:
    store = Faulty(table, faults)
    done = commit(store, load_state(store), always(1), {}, deadline=FAR, clock=ManualClock())
    assert (done.state.version, done.attempts) == (1, 1)
    assert load_state(store).version == 1


def test_a_store_that_keeps_failing_is_told(table: Path) -> None:
    clock = ManualClock()
    store = Faulty(table, ["before"] * 3)
    with pytest.raises(OSError, match="no answer"):
        commit(store, load_state(store), always(1), {}, deadline=FAR, clock=clock)
    assert clock.slept == [0.1, 0.2]
    assert load_state(store).version == 0


def test_a_disk_that_fails_has_no_entry_or_one_that_nobody_vouches_for(table: Path) -> None:
    store = Faulty(table, ["before"], is_remote=False)
    with pytest.raises(UncommittedError):
        commit(store, load_state(store), always(1), {}, deadline=FAR)
    store = Faulty(table, ["after"], is_remote=False)
    with pytest.raises(OSError, match="the answer was lost") as raised:
        commit(store, load_state(store), always(1), {}, deadline=FAR)
    assert not isinstance(raised.value, UncommittedError)


def test_a_deadline_ends_the_attempts(table: Path) -> None:
    clock = ManualClock()

    class Crowded(DiskStore):
        def create(
            self, path: str, content: bytes, ready: Callable[[], None] | None = None
        ) -> None:
            other = json.dumps({"commitInfo": {"txnId": "another"}})
            super().create(path, other.encode())
            super().create(path, content, ready)

    store = Crowded(table)
    with pytest.raises(DeadlineError) as raised:
        commit(store, load_state(store), always(1), {}, deadline=clock.now + 1, clock=clock)
    assert raised.value.attempts == load_state(store).version > 5
    assert all(0 <= pause <= 0.1 for pause in clock.slept)
    assert len(set(clock.slept)) > 1


@pytest.mark.parametrize("step", [0.0, -3600.0])
def test_in_commit_timestamps_increase_though_the_clock_goes_back(table: Path, step: float) -> None:
    store = DiskStore(table)
    state = load_state(store)
    properties = {"delta.enableInCommitTimestamps": "true"}
    state = TableState(
        state.version, state.protocol, _with(state.metadata, properties), in_commit_timestamp_ms=5
    )
    clock = ManualClock()
    for n in range(1, 4):
        state = commit(store, state, always(n), {}, deadline=FAR, clock=clock).state
        clock.now += step
    times = [info(table, n)["inCommitTimestamp"] for n in (1, 2, 3)]
    assert times == sorted(set(times))
    assert next(iter(info(table, 1))) == "inCommitTimestamp"
    assert load_state(store).in_commit_timestamp_ms == times[-1]


def _with(metadata: Any, properties: dict[str, str]) -> Any:
    import msgspec

    return msgspec.structs.replace(metadata, configuration=properties)


def test_nothing_is_committed_to_another_table_of_that_name(table: Path) -> None:
    store = DiskStore(table)
    state = load_state(store)
    for n in range(1, 4):
        state = commit(store, state, always(n), {}, deadline=FAR).state
    table.rename(table.with_name("away"))
    deltalake.write_deltalake(table, pa.table({"id": [1]}))
    with pytest.raises(NotATableError, match="made anew"):
        commit(store, state, always(4), {}, deadline=FAR)
    assert load_state(store).version == 0


def test_entries_that_were_cleaned_up_are_not_known(table: Path) -> None:
    store = DiskStore(table)
    old = load_state(store)
    state = old
    for n in range(1, 4):
        state = commit(store, state, always(n), {}, deadline=FAR).state
    deltalake.DeltaTable(table).create_checkpoint()
    for n in range(3):
        (table / entry_path(n)).unlink()
    seen: list[object] = []

    def prepare(state: TableState, missed: Sequence[Action] | None) -> list[Action]:
        seen.append((state.version, missed))
        return txn(4)

    assert commit(store, old, prepare, {}, deadline=FAR).state.version == 4
    assert seen == [(3, None)]
