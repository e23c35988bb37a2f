"""Removes the part of a log that no version within the table's retention needs.

Source: Delta Transaction Log Protocol, "Metadata Cleanup".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from neuralake.delta.checkpoint import sidecar_paths
from neuralake.delta.clock import store_time_ms
from neuralake.delta.intervals import LOG_RETENTION, retention_ms
from neuralake.delta.log import (
    LOG,
    LogSegment,
    checkpoint_version,
    entry_version,
    find_segment,
    hinted_version,
    read_entry,
)
from neuralake.delta.state import TableState
from neuralake.delta.store import Store

# A reader that listed the log before there was the checkpoint reads what lies before it
_GRACE_MS = 10_000
_SIDECARS = f"{LOG}_sidecars/"
# Of a checkpoint that is being written
_YOUNGEST_SIDECAR_MS = 86_400_000
_AT_ONCE = 1000
_CHECKSUM = re.compile(r"_delta_log/(\d{20})\.crc")
_COMPACTED = re.compile(r"_delta_log/(\d{20})\.\d{20}\.compacted\.json")


def clean_up(store: Store, state: TableState) -> int:
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
    listing = {s.path: s.modified_ms for s in store.list(LOG)}
    entries = {v: ms for path, ms in listing.items() if (v := entry_version(path)) is not None}
    if not entries or not any(checkpoint_version(path) is not None for path in listing):
        return 0
    now_ms = store_time_ms(store)
    kept = _oldest_needed(store, state, entries, now_ms - keeps_ms)
    hint = hinted_version(store)
    segment = None if kept is None else _segment(store, kept if hint is None else min(kept, hint))
    # To a reader of today it must not matter that there was no such checkpoint a moment ago
    while segment is not None and any(
        listing.get(path, now_ms) > now_ms - _GRACE_MS for path in segment.checkpoint
    ):
        segment = _segment(store, (segment.checkpoint_version or 0) - 1)
    if segment is None or segment.checkpoint_version is None:
        return 0
    boundary = segment.checkpoint_version
    expired = sorted(
        (version, path) for path in listing if (version := _expires_with(path)) < boundary
    )
    paths = [path for _, path in expired]
    for start in range(0, len(paths), _AT_ONCE):
        store.delete(paths[start : start + _AT_ONCE])
    if any(checkpoint_version(path) is not None for path in paths):
        paths += _delete_sidecars(store, set(listing) - set(paths), listing, now_ms)
    return len(paths)


def _oldest_needed(
    store: Store, state: TableState, entries: Mapping[int, int], cutoff_ms: int
) -> int | None:
    """The version that was the newest at a moment; None if the log begins later.

    The time of an entry is when it was stored, but never before that of an earlier one: a clock
    may go back. Where a table has times in its entries those hold, too.
    """
    found = None
    newest_ms = 0
    for version in sorted(entries):
        newest_ms = max(newest_ms, entries[version])
        if newest_ms > cutoff_ms:
            break
        found = version
    if found is None or not state.is_set("delta.enableInCommitTimestamps"):
        return found
    low, high = min(entries) - 1, found  # the last one at or before the moment lies in (low, high]
    while low < high:
        middle = (low + high + 1) // 2
        if _committed_ms(store, middle) <= cutoff_ms:
            low = middle
        else:
            high = middle - 1
    return low if low in entries else None


def _committed_ms(store: Store, version: int) -> int:
    """The time in an entry; 0 if it has none, as of one before the table had such times."""
    for action in read_entry(store, version) or ():
        if action.commitInfo is not None:
            found = action.commitInfo.get("inCommitTimestamp")
            return found if isinstance(found, int) else 0
    return 0


def _segment(store: Store, version: int) -> LogSegment | None:
    """What the newest version up to one is replayed from, if that begins with a checkpoint."""
    try:
        segment = find_segment(store, version)
    except OSError:  # none is left there
        return None
    return None if segment.checkpoint_version is None else segment


def _expires_with(path: str) -> int | float:
    """Version up to which a file of the log is of use; what is none of them never expires."""
    for version in (entry_version(path), checkpoint_version(path)):
        if version is not None:
            return version
    if match := _CHECKSUM.fullmatch(path) or _COMPACTED.fullmatch(path):
        return int(match[1])
    return float("inf")


def _delete_sidecars(
    store: Store, left: Iterable[str], modified: Mapping[str, int], now_ms: int
) -> list[str]:
    """Delete what no checkpoint refers to any more, and is no part of one that is being made."""
    sidecars = {
        path
        for path in left
        if path.startswith(_SIDECARS) and modified[path] <= now_ms - _YOUNGEST_SIDECAR_MS
    }
    if not sidecars:
        return []
    checkpoints = tuple(path for path in left if checkpoint_version(path) is not None)
    unneeded = sorted(sidecars - set(sidecar_paths(store, checkpoints)))
    store.delete(unneeded)
    return unneeded
