"""Which version of a table a request wants.

Source: Delta Transaction Log Protocol, "In-Commit Timestamps"; Delta Lake's own readers, to whom
the time of a commit is otherwise that of its entry's file, and never before that of the one before.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from neuralake.catalog.tables import DeltaTable
from neuralake.delta.log import LOG, entry_version, read_entry
from neuralake.delta.place import open_store
from neuralake.delta.state import load_state
from neuralake.delta.store import Store
from neuralake.errors import CatalogError
from neuralake.serving.answers import AsOf, RefusedError

_ENABLED_VERSION = "delta.inCommitTimestampEnablementVersion"
_ENABLED_MS = "delta.inCommitTimestampEnablementTimestamp"


def find_version(table: DeltaTable, as_of: AsOf) -> int:
    """The version that a request wants.

    Raises
    ------
    RefusedError
        If the table has none, or no longer.
    OSError, ValueError
        If its log cannot be read.
    """
    if as_of.time is not None:
        version = _newest_at(table, round(as_of.time.timestamp() * 1000))
        if version is None:
            at = as_of.time.isoformat()
            raise RefusedError(f"table {table.name} has no version from {at} or before")
    else:
        newest = replace(table, version=None).newest_version()
        version = newest if as_of.version is None else as_of.version
        if version > newest:
            raise RefusedError(f"table {table.name} has no version {version}: {newest} is its last")
    try:
        replace(table, version=version).snapshot()
    except CatalogError as error:
        raise RefusedError(f"table {table.name} has version {version} no longer") from error
    return version


def _newest_at(table: DeltaTable, time_ms: int) -> int | None:
    store = open_store(table.uri, table.storage_options)
    found = (
        (version, stored.modified_ms)
        for stored in store.list(LOG)
        if (version := entry_version(stored.path)) is not None
    )
    entries = dict(sorted(found))
    state = load_state(store)
    if state.is_set("delta.enableInCommitTimestamps"):
        # Where they were not from the beginning, files tell the times of the versions before
        first = int(state.configuration.get(_ENABLED_VERSION, 0))
        if time_ms >= int(state.configuration.get(_ENABLED_MS, 0)):
            timed = [version for version in entries if version >= first]
            position = bisect_right(timed, time_ms, key=lambda version: _written_ms(store, version))
            return timed[position - 1] if position else None
        entries = {version: at for version, at in entries.items() if version < first}
    times: list[int] = []
    for at in entries.values():
        times.append(max(at, times[-1] + 1) if times else at)
    position = bisect_right(times, time_ms)
    return list(entries)[position - 1] if position else None


def _written_ms(store: Store, version: int) -> int:
    for action in read_entry(store, version) or ():
        if action.commitInfo is not None:
            found = action.commitInfo.get("inCommitTimestamp")
            if isinstance(found, int):
                return found
    raise ValueError(f"the entry of version {version} of {store.uri} has no time in it")
