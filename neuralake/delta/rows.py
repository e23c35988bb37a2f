"""The rows of data files as Arrow, one after another: for engines whose own reader gives others.

It is a ``pyarrow.dataset.Dataset``, as DataFusion and DuckDB register it: they ask for columns and
hand down filters, by which row groups are passed over. Files are read at each scan, so that a query
pays for it: nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NoReturn, Protocol

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from neuralake.arrow import without_metadata
from neuralake.delta.columns import conform, find_field
from neuralake.delta.pruning import may_hold, named_in
from neuralake.delta.snapshot import DataFile
from neuralake.storage import filesystem

_ROWS_AT_ONCE = 131_072


class Source(Protocol):
    """Data files, and what makes their rows those of a table: a snapshot, for one."""

    @property
    def schema(self) -> pa.Schema:
        """The table's columns, with column mapping in the metadata."""

    @property
    def files(self) -> Sequence[DataFile]:
        """The files."""

    @property
    def mapping(self) -> str:
        """How columns are found in the files: ``none``, ``name`` or ``id``."""

    @property
    def storage_options(self) -> Mapping[str, str]:
        """What reaches the files."""


@dataclass(frozen=True)
class PlainFiles:
    """Files that are all there is to a table; see :class:`Source`."""

    schema: pa.Schema
    files: Sequence[DataFile]
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    mapping: str = "none"


class FilesDataset(ds.Dataset):  # type: ignore[misc]
    """The rows as a dataset.

    What pyarrow does with its own datasets in C++ is not to be had here; every method that callers
    have is made of :meth:`scanner`, and the others refuse.

    Parameters
    ----------
    source
        Whose rows.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def __reduce__(self) -> NoReturn:
        raise TypeError("a dataset of files stays in its process")

    @property
    def schema(self) -> pa.Schema:
        """The table's, without metadata."""
        return without_metadata(self._source.schema)

    def get_fragments(self, filter: ds.Expression | None = None) -> Iterator[FileFragment]:
        """One fragment a data file; a filter is left to each fragment's scanner."""
        del filter
        return (FileFragment(self._source, file, self.schema) for file in self._source.files)

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,
        **_options: Any,
    ) -> ds.Scanner:
        """Scan all files, one after another."""
        wanted = needed_columns(self.schema, columns, filter)
        fragments = self.get_fragments()
        batches = (batch for f in fragments for batch in f.batches(wanted, filter))
        schema = pa.schema([self.schema.field(name) for name in wanted])
        return _scanner(batches, schema, columns, filter)

    def to_batches(self, **options: Any) -> Iterator[pa.RecordBatch]:
        """The rows in batches; options as of :meth:`scanner`."""
        return iter(self.scanner(**options).to_batches())

    def to_table(self, **options: Any) -> pa.Table:
        """All rows; options as of :meth:`scanner`."""
        return self.scanner(**options).to_table()

    def count_rows(self, filter: ds.Expression | None = None, **_options: Any) -> int:
        """Number of rows."""
        return int(self.scanner(columns=[], filter=filter).count_rows())

    def head(self, num_rows: int, **options: Any) -> pa.Table:
        """The first rows."""
        return self.scanner(**options).head(num_rows)


class FileFragment:
    """The rows of one data file, with the method of a dataset's fragment that engines call."""

    def __init__(self, source: Source, file: DataFile, schema: pa.Schema) -> None:
        self._source = source
        self._file = file
        self._schema = schema

    def scanner(
        self,
        schema: pa.Schema | None = None,
        columns: Sequence[str] | None = None,
        filter: ds.Expression | None = None,
        **_options: Any,
    ) -> ds.Scanner:
        """Scan the file."""
        del schema
        wanted = needed_columns(self._schema, columns, filter)
        read = pa.schema([self._schema.field(name) for name in wanted])
        return _scanner(self.batches(wanted, filter), read, columns, filter)

    def batches(
        self, columns: Sequence[str], filter: ds.Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows that are not deleted, as the table has them.

        Parameters
        ----------
        columns
            Names of those to read.
        filter
            Row groups of which it finds nothing are passed over; rows are not filtered.
        """
        file, origin = self._file, self._source
        system, path = filesystem(file.uri, origin.storage_options)
        fields = [origin.schema.field(name) for name in columns]
        target = pa.schema([self._schema.field(name) for name in columns])
        footer, groups = None, None
        if filter is not None and origin.mapping == "none":
            footer, groups = may_hold(path, system, filter, self._schema, file.partition)
        # Scanners call this in Arrow's few threads for input, in which buffering ahead would wait
        # for another of them: for ever, once as many files are read at once as there are threads
        with pq.ParquetFile(
            path,
            metadata=footer,
            filesystem=system,
            pre_buffer=False,
            coerce_int96_timestamp_unit="us",
        ) as source:
            present = list(source.schema_arrow)
            places = [
                None if f.name in file.partition else find_field(f, present, origin.mapping)
                for f in fields
            ]
            read = [present[i].name for i in places if i is not None]
            for start, batch in _numbered(source, groups, read):
                rows = batch.num_rows
                arrays = []
                for wanted, place in zip(fields, places, strict=True):
                    if wanted.name in file.partition:
                        arrays.append(pa.repeat(file.partition[wanted.name], rows))
                    elif place is None:
                        arrays.append(pa.nulls(rows, wanted.type))
                    else:
                        values = batch.column(present[place].name)
                        arrays.append(conform(values, wanted, origin.mapping))
                # Without columns it is the batch that knows the number of rows
                whole = (
                    pa.RecordBatch.from_arrays(arrays, schema=target)
                    if arrays
                    else batch.select([])
                )
                yield whole if file.kept is None else whole.filter(self._mask(start, rows))

    def _mask(self, start: int, rows: int) -> pa.BooleanArray:
        kept = self._file.kept
        part = pa.array([], pa.bool_()) if kept is None else kept.slice(start, rows)
        beyond = rows - len(part)
        return pa.concat_arrays([part, pa.repeat(pa.scalar(True), beyond)]) if beyond else part


def needed_columns(
    schema: pa.Schema, columns: Sequence[str] | None, filter: ds.Expression | None
) -> list[str]:
    """Columns to read: those that are wanted, and those that a filter may name."""
    if columns is None:
        return list(schema.names)
    named = named_in(filter, schema)
    return [name for name in schema.names if name in columns or name in named]


def _numbered(
    file: pq.ParquetFile, groups: Sequence[int] | None, columns: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of some row groups, or all, each with the number in the file of its first row."""
    footer = file.metadata
    before = 0
    for wanted, group in groupby(
        range(footer.num_row_groups), lambda g: groups is None or g in groups
    ):
        run = list(group)
        start = before
        before += sum(footer.row_group(g).num_rows for g in run)
        for batch in (
            file.iter_batches(_ROWS_AT_ONCE, row_groups=run, columns=columns) if wanted else ()
        ):
            yield start, batch
            start += batch.num_rows


def _scanner(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    columns: Sequence[str] | None,
    filter: ds.Expression | None,
) -> ds.Scanner:
    return ds.Scanner.from_batches(
        batches,
        schema=schema,
        columns=None if columns is None else list(columns),
        filter=filter,
        use_threads=False,
    )
