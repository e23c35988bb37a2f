"""Makes a Delta table of the Parquet files that lie in its directory, without reading a row.

Everything that Delta wants to know of a file stands in the file's footer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, CommitProperties, create_table_with_add_actions

from neuralake.catalog.columns import arrow_schema, check_schema
from neuralake.catalog.delta import DeltaTable
from neuralake.delta.log import entry_path
from neuralake.delta.statistics import statistics
from neuralake.errors import DatasetError, reason_of

FIRST_ENTRY = entry_path(0)


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
    rows = 0
    actions: list[AddAction] = []
    for name in files:
        footer = _footer(directory / name)
        check_schema(table.name, table.columns, footer.schema.to_arrow_schema())
        if footer.num_rows:
            rows += footer.num_rows
            actions.append(_add_action(directory / name, footer))
    try:
        create_table_with_add_actions(
            str(directory),
            deltalake.Schema.from_arrow(arrow_schema(table.columns)),
            actions,
            mode="error",
            name=table.name,
            description=table.description,
            commit_properties=CommitProperties(custom_metadata=dict(facts)),
        )
    except (DeltaError, OSError) as error:
        raise DatasetError(f"table {table.name} cannot be committed: {reason_of(error)}") from error
    return CommittedTable(rows, tuple(action.path for action in actions))


def _footer(file: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{file.name} is not a complete Parquet file: {reason_of(error)}"
        ) from error


def _add_action(file: Path, footer: pq.FileMetaData) -> AddAction:
    status = file.stat()
    return AddAction(
        path=file.name,
        size=status.st_size,
        partition_values={},
        modification_time=status.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=statistics(footer),
    )
