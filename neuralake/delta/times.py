"""When the versions of a table were committed: by their entries, or by the files of these.

Source: Delta Transaction Log Protocol, "In-Commit Timestamps"; Delta Lake's own readers, to whom
the time of a commit is otherwise that of its entry's file, and never before that of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neuralake.delta.actions import Action
from neuralake.delta.log import LOG, entry_version
from neuralake.delta.store import Store

IN_COMMIT = "inCommitTimestamp"
_ENABLED = "delta.enableInCommitTimestamps"
_ENABLED_VERSION = "delta.inCommitTimestampEnablementVersion"


def has_in_commit_times(configuration: Mapping[str, str]) -> bool:
    """Whether entries have their time in them, from some version on, by a table's properties."""
    return configuration.get(_ENABLED, "").lower() == "true"


def timed_from(configuration: Mapping[str, str]) -> int | None:
    """The first version whose entry has its time in it, by a table's properties; None if none."""
    if not has_in_commit_times(configuration):
        return None
    return int(configuration.get(_ENABLED_VERSION, 0))


def in_commit_ms(actions: Iterable[Action]) -> int | None:
    """When an entry was made, as it says itself: milliseconds since 1970, or None."""
    return _told_ms(actions, IN_COMMIT)


def writer_ms(actions: Iterable[Action]) -> int | None:
    """When an entry was made by the clock of its writer: milliseconds since 1970, or None."""
    return _told_ms(actions, "timestamp")


def time_within(store: Store, version: int, actions: Iterable[Action]) -> int:
    """When an entry was made, as it says itself, in milliseconds since 1970.

    Raises
    ------
    ValueError
        If it does not.
    """
    found = in_commit_ms(actions)
    if found is None:
        raise ValueError(f"the entry of version {version} of {store.uri} has no time in it")
    return found


def file_times(store: Store, version: int | None = None) -> dict[int, int]:
    """When the files of the entries were written, each later than the one before.

    Parameters
    ----------
    store
        Of the table.
    version
        The newest one to consider; None for the newest there is.

    Returns
    -------
    dict
        Milliseconds since 1970 by version, in ascending order.
    """
    found = (
        (number, stored.modified_ms)
        for stored in store.list(LOG)
        if (number := entry_version(stored.path)) is not None
        and (version is None or number <= version)
    )
    times: dict[int, int] = {}
    last = None
    for number, at in sorted(found):
        times[number] = last = at if last is None else max(at, last + 1)
    return times


def _told_ms(actions: Iterable[Action], name: str) -> int | None:
    infos = (action.commitInfo for action in actions)
    told = next((info.get(name) for info in infos if info is not None), None)
    return told if isinstance(told, int) else None
