"""Rows as a Parquet file in memory, with the statistics that go into the log."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neuralake.delta.actions import Add, PartitionValues
from neuralake.delta.statistics import Path, statistics
from neuralake.writer.layout import Layout, uri_of

CODEC = "snappy"  # which every reader of Delta knows


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
    stats
        JSON, as the log has it.
    """

    path: str
    content: pa.Buffer
    rows: int
    partition_values: PartitionValues
    stats: str

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
    with_nan, without_nan = _nan(rows)
    sink = pa.BufferOutputStream()
    footers: list[pq.FileMetaData] = []
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression=CODEC,
        store_schema=False,  # the log has it
        # A footer leaves NaN out of its bounds, and engines leave out row groups by them
        write_statistics=[n for n in rows.column_names if n not in with_nan] if with_nan else True,
        metadata_collector=footers,
    ) as writer:
        writer.write_table(rows)
    return EncodedFile(
        path=f"{directory}part-00000-{uuid.uuid4()}-c000.{CODEC}.parquet",
        content=sink.getvalue(),
        rows=rows.num_rows,
        partition_values=values,
        stats=statistics(footers[0], rows.schema, without_nan=without_nan, indexed=layout.indexed),
    )


def _nan(rows: pa.Table) -> tuple[set[str], set[Path]]:
    """Columns that may hold a NaN, and columns of floats that hold none."""
    having: set[str] = set()
    lacking: set[Path] = set()
    for field, values in zip(rows.schema, rows.columns, strict=True):
        if pa.types.is_floating(field.type):
            if pc.any(pc.is_nan(values)).as_py():
                having.add(field.name)
            else:
                lacking.add((field.name,))
        elif _has_floats(field.type):
            having.add(field.name)
    return having, lacking


def _has_floats(kind: pa.DataType) -> bool:
    if pa.types.is_floating(kind):
        return True
    return any(_has_floats(kind.field(i).type) for i in range(kind.num_fields))
