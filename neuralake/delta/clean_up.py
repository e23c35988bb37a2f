"""Removes the part of a log that no version within the table's retention needs.

Source: Delta Transaction Log Protocol, "Metadata Cleanup".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from neuralake.delta.checkpoint import sidecar_paths
from neuralake.delta.clock import store_time_ms
from neuralake.delta.intervals import LOG_RETENTION, retention_ms
from neuralake.delta.log import (
    LOG,
    LogSegment,
    checkpoint_version,
    entry_version,
    hinted_version,
    read_entry,
    segment_of,
)
from neuralake.delta.state import TableState
from neuralake.delta.store import Store, Stored
from neuralake.delta.times import has_in_commit_times, in_commit_ms

# A reader that listed the log before there was the checkpoint reads what lies before it
_GRACE_MS = 10_000
_SIDECARS = f"{LOG}_sidecars/"
# Of a checkpoint that is being written
_YOUNGEST_SIDECAR_MS = 86_400_000
_AT_ONCE = 100
_CHECKSUM = re.compile(r"_delta_log/(\d{20})\.crc")
_COMPACTED = re.compile(r"_delta_log/(\d{20})\.\d{20}\.compacted\.json")


def clean_up(store: Store, state: TableState, between: Callable[[], object] | None = None) -> int:
    """Remove entries and checkpoints that are older than the log's retention.

    What is kept begins with a checkpoint, at or before the version that was the newest when the
    retention began, so that each version since can be opened; and so does that one's entry, which
    tells of the commit.

    Parameters
    ----------
    store
        Of the table.
    state
        The newest that is known.
    between
        Called after each hundred of files, of which the oldest go first: for what must not wait
        until all are removed.

    Returns
    -------
    int
        Number of files that were removed.

    Raises
    ------
    OSError, ValueError
        If the log cannot be read, a file cannot be deleted, or the retention is no duration.
    """
    keeps_ms = retention_ms(state.configuration, LOG_RETENTION)
    hint = hinted_version(store)
    if hint is None and all(checkpoint_version(s.path) is None for s in store.list(LOG)):
        return 0
    now_ms = store_time_ms(store)
    listing = {s.path: s.modified_ms for s in _until(store.list(LOG), now_ms - keeps_ms)}
    kept = _oldest_needed(store, state, listing, now_ms - keeps_ms)
    newest = kept if kept is None or hint is None else min(kept, hint)
    segment = None if newest is None else _segment(store, listing, newest)
    # To a reader of today it must not matter that there was no such checkpoint a moment ago
    while segment is not None and any(
        listing[path] > now_ms - _GRACE_MS for path in segment.checkpoint
    ):
        segment = _segment(store, listing, (segment.checkpoint_version or 0) - 1)
    if segment is None or segment.checkpoint_version is None:
        return 0
    boundary = segment.checkpoint_version
    expired = sorted(
        (version, path) for path in listing if (version := _expires_with(path)) < boundary
    )
    paths = [path for _, path in expired]
    for start in range(0, len(paths), _AT_ONCE):
        store.delete(paths[start : start + _AT_ONCE])
        if between is not None:
            between()
    if any(checkpoint_version(path) is not None for path in paths):
        paths += _delete_sidecars(store, now_ms)
    return len(paths)


def _until(listing: Iterable[Stored], cutoff_ms: int) -> Iterator[Stored]:
    """What is listed up to the first entry that was stored after a moment.

    A log is listed by versions, so that what it costs is what is old, however much is kept.
    """
    for stored in listing:
        if entry_version(stored.path) is not None and stored.modified_ms > cutoff_ms:
            return
        yield stored


def _oldest_needed(
    store: Store, state: TableState, listing: Mapping[str, int], cutoff_ms: int
) -> int | None:
    """The version that was the newest at a moment; None if the log begins later.

    The time of an entry is when it was stored, but never before that of an earlier one: a clock
    may go back. Where a table has times in its entries those hold, too.
    """
    entries = {version for path in listing if (version := entry_version(path)) is not None}
    if not entries or not has_in_commit_times(state.configuration):
        return max(entries, default=None)
    # the last one at or before the moment lies in (low, high]
    low, high = min(entries) - 1, max(entries)
    while low < high:
        middle = (low + high + 1) // 2
        if _committed_ms(store, middle) <= cutoff_ms:
            low = middle
        else:
            high = middle - 1
    return low if low in entries else None


def _committed_ms(store: Store, version: int) -> int:
    """The time in an entry; 0 if it has none, as of one before the table had such times."""
    return in_commit_ms(read_entry(store, version) or ()) or 0


def _segment(store: Store, listing: Mapping[str, int], version: int) -> LogSegment | None:
    """What the newest version up to one is replayed from, if that begins with a checkpoint."""
    try:
        segment = segment_of(store, listing, version)
    except OSError:  # none is left there
        return None
    return None if segment is None or segment.checkpoint_version is None else segment


def _expires_with(path: str) -> int | float:
    """Version up to which a file of the log is of use; what is none of them never expires."""
    for version in (entry_version(path), checkpoint_version(path)):
        if version is not None:
            return version
    if match := _CHECKSUM.fullmatch(path) or _COMPACTED.fullmatch(path):
        return int(match[1])
    return float("inf")


def _delete_sidecars(store: Store, now_ms: int) -> list[str]:
    """Delete what no checkpoint refers to any more, and is no part of one that is being made."""
    sidecars = {
        stored.path
        for stored in store.list(_SIDECARS)
        if stored.modified_ms <= now_ms - _YOUNGEST_SIDECAR_MS
    }
    if not sidecars:
        return []
    left = (stored.path for stored in store.list(LOG))
    checkpoints = tuple(path for path in left if checkpoint_version(path) is not None)
    unneeded = sorted(sidecars - set(sidecar_paths(store, checkpoints)))
    store.delete(unneeded)
    return unneeded
