"""Deltalake, in both ways that its documentation shows: by the table's path, and by a handle."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.places import Target

if TYPE_CHECKING:
    from deltalake import DeltaTable

_NOTHING = Receipt()


def deltalake_versions() -> dict[str, str]:
    """Of deltalake."""
    return {"deltalake": version("deltalake")}


class ByPath:
    """``write_deltalake(path, …)``: the table is opened for every append."""

    name = "deltalake-path"
    makes_tables = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self.settings: Mapping[str, Any] = {
            "mode": "append",
            "table": "path",
            "syncs": "nothing",  # as a trace of its system calls shows
        }

    @classmethod
    def unavailable(cls, target: Target) -> str | None:  # noqa: ARG003
        """Nothing is missing: the package is one of Neuralake's own."""
        return None

    def versions(self) -> dict[str, str]:
        """Of deltalake."""
        return deltalake_versions()

    def appender(self, batches: Batches) -> Appender:  # noqa: ARG002
        """One that opens the table anew each time."""
        return _Path(self._target)

    def maintain(self) -> None:
        """One pass with deltalake's own means."""
        maintain(self._target)

    def close(self) -> None:
        """Nothing to stop."""


class ByHandle:
    """``write_deltalake(table, …)``: a handle is kept, and follows what it commits itself."""

    name = "deltalake-handle"
    makes_tables = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self.settings: Mapping[str, Any] = {
            "mode": "append",
            "table": "handle, one a producer",
            "syncs": "nothing",  # as a trace of its system calls shows
        }

    @classmethod
    def unavailable(cls, target: Target) -> str | None:  # noqa: ARG003
        """Nothing is missing: the package is one of Neuralake's own."""
        return None

    def versions(self) -> dict[str, str]:
        """Of deltalake."""
        return deltalake_versions()

    def appender(self, batches: Batches) -> Appender:  # noqa: ARG002
        """One with a handle of its own."""
        return _Handle(self._target)

    def maintain(self) -> None:
        """One pass with deltalake's own means."""
        maintain(self._target)

    def close(self) -> None:
        """Nothing to stop."""


def open_table(target: Target) -> DeltaTable:
    """The newest snapshot of a table."""
    from deltalake import DeltaTable

    return DeltaTable(target.uri, storage_options=dict(target.options))


def maintain(target: Target) -> None:
    """Compact, write a checkpoint, clean up the log and vacuum, with deltalake and its defaults.

    A retention of the files below its default would delete those of appends under way.
    """
    table = open_table(target)
    table.optimize.compact()
    table.create_checkpoint()
    table.cleanup_metadata()
    table.vacuum(dry_run=False)


class _Path:
    def __init__(self, target: Target) -> None:
        self._target = target

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        from deltalake import write_deltalake

        options = dict(self._target.options)
        write_deltalake(self._target.uri, batch, mode="append", storage_options=options)
        return _NOTHING

    def close(self) -> None:
        """Nothing is held."""


class _Handle:
    def __init__(self, target: Target) -> None:
        self._table = open_table(target)

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:  # noqa: ARG002
        from deltalake import write_deltalake

        write_deltalake(self._table, batch, mode="append")
        return Receipt(version=self._table.version())

    def close(self) -> None:
        """The handle ends with the process."""
