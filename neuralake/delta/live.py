"""The files of a table as they are now: loaded once, then followed through the log entry by entry.

What it costs to follow a table is what was committed since, however many versions and files there
are. Source: Delta Transaction Log Protocol, "Action Reconciliation".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice, takewhile
from typing import Any, TypeAlias

import msgspec

from neuralake.delta.actions import Action, Add, DeletionVector, PartitionValues, Remove
from neuralake.delta.checkpoint import FILES, TABLE, read_checkpoint
from neuralake.delta.log import (
    LogSegment,
    NotATableError,
    decode_entry,
    entry_path,
    find_segment,
)
from neuralake.delta.paths import is_absolute, placed
from neuralake.delta.state import TableState, begin
from neuralake.delta.store import Store

Key: TypeAlias = tuple[str, str | None]

_ATTEMPTS = 3
# In a commit's information: what a compaction did, so that readers need not read it again
BINS = "neuralake.bins"


class _Count(msgspec.Struct):
    numRecords: int | None = None  # noqa: N815 - the log's name


_COUNT = msgspec.json.Decoder(_Count)


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file of the table, with the rows that its deletion vector leaves.

    Attributes
    ----------
    place
        Its path below the table, not percent-encoded; or, of one that lies elsewhere, the absolute
        path or URI.
    add
        What the log says of it; without statistics unless they were asked for.
    rows
        Rows in the file, deleted ones included, as the log says; None where it does not.
    version
        Of the entry that added it; None if a checkpoint told of it.
    """

    place: str
    add: Add
    rows: int | None
    version: int | None

    @property
    def key(self) -> Key:
        """What identifies it in its table."""
        return self.place, self.add.key[1]

    @property
    def partition_values(self) -> PartitionValues:
        """Values of the partition columns, as the log has them."""
        return self.add.partition_values

    @property
    def deleted(self) -> int:
        """Number of its rows that are deleted."""
        vector = self.add.deletion_vector
        return 0 if vector is None else vector.cardinality


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A file that was removed, and may still be needed by readers of earlier versions.

    Attributes
    ----------
    place
        As of :class:`LiveFile`.
    deletion_vector
        That of the file as it was removed.
    timestamp_ms
        When it was removed, as the remover says; 0 where it does not.
    version
        Of the entry that removed it; None if a checkpoint told of it.
    size_bytes
        Its size; 0 where it is not told.
    """

    place: str
    deletion_vector: DeletionVector | None
    timestamp_ms: int
    version: int | None
    size_bytes: int


@dataclass(frozen=True)
class Moved:
    """Rows that are in other files now, and are the same rows (``dataChange: false``).

    Attributes
    ----------
    sources
        The files that had them.
    file
        The one that has all of them.
    """

    sources: tuple[Key, ...]
    file: LiveFile


@dataclass(frozen=True)
class Changes:
    """What following a table brought.

    Attributes
    ----------
    added, removed
        Files that are live now and were not before, and the other way round. One that came and
        went in between is in neither.
    is_reloaded
        Whether the table was read anew: the entries in between were cleaned up, or the table was
        replaced by another.
    moved
        Which of the rows were only packed into other files, in the order in which it was done; also
        from files, and to files, that came and went in between.
    """

    added: tuple[LiveFile, ...] = ()
    removed: tuple[LiveFile, ...] = ()
    is_reloaded: bool = False
    moved: tuple[Moved, ...] = ()


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
        self._digest: bytes | None = None
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
        if not self._is_same_log():
            return self._reload()
        before: dict[Key, LiveFile | None] = {}
        moved: list[Moved] = []
        while (content := self._read(self._state.version + 1)) is not None:
            moved += self._enter(self._state.version + 1, content, before)
        return _changes(before, self._files, moved)

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
            first = segment.entries[0]
            state = begin(first, decode_entry(first, self._required(first)), self._store)
            self._state = replace(state, version=first - 1)
        for version in segment.entries:
            self._enter(version, self._required(version), {})

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
        content = self._read(version)
        self._digest = _digest(content)
        # A checkpoint does not have its own version's time
        info = [a for a in decode_entry(version, content or b"") if a.commitInfo is not None]
        self._state = begin(version, tuple(table), self._store).after(version, info)

    def _reload(self) -> Changes:
        earlier = self._files, self._tombstones, self._named, self._state, self._digest
        try:
            self._open()
        except (OSError, ValueError):
            self._files, self._tombstones, self._named, self._state, self._digest = earlier
            raise
        gone, come = earlier[0], self._files
        return Changes(
            tuple(file for key, file in come.items() if gone.get(key) != file),
            tuple(file for key, file in gone.items() if come.get(key) != file),
            is_reloaded=True,
        )

    def _is_same_log(self) -> bool:
        """Whether the entry of this version is there, as it was.

        A gap in the log and its end look alike to whoever waits for the next entry.
        """
        return _digest(self._read(self._state.version)) == self._digest

    def _enter(
        self, version: int, content: bytes, before: dict[Key, LiveFile | None]
    ) -> Iterator[Moved]:
        """Apply an entry, as a whole or not at all; notes what was at the keys that it touches.

        Returns what it only moved.
        """
        actions = decode_entry(version, content)
        removed: list[Key] = []
        added: list[LiveFile] = []
        for action in actions:
            if action.remove is not None:
                key = placed(self._store.uri, action.remove.path), action.remove.key[1]
                removed.append(key)
                before.setdefault(key, self._files.get(key))
                if self._files.pop(key, None) is not None:
                    self._unname(key)
                self._bury(action.remove, version)
            elif action.add is not None:
                file = self._live(action.add, version)
                before.setdefault(file.key, self._files.get(file.key))
                if self._tombstones.pop(file.key, None) is not None:
                    self._unname(file.key)
                self._hold(file)
                added.append(file)
        self._state = self._state.after(version, actions)
        self._digest = _digest(content)
        return _moved(actions, removed, added)

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

    def _read(self, version: int) -> bytes | None:
        try:
            return self._store.read(entry_path(version))
        except FileNotFoundError:
            return None

    def _required(self, version: int) -> bytes:
        content = self._read(version)
        if content is None:
            raise NotATableError(
                f"the entry of version {version} of {self._store.uri} was removed meanwhile"
            )
        return content


def inside(files: Iterable[LiveFile | Tombstone]) -> Iterator[str]:
    """Places of those that lie below the table."""
    return (file.place for file in files if not is_absolute(file.place))


def _moved(
    actions: Sequence[Action], removed: Sequence[Key], added: Sequence[LiveFile]
) -> Iterator[Moved]:
    """Which rows an entry only moved, where it is certain whereto.

    Of an entry without a change of data the files that it adds have the rows of those that it
    removes; which of them, where there are several, a compaction of Neuralake's own says.
    """
    files = (action.add or action.remove for action in actions)
    if not added or not removed or any(f.data_change is not False for f in files if f is not None):
        return
    if len(added) == 1:
        yield Moved(tuple(removed), added[0])
        return
    info = next((a.commitInfo for a in actions if a.commitInfo is not None), {})
    bins = read_bins(info)
    if (sum(b[0] for b in bins), sum(b[1] for b in bins)) != (len(removed), len(added)):
        return
    sources, files_after = iter(removed), iter(added)
    for many, one in bins:
        keys = tuple(islice(sources, many))
        for file in islice(files_after, one):
            yield Moved(keys, file)


def read_bins(info: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Of each bin of a compaction, in their order: how many files it removed, and added.

    None if the entry does not tell. An added file has the rows of all that were removed, and no
    bin has more than one.
    """
    try:
        found = msgspec.convert(info.get(BINS, []), list[tuple[int, int]])
    except msgspec.ValidationError:
        return []
    return found if all(many >= 0 and one in (0, 1) for many, one in found) else []


def _changes(
    before: Mapping[Key, LiveFile | None], now: Mapping[Key, LiveFile], moved: Sequence[Moved]
) -> Changes:
    added = tuple(now[key] for key, file in before.items() if key in now and now[key] != file)
    removed = tuple(f for key, f in before.items() if f is not None and now.get(key) != f)
    return Changes(added, removed, moved=tuple(moved))


def rows_of(statistics: str | None) -> int | None:
    """Rows of a file by the statistics that the log has of it; None where it does not tell."""
    if not statistics:
        return None
    try:
        return _COUNT.decode(statistics).numRecords
    except msgspec.DecodeError:  # statistics are optional, and these are none
        return None


def _digest(content: bytes | None) -> bytes | None:
    return None if content is None else blake2b(content, digest_size=16).digest()
