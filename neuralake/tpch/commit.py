"""Makes a Delta table of the Parquet files that lie in its directory, without reading a row.

Everything that Delta wants to know of a file stands in the file's footer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import deltalake
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, CommitProperties, create_table_with_add_actions

from neuralake.catalog.columns import arrow_schema, check_schema
from neuralake.catalog.delta import DeltaTable
from neuralake.errors import DatasetError, reason_of

FIRST_ENTRY = f"_delta_log/{0:020}.json"

Value: TypeAlias = int | Decimal | date | str
Bounds: TypeAlias = dict[str, tuple[Value, Value]]

# As Delta's reference implementation does (dataSkippingStringPrefixLength).
_LONGEST_TEXT = 32
_GREATEST_CHARACTER = "\U0010ffff"


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


def statistics(footer: pq.FileMetaData) -> str:
    """A file's statistics as Delta records them (protocol, "Per-file Statistics").

    A column without bounds in any of the row groups has none here; likewise for the null counts.
    """
    columns = [footer.schema.column(i).path for i in range(footer.num_columns)]
    bounds: Bounds = {}
    null_counts: dict[str, int] = {}
    for index, column in enumerate(columns):
        groups = [
            footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)
        ]
        if all(group is not None and group.has_min_max for group in groups):
            bounds[column] = (min(g.min for g in groups), max(g.max for g in groups))
        if all(group is not None and group.has_null_count for group in groups):
            null_counts[column] = sum(group.null_count for group in groups)
    return encode_statistics(footer.num_rows, bounds, null_counts)


def encode_statistics(rows: int, bounds: Bounds, null_counts: Mapping[str, int]) -> str:
    """The JSON of a file's statistics: decimals as exact numbers, dates as ISO 8601.

    Parameters
    ----------
    rows
        Number of rows.
    bounds
        Least and greatest value of each column. Text is cut to 32 characters, such that the bounds
        still hold.
    null_counts
        Number of nulls of each column.
    """
    lower = {column: lower_bound(least) for column, (least, _) in bounds.items()}
    upper = {column: upper_bound(greatest) for column, (_, greatest) in bounds.items()}
    document = {
        "numRecords": rows,
        "minValues": lower,
        "maxValues": {column: value for column, value in upper.items() if value is not None},
        "nullCount": dict(null_counts),
    }
    return msgspec.json.Encoder(decimal_format="number").encode(document).decode()


def lower_bound(value: Value) -> Value:
    """The value, or the start of a long text, which sorts before it."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def upper_bound(value: Value) -> Value | None:
    """The value, or a short text that sorts after a long one; None if there is no such text."""
    if not isinstance(value, str) or len(value) <= _LONGEST_TEXT:
        return value
    bound = value[:_LONGEST_TEXT] + _GREATEST_CHARACTER
    return bound if bound >= value else None


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
