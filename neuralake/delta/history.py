"""The commits of a table as its log still has them: when each was made, and what it did.

Source: Delta Transaction Log Protocol, "Commit Provenance Information".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralake.delta.actions import Action
from neuralake.delta.log import read_entry
from neuralake.delta.store import Store
from neuralake.delta.times import file_times, time_within, timed_from


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
    first_timed = timed_from(configuration)
    for number in range(version, -1, -1):
        if number not in times:
            return
        actions = read_entry(store, number)
        if actions is None:  # cleaned up meanwhile
            return
        at = times[number]
        if first_timed is not None and number >= first_timed:
            at = time_within(store, number, actions)
        yield _commit(number, at, actions)


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
