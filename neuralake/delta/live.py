"""The files of a table as they are now: loaded once, then followed through the log entry by entry.

What it costs to follow a table is what was committed since, however many versions and files there
are. Source: Delta Transaction Log Protocol, "Action Reconciliation".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile

import msgspec

from neuralake.delta.actions import Action, Add, Remove
from neuralake.delta.changes import Changes, Moved, changes_since, moved_by
from neuralake.delta.checkpoint import FILES, TABLE, read_checkpoint
from neuralake.delta.live_file import Key, LiveFile, Tombstone, rows_of
from neuralake.delta.log import (
    Entry,
    LogSegment,
    NotATableError,
    find_entry,
    find_segment,
    required_entry,
)
from neuralake.delta.paths import placed
from neuralake.delta.state import TableState, begin, is_newest_there
from neuralake.delta.store import Store

_ATTEMPTS = 3


class LiveFiles:
    """The live files of a table at one version; :meth:`follow` moves on to the newest.

    Memory is bounded by the number of live files, and of tombstones where they are asked for. Not
    for several threads at once.

    Parameters
    ----------
    store
        Of the table.
    keeps_statistics
        Whether the statistics of the files are kept.
    keeps_tombstones
        Whether files that were removed are kept in mind.

    Raises
    ------
    NotATableError
        If there is no Delta log, or not all of it.
    OSError, ValueError
        If it cannot be read.
    """

    def __init__(
        self, store: Store, *, keeps_statistics: bool = False, keeps_tombstones: bool = False
    ) -> None:
        self._store = store
        self._keeps_statistics = keeps_statistics
        self._keeps_tombstones = keeps_tombstones
        self._files: dict[Key, LiveFile] = {}
        self._tombstones: dict[Key, Tombstone] = {}
        self._named: Counter[str] = Counter()  # how many files and tombstones lie at a place
        self._state: TableState
        self._open()

    @property
    def state(self) -> TableState:
        """What else there is to know of the version."""
        return self._state

    @property
    def files(self) -> Mapping[Key, LiveFile]:
        """The files, in the order in which they were committed.

        Those of a checkpoint, which tells of no order, are in the order in which they were made.
        """
        return self._files

    @property
    def tombstones(self) -> Mapping[Key, Tombstone]:
        """Files that were removed, in the order in which they were.

        Those of which the log no longer tells are not among them, nor those that were forgotten.
        """
        return self._tombstones

    def forget(self, is_over: Callable[[Tombstone], bool]) -> list[Tombstone]:
        """Forget tombstones, the earliest first, up to one that is to be kept.

        Parameters
        ----------
        is_over
            Whether one may be forgotten.

        Returns
        -------
        list of Tombstone
            Of files that neither a live file nor a tombstone names any more, one of each.
        """
        over = list(takewhile(lambda pair: is_over(pair[1]), self._tombstones.items()))
        for key, _ in over:
            del self._tombstones[key]
            self._unname(key)
        found = {tombstone.place: tombstone for _, tombstone in over}
        return [tombstone for place, tombstone in found.items() if place not in self._named]

    def follow(self) -> Changes:
        """Move on to the newest version; only entries that were made since are read.

        Raises
        ------
        NotATableError, OSError, ValueError
            As on loading. What could be read until then holds, and the next call goes on there.
        """
        # A gap in the log and its end look alike to whoever waits for the next entry
        if not is_newest_there(self._store, self._state):
            return self._reload()
        before: dict[Key, LiveFile | None] = {}
        moved: list[Moved] = []
        while (entry := find_entry(self._store, self._state.version + 1)) is not None:
            moved += self._enter(entry, before)
        return changes_since(before, self._files, moved)

    def _open(self) -> None:
        """Load the newest version; anew if the log is cleaned up while it is read."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(NotATableError, FileNotFoundError):
                return self._load()
        return self._load()

    def _load(self) -> None:
        segment = find_segment(self._store)
        self._files, self._tombstones, self._named = {}, {}, Counter()
        if segment.checkpoint_version is not None:
            self._read_checkpoint(segment, segment.checkpoint_version)
        else:
            first = required_entry(self._store, segment.entries[0])
            state = begin(first.version, first.actions, self._store)
            self._state = replace(state, version=first.version - 1)
        for version in segment.entries:
            self._enter(required_entry(self._store, version), {})

    def _read_checkpoint(self, segment: LogSegment, version: int) -> None:
        table: list[Action] = []
        found: list[LiveFile] = []
        for action in read_checkpoint(self._store, segment, TABLE | FILES):
            if action.add is not None:
                found.append(self._live(action.add, None))
            elif action.remove is not None:
                self._bury(action.remove, None)
            else:
                table.append(action)
        found.sort(key=lambda file: (file.add.modification_time, file.place))
        for file in found:
            self._hold(file)
        kept = sorted(self._tombstones.items(), key=lambda pair: pair[1].timestamp_ms)
        self._tombstones = dict(kept)
        self._state = begin(version, tuple(table), self._store)
        if (entry := find_entry(self._store, version)) is not None:
            self._state = self._state.told_by(entry)

    def _reload(self) -> Changes:
        earlier = self._files, self._tombstones, self._named, self._state
        try:
            self._open()
        except (OSError, ValueError):
            self._files, self._tombstones, self._named, self._state = earlier
            raise
        gone, come = earlier[0], self._files
        return Changes(
            tuple(file for key, file in come.items() if gone.get(key) != file),
            tuple(file for key, file in gone.items() if come.get(key) != file),
            is_reloaded=True,
        )

    def _enter(self, entry: Entry, before: dict[Key, LiveFile | None]) -> Iterator[Moved]:
        """Apply an entry, as a whole or not at all; notes what was at the keys that it touches.

        Returns what it only moved.
        """
        removed: list[Key] = []
        added: list[LiveFile] = []
        for action in entry.actions:
            if action.remove is not None:
                key = placed(self._store.uri, action.remove.path), action.remove.key[1]
                removed.append(key)
                before.setdefault(key, self._files.get(key))
                if self._files.pop(key, None) is not None:
                    self._unname(key)
                self._bury(action.remove, entry.version)
            elif action.add is not None:
                file = self._live(action.add, entry.version)
                before.setdefault(file.key, self._files.get(file.key))
                if self._tombstones.pop(file.key, None) is not None:
                    self._unname(file.key)
                self._hold(file)
                added.append(file)
        self._state = self._state.after(entry)
        return moved_by(entry.actions, removed, added)

    def _live(self, add: Add, version: int | None) -> LiveFile:
        rows = rows_of(add.stats)
        kept = add if self._keeps_statistics else msgspec.structs.replace(add, stats=None)
        return LiveFile(placed(self._store.uri, add.path), kept, rows, version)

    def _hold(self, file: LiveFile) -> None:
        if self._keeps_tombstones and file.key not in self._files:
            self._named[file.place] += 1
        self._files[file.key] = file

    def _unname(self, key: Key) -> None:
        if self._keeps_tombstones:
            self._named[key[0]] -= 1
            if not self._named[key[0]]:
                del self._named[key[0]]

    def _bury(self, remove: Remove, version: int | None) -> None:
        if self._keeps_tombstones:
            key = place, _ = placed(self._store.uri, remove.path), remove.key[1]
            if self._tombstones.pop(key, None) is None:  # the latest one is the last
                self._named[place] += 1
            self._tombstones[key] = Tombstone(
                *(place, remove.deletion_vector, remove.deletion_timestamp or 0),
                *(version, remove.size or 0),
            )
