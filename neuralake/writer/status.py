"""A table as its writers see it, and what the writers of this machine did last."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralake.delta.live import LiveFiles
from neuralake.delta.log import NotATableError, find_segment, read_entry
from neuralake.delta.place import open_store
from neuralake.delta.state import TableState
from neuralake.delta.store import Store
from neuralake.delta.times import writer_ms
from neuralake.storage import one_line
from neuralake.writer.bins import Packing, is_candidate
from neuralake.writer.destination import Destination
from neuralake.writer.errors import WriterError
from neuralake.writer.presence import writers_of


@dataclass(frozen=True)
class Application:
    """A sender whose sequences the table remembers.

    Attributes
    ----------
    application
        Its name.
    sequence
        The last one that was committed.
    updated_ms
        When, in milliseconds since 1970; None where it is not told.
    """

    application: str
    sequence: int
    updated_ms: int | None


@dataclass(frozen=True)
class Status:
    """A table, and who writes it.

    Attributes
    ----------
    table, uri
        Its name and place.
    version
        The newest.
    last_commit_ms, last_commit_age_s
        When that was made, in milliseconds since 1970, and its age in seconds; None where the log
        does not tell.
    files, small_files, size_bytes
        Live data files, those of them that a compaction takes, and the bytes of all.
    log_entries_since_checkpoint
        Commits that a reader replays one by one.
    applications
        Senders whose sequences are remembered.
    writers
        What each writer of this machine says of itself.
    """

    table: str
    uri: str
    version: int
    last_commit_ms: int | None
    last_commit_age_s: float | None
    files: int
    small_files: int
    size_bytes: int
    log_entries_since_checkpoint: int
    applications: tuple[Application, ...]
    writers: tuple[Mapping[str, Any], ...]


def read_status(destination: Destination, places: Path | None) -> Status:
    """Read the newest status of a table.

    Parameters
    ----------
    destination
        The table.
    places
        Directory in which the writers of this machine are found; None if there is none.

    Raises
    ------
    WriterError
        If there is no such table, or it cannot be read.
    """
    store = open_store(destination.uri, destination.storage_options)
    try:
        live = LiveFiles(store)
        state, entries = live.state, find_segment(store).entries
        committed_ms = _committed_ms(store, state)
    except NotATableError as error:
        raise WriterError(str(error)) from error
    except (OSError, ValueError) as error:
        reason = one_line(error, destination.storage_options)
        raise WriterError(f"{destination.uri} cannot be read: {reason}") from error
    files, packing = live.files.values(), Packing()
    return Status(
        table=destination.name,
        uri=destination.uri,
        version=state.version,
        last_commit_ms=committed_ms,
        last_commit_age_s=None if committed_ms is None else _age_s(committed_ms),
        files=len(files),
        small_files=sum(is_candidate(file, packing) for file in files),
        size_bytes=sum(file.add.size for file in files),
        log_entries_since_checkpoint=len(entries),
        applications=tuple(
            Application(name, txn.version, txn.last_updated)
            for name, txn in sorted(state.transactions.items())
        ),
        writers=() if places is None else tuple(writers_of(places, destination.uri)),
    )


def _committed_ms(store: Store, state: TableState) -> int | None:
    """When a version was committed: by its entry's own time, or by its writer's clock."""
    if state.in_commit_timestamp_ms is not None:
        return state.in_commit_timestamp_ms
    return writer_ms(read_entry(store, state.version) or ())


def _age_s(moment_ms: int) -> float:
    return max(0.0, time.time() - moment_ms / 1000)
