"""Where a table's log begins for whoever opens it: its newest checkpoint, and the entries after it.

Source: Delta Transaction Log Protocol, "Delta Log Entries", "Checkpoint Naming Scheme".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from neuralake.delta.actions import Action, decode
from neuralake.delta.store import Store

LOG = "_delta_log/"
LAST_CHECKPOINT = f"{LOG}_last_checkpoint"

_ENTRY = re.compile(r"_delta_log/(\d{20})\.json")
_CHECKPOINT = re.compile(
    r"_delta_log/(?P<version>\d{20})\.checkpoint"
    r"(?:\.(?P<part>\d{10})\.(?P<parts>\d{10})|\.(?P<uuid>[0-9a-fA-F-]{36}))?\.(?:parquet|json)"
)


class NotATableError(OSError):
    """There is no Delta log, or one of which the beginning is missing."""


@dataclass(frozen=True)
class LogSegment:
    """What a snapshot is replayed from.

    Attributes
    ----------
    checkpoint_version
        None where there is none.
    checkpoint
        Paths of its files: one, or its parts in order.
    entries
        Versions of the entries after it, without a gap.
    """

    checkpoint_version: int | None
    checkpoint: tuple[str, ...]
    entries: tuple[int, ...]

    @property
    def version(self) -> int:
        """The newest version."""
        return self.entries[-1] if self.entries else self.checkpoint_version or 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a log.

    Attributes
    ----------
    version
        That it makes.
    actions
        What it says.
    mark
        What tells it from every other entry: also from that of the same version in a table that was
        made anew at its place.
    """

    version: int
    actions: tuple[Action, ...]
    mark: bytes

    @classmethod
    def of(cls, version: int, content: bytes) -> Entry:
        """An entry as it is stored.

        Raises
        ------
        ValueError
            If it is none.
        """
        return cls(version, decode_entry(version, content), mark(content))


def entry_path(version: int) -> str:
    """Path of the entry of a version."""
    return f"{LOG}{version:020}.json"


def entry_version(path: str) -> int | None:
    """Version of the entry at a path; None if it is no entry."""
    match = _ENTRY.fullmatch(path)
    return int(match[1]) if match else None


def checkpoint_version(path: str) -> int | None:
    """Version of the checkpoint of which a file is the whole or a part; None if it is none."""
    match = _CHECKPOINT.fullmatch(path)
    return int(match["version"]) if match else None


def read_entry(store: Store, version: int) -> tuple[Action, ...] | None:
    """The actions of a version; None if there is no such entry.

    Raises
    ------
    ValueError
        If it is not one.
    """
    content = _content(store, version)
    return None if content is None else decode_entry(version, content)


def find_entry(store: Store, version: int) -> Entry | None:
    """The entry of a version, for whoever will ask whether it is still that one.

    Raises
    ------
    ValueError
        If it is none.
    """
    content = _content(store, version)
    return None if content is None else Entry.of(version, content)


def required_entry(store: Store, version: int) -> Entry:
    """The entry of a version that there was a moment ago.

    Raises
    ------
    NotATableError
        If it is not there any more.
    ValueError
        If it is none.
    """
    if (entry := find_entry(store, version)) is None:
        raise NotATableError(f"the entry of version {version} of {store.uri} was removed meanwhile")
    return entry


def mark(content: bytes) -> bytes:
    """What tells an entry from every other, by what is stored of it."""
    return blake2b(content, digest_size=16).digest()


def mark_of(store: Store, version: int) -> bytes | None:
    """The mark of the entry that is at a version now; None if there is none."""
    content = _content(store, version)
    return None if content is None else mark(content)


def decode_entry(version: int, content: bytes) -> tuple[Action, ...]:
    """The actions of an entry that was read.

    Raises
    ------
    ValueError
        If it is not one.
    """
    try:
        return decode(content)
    except msgspec.DecodeError as error:
        raise ValueError(f"{entry_path(version)} is not a log entry: {error}") from error


def _content(store: Store, version: int) -> bytes | None:
    try:
        return store.read(entry_path(version))
    except FileNotFoundError:
        return None


def find_segment(store: Store, version: int | None = None) -> LogSegment:
    """The newest whole checkpoint and the entries after it, found by one listing.

    Parameters
    ----------
    store
        Of the table.
    version
        The newest one to consider; None for the newest there is.

    Raises
    ------
    NotATableError
        If there is no log, or an entry is missing in it.
    """
    hint = hinted_version(store)
    start = hint if hint is not None and (version is None or hint <= version) else None
    if start is not None:
        after = store.list(LOG, after=f"{LOG}{start:020}")
        found = segment_of(store, (stored.path for stored in after), version)
        if found is not None and found.checkpoint_version is not None:
            return found
    found = segment_of(store, (stored.path for stored in store.list(LOG)), version)
    if found is None:
        raise NotATableError(f"no Delta table at {store.uri}: it has no {LOG} with entries")
    return found


def segment_of(store: Store, listing: Iterable[str], version: int | None) -> LogSegment | None:
    """What a listing has of a log: its newest whole checkpoint, and the entries after it.

    Parameters
    ----------
    store
        Of the table, which is asked for entries that the listing lacks.
    listing
        Paths below the table.
    version
        As of :func:`find_segment`.

    Returns
    -------
    LogSegment or None
        None if there is neither.

    Raises
    ------
    NotATableError
        If an entry is missing.
    """
    entries: list[int] = []
    checkpoints: defaultdict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in listing:
        if (number := entry_version(path)) is not None:
            entries.append(number)
        elif match := _CHECKPOINT.fullmatch(path):
            # Parts are of one checkpoint if they agree how many there are
            kind = match["parts"] or path
            checkpoints[int(match["version"])][kind].append(path)
    newest = None
    for number, kinds in sorted(checkpoints.items(), reverse=True):
        if version is not None and number > version:
            continue
        whole = [p for kind, p in kinds.items() if len(p) == (int(kind) if kind.isdigit() else 1)]
        if whole:
            newest = number, tuple(sorted(whole[0]))
            break
    first = -1 if newest is None else newest[0]
    after = [n for n in sorted(entries) if n > first and (version is None or n <= version)]
    if newest is None and not after:
        return None
    number, files = newest or (None, ())
    return LogSegment(number, files, _without_gap(store, first + 1, after))


def _without_gap(store: Store, first: int, listed: Sequence[int]) -> tuple[int, ...]:
    """Versions from the first one on.

    While entries are made, the listing of a directory may have one of them and not the one before.
    """
    wanted = range(first, listed[-1] + 1 if listed else first)
    for version in sorted(set(wanted) - set(listed)):
        if not store.exists(entry_path(version)):
            raise NotATableError(
                f"the log has no entry of version {version}, and no checkpoint after it"
            )
    return tuple(wanted)


def hinted_version(store: Store) -> int | None:
    """Where ``_last_checkpoint`` points; it is a hint and may be wrong."""
    try:
        found = msgspec.json.decode(store.read(LAST_CHECKPOINT))
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, int) else None
