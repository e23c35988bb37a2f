"""A change of a table, by whoever can make it; and once more when another writer was first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.writing import CAPABILITIES, Written
from neuralake.errors import NeuralakeError, WriteConflictError
from neuralake.workloads.phases.model import (
    Append,
    Checkpoint,
    Compact,
    Create,
    Delete,
    DeleteKeys,
    Merge,
    Update,
    Vacuum,
    Write,
    ZOrder,
)

_MOST_RETRIES = 50
_FIRST_WAIT_S = 0.01
_LONGEST_WAIT_S = 1.0


class Named(Protocol):
    """Whoever may have a capability."""

    @property
    def name(self) -> str:
        """In results and messages."""


@dataclass(frozen=True)
class _Way:
    """How a change is asked for, once it is known that the writer has the capability."""

    noun: str
    call: Callable[[Any, DeltaTable, Any], Written]


_WAYS: Mapping[type, _Way] = {
    Create: _Way(
        "creation of a table",
        lambda by, table, a: by.create(table, a.rows, partition_by=a.partition_by),
    ),
    Append: _Way("append", lambda by, table, a: by.append(table, a.rows)),
    Delete: _Way("deletion", lambda by, table, a: by.delete(table, a.where)),
    DeleteKeys: _Way(
        "deletion by keys",
        lambda by, table, a: by.delete_keys(table, a.keys, a.on),
    ),
    Update: _Way(
        "update",
        lambda by, table, a: by.update(table, a.assignments, a.where),
    ),
    Merge: _Way("merge", lambda by, table, a: by.merge(table, a.rows, a.on)),
    Compact: _Way("compaction", lambda by, table, _: by.compact(table)),
    ZOrder: _Way("Z-order", lambda by, table, a: by.z_order(table, a.columns)),
    Vacuum: _Way(
        "vacuum",
        lambda by, table, a: by.vacuum(table, a.retention_hours, enforce=a.enforce),
    ),
    Checkpoint: _Way("checkpoint", lambda by, table, _: by.checkpoint(table)),
}


class UnsupportedError(NeuralakeError):
    """Nobody here can make such a change; the message says who and what."""


@dataclass(frozen=True)
class Changed:
    """A change that was made.

    Attributes
    ----------
    written
        What the writer says of it.
    conflicts
        How often another writer was first.
    """

    written: Written
    conflicts: int


class LostRacesError(Exception):
    """A change that was refused for good: other writers were first again and again.

    Attributes
    ----------
    conflicts
        How often.
    """

    def __init__(self, conflicts: int, last: WriteConflictError) -> None:
        super().__init__(f"other writers were first {conflicts} times: {last}")
        self.conflicts = conflicts


def change(writers: Sequence[Named], tables: Mapping[str, DeltaTable], action: Write) -> Changed:
    """Make a change, and make it again when another writer was first.

    Parameters
    ----------
    writers
        The first that has the capability (:mod:`neuralake.engines.writing`) makes the change.
    tables
        By name.
    action
        What is changed.

    Raises
    ------
    UnsupportedError
        If none of them has it.
    LostRacesError
        If others were first too often.
    """
    table = tables[action.table]
    attempts = (_bound(writer, table, action) for writer in writers)
    attempt = next((found for found in attempts if found is not None), None)
    if attempt is None:
        names = " or ".join(writer.name for writer in writers) or "an engine that only reads"
        raise UnsupportedError(f"there is no {_WAYS[type(action)].noun} by {names}")
    for conflicts in range(_MOST_RETRIES):
        try:
            written = attempt()
            return Changed(written, conflicts + written.conflicts)
        except WriteConflictError as error:
            last = error
        # writers that wait alike would meet again
        time.sleep(random.uniform(0, min(_FIRST_WAIT_S * 2**conflicts, _LONGEST_WAIT_S)))  # noqa: S311
    raise LostRacesError(_MOST_RETRIES, last)


def _bound(writer: Named, table: DeltaTable, action: Write) -> Callable[[], Written] | None:
    """The call that makes a change; None where the writer has none."""
    if not isinstance(writer, CAPABILITIES[action.kind]):
        return None
    return partial(_WAYS[type(action)].call, writer, table, action)
