"""The commits of a table as its log still has them: when each was made, and what it did.

Source: Delta Transaction Log Protocol, "Commit Provenance Information" and "In-Commit Timestamps";
Delta Lake's own readers, to whom the time of a commit is otherwise that of its entry's file, and
never before that of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralake.delta.actions import Action
from neuralake.delta.log import LOG, entry_version, read_entry
from neuralake.delta.store import Store

_ENABLED = "delta.enableInCommitTimestamps"
_ENABLED_FROM = "delta.inCommitTimestampEnablementVersion"


@dataclass(frozen=True)
class Commit:
    """One entry of a log.

    Attributes
    ----------
    version
        Its number.
    committed_ms
        When it was made, in milliseconds since 1970: by the entry itself where the table has
        in-commit timestamps, by the clock of the store otherwise.
    operation
        What its writer says that it did, such as ``WRITE``; empty where it does not say.
    engine
        What its writer calls itself; empty where it does not.
    metrics
        What the writer counted, as the log has it.
    files_added, files_removed
        Numbers of files.
    changes_rows
        Whether rows came or went: a compaction and a change of properties do neither.
    """

    version: int
    committed_ms: int
    operation: str = ""
    engine: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    files_added: int = 0
    files_removed: int = 0
    changes_rows: bool = False


def commits_before(
    store: Store, configuration: Mapping[str, str], version: int
) -> Iterator[Commit]:
    """The commits up to a version, newest first, read one by one as they are asked for.

    Parameters
    ----------
    store
        Of the table.
    configuration
        Its properties at that version.
    version
        Of the newest commit that is wanted.

    Yields
    ------
    Commit
        As far back as the entries reach without a gap: older ones were cleaned up.

    Raises
    ------
    OSError, ValueError
        If an entry cannot be read.
    """
    times = file_times(store, version)
    timed_from = None
    if configuration.get(_ENABLED, "").lower() == "true":
        timed_from = int(configuration.get(_ENABLED_FROM, 0))
    for number in range(version, -1, -1):
        if number not in times:
            return
        actions = read_entry(store, number)
        if actions is None:  # cleaned up meanwhile
            return
        at = times[number]
        if timed_from is not None and number >= timed_from:
            at = time_within(store, number, actions)
        yield _commit(number, at, actions)


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


def time_within(store: Store, version: int, actions: Iterable[Action]) -> int:
    """When an entry was made, as it says itself.

    Raises
    ------
    ValueError
        If it does not.
    """
    for action in actions:
        if action.commitInfo is not None:
            found = action.commitInfo.get("inCommitTimestamp")
            if isinstance(found, int):
                return found
    raise ValueError(f"the entry of version {version} of {store.uri} has no time in it")


def _commit(version: int, at: int, actions: Iterable[Action]) -> Commit:
    info: Mapping[str, Any] = {}
    added = removed = 0
    changes_rows = False
    for action in actions:
        if action.commitInfo is not None:
            info = action.commitInfo
        elif action.add is not None:
            added += 1
            changes_rows |= action.add.data_change
        elif action.remove is not None:
            removed += 1
            changes_rows |= action.remove.data_change is not False
    metrics = info.get("operationMetrics")
    return Commit(
        version=version,
        committed_ms=at,
        operation=_text(info.get("operation")),
        engine=_text(info.get("engineInfo") or info.get("clientVersion")),
        metrics=metrics if isinstance(metrics, Mapping) else {},
        files_added=added,
        files_removed=removed,
        changes_rows=changes_rows,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
