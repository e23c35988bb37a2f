"""Which versions of a table can still be read, and which was the newest at a moment.

Source: Delta Transaction Log Protocol, "In-Commit Timestamps".
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from neuralake.delta.log import (
    LOG,
    NotATableError,
    checkpoint_version,
    entry_version,
    read_entry,
    segment_of,
)
from neuralake.delta.state import load_state
from neuralake.delta.store import Store
from neuralake.delta.times import file_times, time_within, timed_from

_ENABLED_MS = "delta.inCommitTimestampEnablementTimestamp"


def readable_versions(store: Store) -> range:
    """Versions that the log still tells: from its first whole checkpoint, or entry 0, on.

    Raises
    ------
    NotATableError
        If there is no Delta log, or not all of it.
    OSError
        If it cannot be listed.
    """
    paths = [stored.path for stored in store.list(LOG)]
    entries = [version for path in paths if (version := entry_version(path)) is not None]
    checkpoints: defaultdict[int, list[str]] = defaultdict(list)
    for path in paths:
        if (version := checkpoint_version(path)) is not None:
            checkpoints[version].append(path)
    newest = max([*entries, *checkpoints], default=None)
    if newest is None:
        raise NotATableError(f"no Delta table at {store.uri}: it has no {LOG} with entries")
    if 0 in entries:
        return range(newest + 1)
    for version in sorted(checkpoints):
        whole = segment_of(store, checkpoints[version], version)
        if whole is not None and whole.checkpoint_version == version:
            return range(version, newest + 1)
    raise NotATableError(f"the log of {store.uri} has lost its beginning")


def version_at(store: Store, time_ms: int) -> int | None:
    """The newest version that was committed by a moment; None if the log tells of none.

    Parameters
    ----------
    store
        Of the table.
    time_ms
        Milliseconds since 1970.

    Raises
    ------
    NotATableError
        If there is no Delta log, or not all of it.
    OSError, ValueError
        If it cannot be read.
    """
    entries = file_times(store)
    state = load_state(store)
    first = timed_from(state.configuration)
    if first is not None:
        # Where they were not from the beginning, files tell the times of the versions before
        if time_ms >= int(state.configuration.get(_ENABLED_MS, 0)):
            timed = [version for version in entries if version >= first]
            position = bisect_right(timed, time_ms, key=lambda version: _written_ms(store, version))
            return timed[position - 1] if position else None
        entries = {version: at for version, at in entries.items() if version < first}
    position = bisect_right(list(entries.values()), time_ms)
    return list(entries)[position - 1] if position else None


def _written_ms(store: Store, version: int) -> int:
    return time_within(store, version, read_entry(store, version) or ())
