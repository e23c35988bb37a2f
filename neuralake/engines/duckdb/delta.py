"""A Delta snapshot as a view of DuckDB over its own Parquet reader.

DuckDB's extension for Delta comes from the network; what it would do is said in SQL instead: the
files are listed, columns are taken by their names in the files, values of partition columns are
joined by the file, deleted rows are left out by file and row number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.delta.columns import physical_name
from neuralake.delta.contents import Contents
from neuralake.delta.snapshot import Snapshot
from neuralake.engines.duckdb.statistics import (
    finds_nulls_everywhere,
    without_statistics,
)
from neuralake.identifiers import quoted

if TYPE_CHECKING:
    import duckdb

# As no column of a table is called
_FILE = "neuralake file"
_ROW_NUMBER = "file_row_number"
_GIVEN = "neuralake_given"


def reads_itself(contents: Contents) -> bool:
    """Whether DuckDB's Parquet reader can give a snapshot's rows; otherwise Arrow must."""
    snapshot = contents.snapshot
    taken = {name.lower() for name in snapshot.schema.names} & {_FILE, _ROW_NUMBER}
    return bool(
        snapshot.files
        and not contents.has_other_types
        and not contents.has_nested_int96
        and not snapshot.has_variants
        and snapshot.mapping != "id"
        and not (taken and snapshot.has_deletions)
        and not any(pa.types.is_null(kind) for kind in snapshot.schema.types)
    )


def create_view(
    connection: duckdb.DuckDBPyConnection, name: str, contents: Contents, helpers: str
) -> None:
    """Create a view of a snapshot for which :func:`reads_itself` holds.

    Parameters
    ----------
    connection
        Of the session.
    name
        Of the view.
    contents
        The snapshot.
    helpers
        Schema for the tables and views that it is made of.
    """
    snapshot = contents.snapshot
    files = [as_pattern(path) for path in snapshot.paths]
    plain = snapshot.beyond_files is None
    if plain and contents.is_uniform and not contents.int96_columns:
        relation = connection.read_parquet(files, hive_partitioning=False)
        if doubts := doubted(contents.footers, hides_nan=contents.hides_nan):
            relation = relation.project(as_they_are(snapshot.schema, doubts))
        relation.create_view(name)
        return
    scan = f"{helpers}.{quoted(f'{name} files')}"
    listed = ", ".join(literal(file) for file in files)
    row_number = ", file_row_number = true" if snapshot.has_deletions else ""
    options = f"union_by_name = true, filename = {literal(_FILE)}{row_number}"
    source = f"read_parquet([{listed}], hive_partitioning = false, {options})"
    connection.execute(f"CREATE VIEW {scan} AS FROM {source}")
    described = connection.execute(f"DESCRIBE {scan}").fetchall()
    present = {str(column[0]).lower() for column in described}
    sql = [f"SELECT {', '.join(_columns(connection, contents, present))}", f"FROM {scan} AS files"]
    if snapshot.partition_columns:
        values = f"{helpers}.{quoted(f'{name} partitions')}"
        _keep(connection, values, _partition_values(snapshot))
        sql.append(f"JOIN {values} AS parts ON parts.{quoted(_FILE)} = files.{quoted(_FILE)}")
    if snapshot.has_deletions:
        deleted = f"{helpers}.{quoted(f'{name} deletions')}"
        _keep(connection, deleted, _deleted_rows(snapshot))
        sql.append(
            f"ANTI JOIN {deleted} AS deleted ON deleted.{quoted(_FILE)} = files.{quoted(_FILE)} "
            f"AND deleted.row = files.{_ROW_NUMBER}"
        )
    connection.execute(f"CREATE VIEW {quoted(name)} AS {' '.join(sql)}")


def as_pattern(path: str) -> str:
    """A name as it is, where DuckDB sees a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def doubted(footers: Mapping[str, pq.FileMetaData], *, hides_nan: bool) -> frozenset[str]:
    """Of which columns DuckDB must not believe the statistics: ``floats``, ``texts``, or none."""
    texts = {"texts"} if finds_nulls_everywhere(footers.values()) else set()
    return frozenset(texts | ({"floats"} if hides_nan else set()))


def as_they_are(schema: pa.Schema, doubts: Collection[str]) -> str:
    """A list of all columns, those that are doubted without their statistics."""
    return ", ".join(
        f"{_without(quoted(f.name), f.type, doubts)} AS {quoted(f.name)}" for f in schema
    )


def _without(column: str, kind: pa.DataType, doubts: Collection[str]) -> str:
    return without_statistics(column, kind, floats="floats" in doubts, texts="texts" in doubts)


def _columns(
    connection: duckdb.DuckDBPyConnection, contents: Contents, present: set[str]
) -> list[str]:
    """Expressions of the view's columns, in the table's types."""
    snapshot = contents.snapshot
    doubts = doubted(contents.footers, hides_nan=contents.hides_nan)
    types = connection.from_arrow(snapshot.schema.remove_metadata().empty_table()).types
    columns = []
    for field, kind in zip(snapshot.schema, types, strict=True):
        stored = field.name if snapshot.mapping == "none" else physical_name(field)
        if field.name in snapshot.partition_columns:
            value = f"parts.{quoted(field.name)}"
        elif stored.lower() in present:
            value = f"files.{quoted(stored)}"
            value = _without(value, field.type, doubts)
        else:
            value = "NULL"
        columns.append(f"CAST({value} AS {kind}) AS {quoted(field.name)}")
    return columns


def _partition_values(snapshot: Snapshot) -> pa.Table:
    """Values of the partition columns by the file."""
    files = snapshot.files
    columns: dict[str, pa.Array] = {_FILE: pa.array([f.uri for f in files], pa.string())}
    for name in snapshot.partition_columns:
        kind = snapshot.schema.field(name).type
        columns[name] = pa.array([f.partition[name] for f in files], kind)
    return pa.table(columns)


def _deleted_rows(snapshot: Snapshot) -> pa.Table:
    """Deleted rows by the file and their number in it, from 0."""
    import pyarrow.compute as pc  # which is slow to load, and seldom needed

    files, rows = [], []
    for file in snapshot.files:
        if file.kept is not None:
            numbers = pc.indices_nonzero(pc.invert(file.kept)).cast(pa.int64())
            rows.append(numbers)
            files.append(pa.repeat(pa.scalar(file.uri), len(numbers)))
    return pa.table({_FILE: pa.chunked_array(files), "row": pa.chunked_array(rows)})


def _keep(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register(_GIVEN, rows)
    connection.execute(f"CREATE TABLE {name} AS FROM {_GIVEN}")
    connection.unregister(_GIVEN)


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
