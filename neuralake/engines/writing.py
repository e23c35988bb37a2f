"""What an engine may add: changes of Delta tables, each by the engine's own path.

An adapter that writes has two attributes more:

    class MyEngine:
        write_paths = {"append": "myengine INSERT"}    # by capability, asked before it is started
        def __init__(self, options): self.writes = MyWrites(...)

``writes`` states what it can do by the protocols below that it implements, and its calls may come
from several threads at once. A table is changed at its newest version, whichever it is read at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.engines.protocol import Engine, EngineType
from neuralake.errors import EngineError


@dataclass(frozen=True)
class Rows:
    """Rows that are to be written, staged as Parquet, the same files for every engine.

    Attributes
    ----------
    files
        Absolute paths, or ``s3://`` URIs.
    schema
        Of the rows; its nulls and types are those of a table that is created.
    rows
        How many.
    storage_options
        What reaches the files, under object_store's names; nothing where they lie on disk.
    """

    files: tuple[str, ...]
    schema: pa.Schema
    rows: int
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def uri(self) -> str:
        """Where they lie: one of the files."""
        return self.files[0]


@dataclass(frozen=True)
class Written:
    """A change that was made.

    Attributes
    ----------
    version
        That it committed (the last, of several), or that a checkpoint is of. None if there was
        nothing to commit, or the engine does not tell.
    rows
        That were added, deleted, or updated and inserted; None where rows are not what changes.
    path
        By which it went, as in ``write_paths``.
    conflicts
        Commits of others between the version that was read and this one, past which the library
        went by itself; 0 where that cannot be told.
    """

    version: int | None
    rows: int | None
    path: str
    conflicts: int = 0


@runtime_checkable
class Creates(Protocol):
    """Makes a table and loads it."""

    def create(
        self, table: DeltaTable, rows: Rows, *, partition_by: tuple[str, ...] = ()
    ) -> Written:
        """Make a table of the rows' schema, where there is none, and append them.

        Raises
        ------
        EngineError
            If there is a table already.
        """


@runtime_checkable
class Appends(Protocol):
    """Adds rows."""

    def append(self, table: DeltaTable, rows: Rows) -> Written:
        """Add all rows in one commit.

        Raises
        ------
        WriteConflictError
            If another writer was first; nothing of this change is in the table. The caller may
            make it again. So it is with all changes.
        UnsupportedWriteError
            If the table has a feature that this path does not keep; nothing was written. So it is
            with all changes.
        EngineError
            If it fails for any other reason. So it is with all changes.
        """


@runtime_checkable
class Deletes(Protocol):
    """Deletes rows by a condition."""

    def delete(self, table: DeltaTable, where: str) -> Written:
        """Delete the rows for which an SQL predicate over the table's columns is true."""


@runtime_checkable
class DeletesKeys(Protocol):
    """Deletes rows by their keys."""

    def delete_keys(self, table: DeltaTable, keys: Rows, on: tuple[str, ...]) -> Written:
        """Delete the rows that are equal in these columns to one of the keys; null equals none."""


@runtime_checkable
class Updates(Protocol):
    """Updates rows."""

    def update(self, table: DeltaTable, assignments: Mapping[str, str], where: str) -> Written:
        """Assign SQL expressions to columns where an SQL predicate is true."""


@runtime_checkable
class Merges(Protocol):
    """Updates or inserts rows."""

    def merge(self, table: DeltaTable, rows: Rows, on: tuple[str, ...]) -> Written:
        """Update whole rows that are equal in these columns, and insert the others.

        Raises
        ------
        EngineError
            If two of the rows are equal in these columns to one row of the table.
        """


@runtime_checkable
class Compacts(Protocol):
    """Compacts files."""

    def compact(self, table: DeltaTable) -> Written:
        """Join small files to larger ones, of the size that is the engine's default."""


@runtime_checkable
class ZOrders(Protocol):
    """Orders rows along a curve over several columns."""

    def z_order(self, table: DeltaTable, columns: tuple[str, ...]) -> Written:
        """Write the table anew, its rows in Z-order of these columns."""


@runtime_checkable
class Vacuums(Protocol):
    """Removes files that no version needs any more."""

    def vacuum(self, table: DeltaTable, retention_hours: float, *, enforce: bool = True) -> Written:
        """Delete files that left the table longer ago than the retention, in hours.

        Parameters
        ----------
        table
            Whose.
        retention_hours
            Older versions are unreadable afterwards; whole hours.
        enforce
            Whether a retention below the table's own (``delta.deletedFileRetentionDuration``) is
            refused.
        """


@runtime_checkable
class Checkpoints(Protocol):
    """Sums up the log."""

    def checkpoint(self, table: DeltaTable) -> Written:
        """Write a checkpoint of the newest version."""


# In the order in which they are shown; the name of the method is that of the capability
CAPABILITIES: Mapping[str, type] = MappingProxyType(
    {
        "create": Creates,
        "append": Appends,
        "delete": Deletes,
        "delete_keys": DeletesKeys,
        "update": Updates,
        "merge": Merges,
        "compact": Compacts,
        "z_order": ZOrders,
        "vacuum": Vacuums,
        "checkpoint": Checkpoints,
    }
)


class Writes(Protocol):
    """What writes the tables of an engine, besides the capabilities that it implements.

    Attributes
    ----------
    name
        Of the engine.
    """

    name: str

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides how it writes, retries of its library among it, as recorded in results."""


def whole_hours(hours: float) -> int:
    """Hours of a retention, which must be whole.

    Raises
    ------
    EngineError
        If they are not.
    """
    if hours < 0 or hours != int(hours):
        raise EngineError(f"retention_hours is {hours:g}: expected whole hours, 0 or more")
    return int(hours)


def writes_of(engine: Engine) -> Writes | None:
    """What writes the tables of a started engine, to be asked for capabilities; None if nothing."""
    found: Writes | None = getattr(engine, "writes", None)
    return found


def capabilities(kind: EngineType) -> dict[str, str | None]:
    """By capability the path that an engine takes, or None where it has none; it is not started."""
    paths: Mapping[str, str] = getattr(kind, "write_paths", {})
    return {name: paths.get(name) for name in CAPABILITIES}


def sessions_at_once(kind: EngineType) -> bool:
    """Whether sessions of one engine may be open at once, each used by a thread of its own."""
    return bool(getattr(kind, "sessions_at_once", False))
