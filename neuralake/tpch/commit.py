"""Makes a Delta table of the Parquet files that lie in its directory, without reading a row.

Everything that Delta wants to know of a file stands in the file's footer.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.catalog.columns import check_schema
from neuralake.catalog.delta import DeltaTable
from neuralake.delta.actions import ENGINE_INFO, Action, Add, Format, Metadata, Protocol, encode
from neuralake.delta.disk import DiskStore
from neuralake.delta.log import entry_path
from neuralake.delta.schema import schema_string
from neuralake.delta.statistics import statistics
from neuralake.errors import DatasetError, reason_of

FIRST_ENTRY = entry_path(0)


@dataclass(frozen=True)
class DescribedFile:
    """What Delta wants to know of a data file, read from its footer.

    Attributes
    ----------
    rows
        Number of its rows.
    action
        Adds it to a table.
    """

    rows: int
    action: Add


@dataclass(frozen=True)
class CommittedTable:
    """What was committed.

    Attributes
    ----------
    rows
        Rows of all files.
    files
        Names of the files in the table's directory that have rows.
    """

    rows: int
    files: tuple[str, ...]


def commit(
    table: DeltaTable, directory: Path, files: Sequence[str], facts: Mapping[str, str]
) -> CommittedTable:
    """Create version 0 of a Delta table from Parquet files, with full column statistics.

    Parameters
    ----------
    table
        Declaration: the files must have its columns.
    directory
        Directory of the table.
    files
        Names of its files; those without rows are left out.
    facts
        Recorded in the commit.

    Raises
    ------
    SchemaMismatchError
        If a file has other columns than declared.
    DatasetError
        If a file cannot be read or the table cannot be written.
    """
    described = [describe(table, directory / name) for name in files]
    return commit_described(table, directory, described, facts)


def describe(table: DeltaTable, file: Path) -> DescribedFile:
    """Read the footer of a data file of a table.

    Raises
    ------
    SchemaMismatchError
        If it has other columns than declared.
    DatasetError
        If it cannot be read.
    """
    footer = _footer(file)
    check_schema(table.name, table.columns, footer.schema.to_arrow_schema())
    return DescribedFile(footer.num_rows, _add_action(file, footer))


def commit_described(
    table: DeltaTable,
    directory: Path,
    described: Sequence[DescribedFile],
    facts: Mapping[str, str],
) -> CommittedTable:
    """As :func:`commit`, of files that have been described, and need not be there any more."""
    filled = [file for file in described if file.rows]
    now_ms = int(time.time() * 1000)
    info = {
        "timestamp": now_ms,
        "operation": "CREATE TABLE",
        "operationParameters": {"mode": "ErrorIfExists"},
        "engineInfo": ENGINE_INFO,
        **facts,
    }
    metadata = Metadata(
        id=str(uuid.uuid4()),
        name=table.name,
        description=table.description,
        format=Format(provider="parquet"),
        schema_string=schema_string(table.columns),
        partition_columns=[],
        created_time=now_ms,
    )
    entry = [
        Action(commitInfo=info),
        Action(protocol=Protocol(min_reader_version=1, min_writer_version=2)),
        Action(metaData=metadata),
        *(Action(add=file.action) for file in filled),
    ]
    try:
        DiskStore(directory).create(FIRST_ENTRY, encode(entry))
    except OSError as error:
        raise DatasetError(f"table {table.name} cannot be committed: {reason_of(error)}") from error
    return CommittedTable(
        sum(file.rows for file in filled), tuple(file.action.path for file in filled)
    )


def _footer(file: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{file.name} is not a complete Parquet file: {reason_of(error)}"
        ) from error


def _add_action(file: Path, footer: pq.FileMetaData) -> Add:
    status = file.stat()
    return Add(
        path=file.name,
        partition_values={},
        size=status.st_size,
        modification_time=status.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=statistics(footer),
    )
