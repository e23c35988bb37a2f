"""A Delta table kept in memory as Arrow, which follows its log.

Only files that came are read, and only those that went are dropped, however many there are; a
change of the schema, or another table in its place, is read anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from neuralake.catalog.columns import check_schema
from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import Metadata
from neuralake.delta.commits import absolute
from neuralake.delta.live import LiveFile, LiveFiles
from neuralake.delta.place import open_store
from neuralake.delta.rows import FileFragment, PlainFiles
from neuralake.delta.snapshot import READ_FEATURES, DataFile
from neuralake.delta.vectors import kept_rows
from neuralake.serving.answers import UnavailableError
from neuralake.serving.partitions import partition_scalar
from neuralake.serving.segments import Segments

_NEWEST_READER = 3


class UnsuitedError(Exception):
    """A table that is not kept in memory: the message says why."""


@dataclass(frozen=True)
class HotSnapshot:
    """A version of a table in memory.

    Attributes
    ----------
    version
        Its number.
    schema
        Of the rows.
    batches
        All rows.
    rows, size_bytes
        Their number, and their size in memory.
    """

    version: int
    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]
    rows: int
    size_bytes: int


class HotTable:
    """A table in memory; safe for many threads.

    Parameters
    ----------
    table
        Resolved, and without a version.
    most_bytes
        Size in memory beyond which it is given up.

    Raises
    ------
    UnsuitedError
        If it is larger, or has a feature that is not read here.
    UnavailableError
        If it cannot be read.
    """

    def __init__(self, table: DeltaTable, most_bytes: int) -> None:
        self._table = table
        self._most_bytes = most_bytes
        self._store = open_store(table.uri, table.storage_options)
        self._lock = threading.Lock()
        self._began_s = -1.0
        self._live: LiveFiles | None = None
        self._metadata: Metadata | None = None
        self._segments = Segments(pa.schema([]))
        self._full: pa.Schema = self._segments.schema
        self._snapshot: HotSnapshot | None = None
        self.snapshot()

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows, as of the last look."""
        return self._segments.schema

    @property
    def size_bytes(self) -> int:
        """Size of the rows in memory, as of the last look."""
        found = self._snapshot
        return 0 if found is None else found.size_bytes

    @property
    def version(self) -> int | None:
        """The version that the last look found."""
        found = self._snapshot
        return None if found is None else found.version

    def snapshot(self, staleness_s: float = 0.0) -> HotSnapshot:
        """The rows as of now: what was committed before the call is among them.

        Parameters
        ----------
        staleness_s
            How old the state may be.

        Raises
        ------
        UnsuitedError
            If the table has outgrown its share of memory, or got a feature that is not read here.
        UnavailableError
            If it cannot be read.
        """
        wanted_s = time.monotonic() - staleness_s
        if self._snapshot is not None and self._began_s >= wanted_s:
            return self._snapshot
        with self._lock:  # what one finds out serves all that asked before it began
            if self._snapshot is None or self._began_s < wanted_s:
                began_s = time.monotonic()
                self._follow()
                self._began_s = began_s
            assert self._snapshot is not None  # noqa: S101 - or it has raised
            return self._snapshot

    def _follow(self) -> None:
        try:
            if self._live is None:
                self._load()
                return
            changes = self._live.follow()
            if changes.is_reloaded or self._live.state.metadata != self._metadata:
                self._load()
                return
            if not changes.added and not changes.removed:
                if self._snapshot is None or self._snapshot.version != self._live.state.version:
                    self._tell()
                return
            self._segments.remove(file.key for file in changes.removed)
            for file in changes.added:
                self._read(file)
            self._tell()
        except UnsuitedError:
            raise
        except (OSError, ValueError, pa.ArrowException) as error:
            # What was read in part is not to be built on
            self._live = self._snapshot = None
            raise UnavailableError(f"table {self._table.name} cannot be read just now") from error
        except BaseException:
            self._live = self._snapshot = None
            raise

    def _load(self) -> None:
        self._live = self._snapshot = None
        live = LiveFiles(self._store)
        state = live.state
        unknown = frozenset(state.protocol.reader_features or ()) - READ_FEATURES
        if unknown or state.protocol.min_reader_version > _NEWEST_READER:
            raise UnsuitedError(f"it has the feature {min(unknown, default='of a newer reader')}")
        if any("variant" in feature for feature in state.protocol.reader_features or ()):
            raise UnsuitedError("it may have variant columns")
        size = sum(file.add.size for file in live.files.values())
        if size > self._most_bytes:
            raise UnsuitedError(f"its files have {size} bytes")
        self._full = _arrow_schema(state.metadata)
        check_schema(self._table.name, self._table.columns, self._full)
        plain = pa.schema([pa.field(f.name, f.type, f.nullable) for f in self._full])
        self._metadata = state.metadata
        self._segments = Segments(plain)
        for file in live.files.values():
            self._read(file)
        self._live = live
        self._tell()

    def _read(self, file: LiveFile) -> None:
        vector = file.add.deletion_vector
        partition = self._partition(file.partition_values)
        data = DataFile(
            absolute(self._store.uri, file.add.path),
            partition,
            kept=None if vector is None else kept_rows(self._store, vector),
        )
        mapping = "none" if self._metadata is None else _mapping(self._metadata)
        source = PlainFiles(self._full, [data], self._table.storage_options, mapping)
        schema = self._segments.schema
        self._segments.add(file.key, list(FileFragment(source, data, schema).batches(schema.names)))
        if self._segments.size_bytes > self._most_bytes:
            raise UnsuitedError(f"its rows have more than {self._most_bytes} bytes")

    def _partition(self, values: Mapping[str, str | None]) -> dict[str, pa.Scalar]:
        if self._metadata is None or not self._metadata.partition_columns:
            return {}
        physical = {
            (f.metadata or {}).get(b"delta.columnMapping.physicalName", f.name.encode()).decode(): f
            for f in self._full
        }
        return {
            field.name: partition_scalar(text, field.type)
            for name, text in values.items()
            if (field := physical.get(name)) is not None
        }

    def _tell(self) -> None:
        assert self._live is not None  # noqa: S101 - it was loaded
        segments = self._segments
        self._snapshot = HotSnapshot(
            self._live.state.version,
            segments.schema,
            segments.batches,
            segments.rows,
            segments.size_bytes,
        )


def _arrow_schema(metadata: Metadata) -> pa.Schema:
    import deltalake

    try:
        return pa.schema(deltalake.Schema.from_json(metadata.schema_string).to_arrow())
    except Exception as error:
        raise UnsuitedError(f"its schema is not read here: {error}") from error


def _mapping(metadata: Metadata) -> str:
    return metadata.configuration.get("delta.columnMapping.mode", "none")
