"""Rows as a Parquet file in memory, with the statistics that go into the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuralake.delta.actions import Add, PartitionValues
from neuralake.delta.statistics import Indexed, Path, statistics
from neuralake.writer.layout import Layout, uri_of

CODEC = "snappy"  # which every reader of Delta knows
# A dictionary that has grown to this is not worth one
_DICTIONARY_BYTES = 64 << 10
# Of a file of so many rows at most, so many tell whether text repeats: its dictionary would else be
# a third of what it takes to encode the file
_FEW_ROWS = 8192
_SAMPLE_ROWS = 256
_REPEATED = 0.75  # distinct values, as a part of the sample
# In Arrow, of a file that is written in parts
_GROUP_ROWS = 1 << 20
_GROUP_BYTES = 64 << 20


@dataclass(frozen=True)
class EncodedFile:
    """A data file that is not written yet.

    Attributes
    ----------
    path
        Below the table, of a name that nobody else has.
    content
        Its bytes.
    rows
        Number of rows.
    partition_values
        As the log has them.
    footer, indexed, without_nan
        What :func:`~neuralake.delta.statistics.statistics` makes of it.
    """

    path: str
    content: pa.Buffer
    rows: int
    partition_values: PartitionValues
    footer: pq.FileMetaData
    indexed: Sequence[Indexed]
    without_nan: Collection[Path]

    @cached_property
    def stats(self) -> str:
        """JSON, as the log has it: made when it is asked for, beside the writing of the file."""
        return statistics(self.footer, self.indexed, without_nan=self.without_nan)

    def add(self, modified_ms: int, *, data_change: bool) -> Add:
        """The action that makes the file part of the table."""
        return Add(
            path=uri_of(self.path),
            partition_values=self.partition_values,
            size=self.content.size,
            modification_time=modified_ms,
            data_change=data_change,
            stats=self.stats,
        )


def encode(rows: pa.Table, directory: str, values: PartitionValues, layout: Layout) -> EncodedFile:
    """A data file of some rows.

    Parameters
    ----------
    rows
        With the layout's ``stored`` columns, all of one partition.
    directory
        Below the table, with its slash; empty for the table's own.
    values
        Of the partition.
    layout
        Of the table.
    """
    having = _with_nan(rows, layout.floats)
    return _encode([rows], having, _without_repetition(rows, layout), directory, values, layout)


def encode_stream(
    read: Callable[[Sequence[str]], Iterable[pa.Table]],
    directory: str,
    values: PartitionValues,
    layout: Layout,
) -> EncodedFile | None:
    """A data file of more rows than are held in memory at once.

    Parameters
    ----------
    read
        Gives the rows in parts, each with the columns that are asked for, of the layout's
        ``stored``. It is called twice where there are floats: whether there is a NaN must be known
        before the file is begun.
    directory, values, layout
        As of :func:`encode`.

    Returns
    -------
    EncodedFile or None
        None if there is no row.
    """
    having: set[str] = set()
    if layout.floats:
        for part in read(layout.floats):
            having |= _with_nan(part, layout.floats)
    parts = (part for part in read(layout.stored.names) if part.num_rows)
    found = _encode(_row_groups(parts), having, set(), directory, values, layout)
    return found if found.rows else None


def _encode(
    parts: Iterable[pa.Table],
    with_nan: Collection[str],
    varied: Collection[str],
    directory: str,
    values: PartitionValues,
    layout: Layout,
) -> EncodedFile:
    schema = layout.stored
    # A footer leaves NaN out of its bounds, and engines leave out row groups by them
    unbounded = {*with_nan, *layout.nested_floats}
    bounded = [name for name in schema.names if name not in unbounded] if unbounded else True
    sink = pa.BufferOutputStream()
    footers: list[pq.FileMetaData] = []
    with pq.ParquetWriter(
        sink,
        schema,
        compression=CODEC,
        use_dictionary=[name for name in layout.dictionaries if name not in varied],
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        column_encoding={**layout.encodings, **dict.fromkeys(varied, "DELTA_LENGTH_BYTE_ARRAY")},
        store_schema=False,  # the log has it
        write_statistics=bounded,
        metadata_collector=footers,
    ) as writer:
        for part in parts:
            writer.write_table(part)
    without_nan = {(name,) for name in layout.floats if name not in with_nan}
    return EncodedFile(
        path=f"{directory}part-00000-{uuid.uuid4()}-c000.{CODEC}.parquet",
        content=sink.getvalue(),
        rows=footers[0].num_rows,
        partition_values=values,
        footer=footers[0],
        indexed=layout.indexed_columns,
        without_nan=without_nan,
    )


def _row_groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Parts together until they are worth a row group."""
    group: list[pa.Table] = []
    for part in parts:
        group.append(part)
        rows = sum(each.num_rows for each in group)
        if rows >= _GROUP_ROWS or sum(each.nbytes for each in group) >= _GROUP_BYTES:
            yield pa.concat_tables(group)
            group = []
    if group:
        yield pa.concat_tables(group)


def _without_repetition(rows: pa.Table, layout: Layout) -> set[str]:
    """Columns of text, of a small file, that a dictionary is not worth its time for.

    Lengths and then texts cost less, and every reader of Parquet 2 knows them.
    """
    if rows.num_rows > _FEW_ROWS:
        return set()
    sample = rows.slice(0, _SAMPLE_ROWS)
    most = _REPEATED * sample.num_rows
    return {name for name in layout.dictionaries if len(sample.column(name).unique()) > most}


def _with_nan(rows: pa.Table, floats: Iterable[str]) -> set[str]:
    """Columns of floats that have a NaN."""
    return {name for name in floats if pc.any(pc.is_nan(rows.column(name))).as_py()}
