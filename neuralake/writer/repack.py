"""The rows of a bin's files as one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.arrow import int96_columns, without_metadata
from neuralake.delta.actions import Add
from neuralake.delta.live_file import LiveFile
from neuralake.delta.paths import absolute, is_absolute
from neuralake.delta.rows import FileFragment, PlainFiles
from neuralake.delta.snapshot import DataFile
from neuralake.delta.store import Store
from neuralake.delta.vectors import kept_rows
from neuralake.writer.bins import Bin
from neuralake.writer.encode import EncodedFile, encode, encode_stream
from neuralake.writer.layout import Layout, partition_directory

# Parquet bytes of a bin up to which its rows are held in memory at once
_AT_ONCE_BYTES = 32 << 20
# Of a file up to which it is read as a whole
_WHOLE_BYTES = 16 << 20
_ROWS_AT_ONCE = 131_072


@dataclass(frozen=True)
class Packed:
    """A bin, and the file that holds its rows: written, and in no log yet.

    Attributes
    ----------
    bin
        The files that were packed.
    path
        Of the new file, below the table; None if no row was left.
    add
        The action that makes it part of the table.
    rows
        Number of rows in it.
    """

    bin: Bin
    path: str | None
    add: Add | None
    rows: int

    @property
    def places(self) -> set[str]:
        """Where the files lie that were packed."""
        return {file.place for file in self.bin.files}


def repack(
    store: Store, options: Mapping[str, str], layout: Layout, each: Bin, now_ms: int
) -> Packed:
    """Write the rows of a bin's files, without those that are deleted, into one file.

    Parameters
    ----------
    store, options
        Of the table, and what reaches it.
    layout
        Of its files.
    each
        The bin.
    now_ms
        When it is done, in milliseconds since 1970.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read or written, or is not one of the table.
    """
    source = _Source(store, options, layout)
    values = each.files[0].partition_values
    directory = partition_directory(values) if layout.partition_columns else ""
    encoded: EncodedFile | None
    if each.size_bytes <= _AT_ONCE_BYTES:
        parts = [part for file in each.files for part in source.rows(file, layout.stored.names)]
        rows = pa.concat_tables([layout.stored.empty_table(), *parts])
        encoded = encode(rows, directory, values, layout) if rows.num_rows else None
    else:

        def read(columns: Sequence[str]) -> Iterator[pa.Table]:
            return (part for file in each.files for part in source.rows(file, columns))

        encoded = encode_stream(read, directory, values, layout)
    if encoded is None:
        return Packed(each, None, None, 0)
    store.write(encoded.path, encoded.content)
    return Packed(each, encoded.path, encoded.add(now_ms, data_change=False), encoded.rows)


class _Source:
    """Data files, read into the columns that a file of the table has now."""

    def __init__(self, store: Store, options: Mapping[str, str], layout: Layout) -> None:
        self._store = store
        self._options = options
        self._layout = layout
        names = [n for n in layout.schema.names if n not in layout.partition_columns]
        self._logical = dict(zip(layout.stored.names, names, strict=True))

    def rows(self, file: LiveFile, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows that are not deleted, under the names that files have."""
        if file.add.size <= _WHOLE_BYTES and not is_absolute(file.place):
            content = pa.BufferReader(self._store.read(file.place))
            with pq.ParquetFile(content) as opened:
                if file.add.deletion_vector is None and self._is_plain(opened):
                    yield from self._plain(opened, columns)
                    return
        yield from self._conformed(file, columns)

    def _is_plain(self, opened: pq.ParquetFile) -> bool:
        """Whether a file is just as one that is written now, so that nothing is to be converted."""
        stored = self._layout.stored
        found = opened.schema_arrow
        return (
            self._layout.mapping != "id"
            and found.names == stored.names
            and not any(field.type.num_fields for field in stored)
            and found.types == stored.types
            and not int96_columns(opened.metadata)
        )

    def _plain(self, opened: pq.ParquetFile, columns: Sequence[str]) -> Iterator[pa.Table]:
        schema = pa.schema([self._layout.stored.field(name) for name in columns])
        for batch in opened.iter_batches(_ROWS_AT_ONCE, columns=columns, use_threads=False):
            yield pa.Table.from_arrays(batch.columns, schema=schema)

    def _conformed(self, file: LiveFile, columns: Sequence[str]) -> Iterator[pa.Table]:
        layout = self._layout
        names = [self._logical[name] for name in columns]
        schema = pa.schema([layout.schema.field(name) for name in names])
        vector = file.add.deletion_vector
        data = DataFile(
            absolute(self._store.uri, file.add.path),
            kept=None if vector is None else kept_rows(self._store, vector),
        )
        source = PlainFiles(schema, [data], self._options, layout.mapping)
        part = replace(
            layout,
            schema=schema,
            stored=pa.schema([layout.stored.field(name) for name in columns]),
            partition_columns=(),
        )
        for batch in FileFragment(source, data, without_metadata(schema)).batches(names):
            yield part.as_stored(pa.Table.from_batches([batch]))
