"""A Delta table kept in memory as Arrow, which follows its log.

Only files that came are read, and only those that went are dropped, however many there are; rows
that were only packed into other files stay as they are. A change of the schema, or another table in
its place, is read anew. Large files are left where they
are until somebody has time to read them, and for good where there is no room: of a table that
outgrows its memory the newest rows, in small files, are in memory, and the bulk is in a few files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from neuralake.arrow import without_metadata
from neuralake.catalog.columns import check_schema
from neuralake.catalog.tables import DeltaTable
from neuralake.delta.actions import Metadata
from neuralake.delta.changes import Moved
from neuralake.delta.columns import mapping_mode, physical_name
from neuralake.delta.live import LiveFiles
from neuralake.delta.live_file import Key, LiveFile
from neuralake.delta.paths import absolute
from neuralake.delta.place import open_store
from neuralake.delta.rows import FileFragment, PlainFiles
from neuralake.delta.schema import read_schema
from neuralake.delta.snapshot import READ_FEATURES, DataFile
from neuralake.delta.vectors import kept_rows
from neuralake.serving.answers import UnavailableError
from neuralake.serving.partitions import partition_scalar
from neuralake.serving.prepared import InMemory, Mixed
from neuralake.serving.pruning import FileRanges
from neuralake.serving.segments import Segments

_NEWEST_READER = 3
# Read in some 100 ms
LARGE_BYTES = 8 << 20
# Rows in memory for bytes in Parquet, at least as large as it mostly is
_SWELLING = 6
# Of its memory, up to which large files are read
_FULL = 0.8


class UnsuitedError(Exception):
    """A table that is not kept in memory: the message says why."""


@dataclass(frozen=True)
class HotSnapshot:
    """A version of a table.

    Attributes
    ----------
    version
        Its number.
    source
        Its rows, all in memory or in part.
    """

    version: int
    source: InMemory | Mixed

    @property
    def memory(self) -> InMemory:
        """The rows that are in memory."""
        return self.source if isinstance(self.source, InMemory) else self.source.memory


class HotTable:
    """A table in memory; safe for many threads.

    Parameters
    ----------
    table
        Resolved, and without a version.
    most_bytes
        Memory that it may take.
    large_bytes
        Size of a file from which on it is not read while a request waits.

    Raises
    ------
    UnsuitedError
        If it has a feature that is not read here.
    UnavailableError
        If it cannot be read.
    """

    def __init__(self, table: DeltaTable, most_bytes: int, large_bytes: int = LARGE_BYTES) -> None:
        self._table = table
        self._most_bytes = most_bytes
        self._large_bytes = large_bytes
        self._store = open_store(table.uri, table.storage_options)
        self._lock = threading.Lock()
        self._began_s = float("-inf")
        self._live: LiveFiles | None = None
        self._metadata: Metadata
        self._full = pa.schema([])
        self._segments = Segments(self._full)
        self._read: dict[Key, LiveFile] = {}
        self._left: dict[Key, tuple[LiveFile, DataFile]] = {}
        self._files: PlainFiles | None = None  # of those that are left
        self._ranges = FileRanges()
        self._snapshot: HotSnapshot | None = None
        self.used_s = time.monotonic()
        self.snapshot()

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows, as of the last look."""
        return self._segments.schema

    @property
    def size_bytes(self) -> int:
        """Size of the rows in memory, as of the last look."""
        found = self._snapshot
        return 0 if found is None else found.memory.size_bytes

    @property
    def version(self) -> int | None:
        """The version that the last look found."""
        found = self._snapshot
        return None if found is None else found.version

    @property
    def left_files(self) -> int:
        """Number of files that are not in memory, as of the last look."""
        return len(self._left)

    def snapshot(self, staleness_s: float = 0.0) -> HotSnapshot:
        """The rows as of now: what was committed before the call is among them.

        Parameters
        ----------
        staleness_s
            How old the state may be.

        Raises
        ------
        UnsuitedError
            If the table has got a feature that is not read here.
        UnavailableError
            If it cannot be read.
        """
        wanted_s = time.monotonic() - staleness_s
        found = self._snapshot
        if found is not None and self._began_s >= wanted_s:
            return found
        with self._lock:  # what one finds out serves all that asked before it began
            if self._snapshot is None or self._began_s < wanted_s:
                began_s = time.monotonic()
                self._follow()
                self._began_s = began_s
            assert self._snapshot is not None  # noqa: S101 - or it has raised
            return self._snapshot

    def read_one_more(self) -> bool:
        """Read the smallest of the files that are left, if there is room; False if there is none.

        Raises
        ------
        UnavailableError
            If it cannot be read.
        """
        with self._lock:
            room = self._most_bytes * _FULL - self._segments.size_bytes
            left = min(self._left.values(), key=lambda pair: pair[0].add.size, default=None)
            if left is None or left[0].add.size * _SWELLING > room:
                return False
            file, segments = left[0], self._segments
        try:
            batches = self._rows(file)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise UnavailableError(f"table {self._table.name} cannot be read just now") from error
        with self._lock:
            if segments is self._segments and self._left.get(file.key) is left:
                del self._left[file.key]
                self._files = None
                self._hold(file, batches)
                self._tell()
        return True

    def _follow(self) -> None:
        try:
            if self._live is None:
                self._load()
                return
            changes = self._live.follow()
            if changes.is_reloaded or self._live.state.metadata != self._metadata:
                self._load()
                return
            moved = [each.file.key for each in changes.moved if self._move(each)]
            live = self._live.files
            gone = {file.key for file in changes.removed}
            gone.update(key for key in moved if key not in live)
            self._drop([key for key in gone if key in self._read or key in self._left])
            for file in changes.added:
                if file.key not in self._read:
                    self._take(file)
            if gone or changes.added or self._live.state.version != self.version:
                self._tell()
        except (OSError, ValueError, pa.ArrowException) as error:
            self._forget()  # what was read in part is not to be built on
            raise UnavailableError(f"table {self._table.name} cannot be read just now") from error
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        self._live = self._snapshot = None

    def _load(self) -> None:
        self._forget()
        live = LiveFiles(self._store)
        state = live.state
        unknown = frozenset(state.protocol.reader_features or ()) - READ_FEATURES
        if unknown or state.protocol.min_reader_version > _NEWEST_READER:
            raise UnsuitedError(f"it has the feature {min(unknown, default='of a newer reader')}")
        if any("variant" in feature for feature in state.protocol.reader_features or ()):
            raise UnsuitedError("it may have variant columns")
        self._metadata = state.metadata
        self._full = _arrow_schema(state.metadata)
        check_schema(self._table.name, self._table.columns, self._full)
        self._segments = Segments(without_metadata(self._full))
        self._read, self._left, self._files = {}, {}, None
        for file in live.files.values():
            self._take(file)
        self._live = live
        self._tell()

    def _move(self, moved: Moved) -> bool:
        """Keep rows that are in another file now, if they are in memory, and as many."""
        file, keys = moved.file, frozenset(moved.sources)
        sources = [self._read.get(key) for key in keys]
        if file.add.deletion_vector is not None or any(
            source is None or source.partition_values != file.partition_values for source in sources
        ):
            return False
        if file.rows is None or self._segments.rows_of(keys) != file.rows:
            return False
        self._segments.rename(keys, file.key)
        for key in keys:
            del self._read[key]
        self._read[file.key] = file
        return True

    def _drop(self, gone: Sequence[Key]) -> None:
        """Forget files that went."""
        left = [key for key in gone if self._left.pop(key, None) is not None]
        if left:
            self._files = None
        self._segments.remove(set(gone) - set(left))
        for key in gone:
            self._read.pop(key, None)

    def _take(self, file: LiveFile) -> None:
        """Read a file that came, or leave it where it is."""
        wanted = file.add.size * _SWELLING
        if file.add.size < self._large_bytes and wanted <= self._most_bytes * (1 - _FULL):
            if self._segments.size_bytes + wanted > self._most_bytes:
                self._leave_largest()
            self._hold(file, self._rows(file))
        else:
            self._leave(file)

    def _hold(self, file: LiveFile, batches: list[pa.RecordBatch]) -> None:
        self._segments.add(file.key, batches)
        self._read[file.key] = file

    def _leave(self, file: LiveFile) -> None:
        self._left[file.key] = file, self._data(file)
        self._files = None

    def _leave_largest(self) -> None:
        """Let large files go, so that there is room for small ones, which come most often."""
        excess = self._segments.size_bytes - self._most_bytes * _FULL
        going = []
        for file in sorted(self._read.values(), key=lambda f: f.add.size, reverse=True):
            if excess <= 0:
                break
            going.append(file)
            excess -= self._segments.bytes_of(file.key)
        self._segments.remove(file.key for file in going)
        for file in going:
            del self._read[file.key]
            self._leave(file)

    def _rows(self, file: LiveFile) -> list[pa.RecordBatch]:
        data = self._data(file)
        schema = self._segments.schema
        source = PlainFiles(self._full, [data], self._table.storage_options, self._mapping)
        return list(FileFragment(source, data, schema).batches(schema.names))

    def _data(self, file: LiveFile) -> DataFile:
        vector = file.add.deletion_vector
        return DataFile(
            absolute(self._store.uri, file.add.path),
            self._partition(file.partition_values),
            kept=None if vector is None else kept_rows(self._store, vector),
        )

    @property
    def _mapping(self) -> str:
        return mapping_mode(self._metadata.configuration)

    def _partition(self, values: Mapping[str, str | None]) -> dict[str, pa.Scalar]:
        if not self._metadata.partition_columns:
            return {}
        physical = {physical_name(field): field for field in self._full}
        return {
            field.name: partition_scalar(text, field.type)
            for name, text in values.items()
            if (field := physical.get(name)) is not None
        }

    def _tell(self) -> None:
        assert self._live is not None  # noqa: S101 - it was loaded
        segments = self._segments
        memory = InMemory(
            segments.schema,
            segments.batches,
            segments.rows,
            segments.size_bytes,
            segments.ranges,
        )
        if self._left and self._files is None:
            files = [data for _, data in self._left.values()]
            options = self._table.storage_options
            self._files = PlainFiles(self._full, files, options, self._mapping)
            self._ranges.keep([file.uri for file in files])
        source = memory if self._files is None else Mixed(memory, self._files, self._ranges)
        self._snapshot = HotSnapshot(self._live.state.version, source)


def _arrow_schema(metadata: Metadata) -> pa.Schema:
    try:
        return read_schema(metadata.schema_string)
    except Exception as error:
        raise UnsuitedError(f"its schema is not read here: {error}") from error
