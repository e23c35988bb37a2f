"""A commit: the next entry of the log is made exclusively, or the race is lost and run again.

After a lost race only the entries that were missed are read; whoever commits decides by them
whether what it has still holds. Source: Delta Transaction Log Protocol, "Creation of New Log
Entries", "Commit Provenance Information", "In-Commit Timestamps".
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from neuralake.delta.actions import Action, decode, encode
from neuralake.delta.log import Entry, NotATableError, entry_path, find_entry, mark
from neuralake.delta.state import TableState, is_newest_there, load_state
from neuralake.delta.store import Store
from neuralake.delta.times import IN_COMMIT, has_in_commit_times

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.1
# How often a store may fail in a row, each time after its own retries, before that is told
_FAILURES = 3


class DeadlineError(Exception):
    """A commit lost all its races until its deadline.

    Attributes
    ----------
    attempts
        How many they were.
    """

    def __init__(self, attempts: int) -> None:
        super().__init__(f"other commits were first, {attempts} times until the deadline")
        self.attempts = attempts


class UncommittedError(OSError):
    """The store failed, and for certain no entry was made."""


class Clock(Protocol):
    """What a commit needs of time: the calendar, a clock that never goes back, and patience."""

    def time(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


@dataclass(frozen=True)
class Committed:
    """A commit that was made.

    Attributes
    ----------
    state
        Of the table, at its version.
    attempts
        How many entries were tried: one if no race was lost.
    """

    state: TableState
    attempts: int


def commit(
    store: Store,
    state: TableState,
    prepare: Callable[[TableState, Sequence[Action] | None], Sequence[Action]],
    info: Mapping[str, Any],
    *,
    deadline: float,
    ready: Callable[[], None] | None = None,
    seen: int | None = None,
    clock: Clock = time,
) -> Committed:
    """Make the next entry of a table's log.

    Parameters
    ----------
    store
        Of the table.
    state
        The newest state that is known.
    prepare
        Called before each attempt with the state to commit upon, and the actions of all entries
        since the one before, or since ``state``; None in their place if they were cleaned up.
        Returns the actions to commit, or raises what says that they no longer hold.
    info
        Of the commit (``operation`` and so on); the times and the transaction's id are added.
    deadline
        By the clock's ``monotonic``: no attempt begins after it, but for the first.
    ready
        Returns when what the actions name is durable; no entry is seen before. It may be called
        several times. What it raises is raised, and no entry is made; it is no ``OSError``, which
        would be taken for one of the log's.
    seen
        Version whose entry was there a moment ago, the one that is known, so that it is not looked
        for: on object storage that is a round trip, which a caller may make beside another one.
    clock
        The time; a test has its own.

    Raises
    ------
    DeadlineError
        If the deadline passed.
    NotATableError
        If the table was removed, or made anew, since the state was read.
    UncommittedError
        If a disk fails, and the entry is not there.
    OSError
        If the store fails otherwise. The entry may be there then, or not.
    """
    attempts = 0
    missed: list[Action] | None = []
    while True:
        if seen != state.version and not is_newest_there(store, state):
            state, missed = _after_clean_up(store, state), None
        actions = prepare(state, missed)
        missed = []
        attempts += 1
        now = int(clock.time() * 1000)
        said = _info(info, state, now)
        made = Action(commitInfo=said), *actions
        content = encode(made)
        version = state.version + 1
        if _create(store, version, content, said["txnId"], ready, clock):
            return Committed(state.after(Entry(version, made, mark(content))), attempts)
        if clock.monotonic() >= deadline:
            raise DeadlineError(attempts)
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts, 10))
        clock.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
        # After the pause: what others commit during it would be the next race that is lost
        while (entry := find_entry(store, state.version + 1)) is not None:
            state = state.after(entry)
            missed.extend(entry.actions)


def _create(
    store: Store,
    version: int,
    content: bytes,
    transaction: str,
    ready: Callable[[], None] | None,
    clock: Clock,
) -> bool:
    """Make an entry; False if another one is there.

    One that is there may be ours, of which the answer was lost; and after a failure nobody knows
    until it is looked at.
    """
    path = entry_path(version)
    for failure in range(_FAILURES):
        try:
            store.create(path, content, ready)
        except FileExistsError:
            return _is_ours(store, path, transaction)
        except OSError as error:
            if not store.is_remote:
                if store.exists(path):
                    raise
                raise UncommittedError(error.errno, error.strerror, error.filename) from error
            try:
                return _is_ours(store, path, transaction)
            except FileNotFoundError:  # it never arrived, and may be put again: it is the same
                if failure == _FAILURES - 1:
                    raise error from None
                clock.sleep(_LONGEST_PAUSE_S * 2**failure)
        else:
            return True
    raise AssertionError  # pragma: no cover


def _is_ours(store: Store, path: str, transaction: str) -> bool:
    try:
        actions = decode(store.read(path))
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not a log entry: {error}") from error
    infos = (action.commitInfo for action in actions)
    return any(info is not None and info.get("txnId") == transaction for info in infos)


def _info(info: Mapping[str, Any], state: TableState, now_ms: int) -> dict[str, Any]:
    """What is said of a commit; its first action where the table has in-commit timestamps."""
    said: dict[str, Any] = {}
    if has_in_commit_times(state.configuration):
        before = state.in_commit_timestamp_ms
        said[IN_COMMIT] = now_ms if before is None else max(now_ms, before + 1)
    return {**said, "timestamp": now_ms, **info, "txnId": str(uuid.uuid4())}


def _after_clean_up(store: Store, state: TableState) -> TableState:
    """The newest state of a table of which the newest known entry is gone, or is another one.

    The entry after it would otherwise lie beyond a gap: in a table that was removed, or removed
    and made anew.
    """
    found = load_state(store)
    if found.version < state.version or found.metadata.id != state.metadata.id:
        raise NotATableError(f"the table at {store.uri} was made anew: open it anew")
    return found
