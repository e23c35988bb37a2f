"""What identifies the data of a table, so that a later run can tell whether it has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from neuralake.catalog.delta import DeltaTable
from neuralake.catalog.modules import FunctionReference
from neuralake.catalog.parquet import ParquetTable
from neuralake.catalog.tables import AdbcTable, FunctionTable, Table
from neuralake.catalog.views import Latest, is_view, view_of


def table_identity(table: Table) -> dict[str, Any]:
    """Facts that differ once the data does, as plain JSON; storage options are not among them.

    Parameters
    ----------
    table
        A resolved table. Of a Delta table the log is read, of Parquet files the directory is
        listed; a function is not called.

    Returns
    -------
    dict
        ``format``, and: for Delta ``uri``, table ``id``, ``version``, number of ``files`` and
        their ``bytes``; for Parquet ``uri``, the ``path``, ``bytes`` and ``modified`` (UTC)
        of each of its ``files`` and, with Hive partitions, their types by name
        (``partitioned_by``) and whether their directories are values alone (``names_in_paths``,
        which is False then); for a function the ``file`` of its module with its ``sha256``
        (None where there is no such file), its ``name`` and its ``arguments``; for a table of a
        database ``uri``, without what reaches it, and ``driver``: what tells its rows apart from
        those of yesterday it does not say. Of a table with computed or missing columns, or of
        which the newest rows are read, also ``view``.

    Raises
    ------
    CatalogError
        If the table cannot be read.
    SchemaMismatchError
        If it differs from its declaration.
    """
    if is_view(table):
        return {**_stored(table), "view": _view(table)}
    return _stored(table)


def _view(table: Table) -> dict[str, Any]:
    """What decides the rows beside those that are stored."""
    newest: Latest | None = getattr(table, "newest", None)
    return {
        "columns": {column.name: column.expression for column in table.columns},
        "missing_columns": getattr(table, "missing_columns", "refuse"),
        "latest": None
        if newest is None
        else {"by": list(newest.by), "key": list(newest.key), "ties": newest.ties},
    }


def _stored(table: Table) -> dict[str, Any]:
    if is_view(table) and isinstance(table, ParquetTable):
        view = view_of(table)
        table = table if view is None else view.base
    if isinstance(table, DeltaTable):
        return {"format": table.format, "uri": table.uri, **_delta(table)}
    if isinstance(table, ParquetTable):
        found = {"format": table.format, "uri": table.uri, "files": _files(table)}
        if not table.partitioned_by:
            return found
        fields = table.partitions().fields
        types = {f.name: str(f.type) for f in fields}
        # Of a directory such as a=1 the value is another if it is read as it stands
        as_they_stand = {} if table.names_in_paths else {"names_in_paths": False}
        return {**found, "partitioned_by": types, **as_they_stand}
    if isinstance(table, FunctionTable):
        return {"format": table.format, **_function(table)}
    if isinstance(table, AdbcTable):
        return {"format": table.format, "uri": table.uri, "driver": table.driver}
    uri = getattr(table, "uri", None)
    return {"format": table.format, "uri": uri if isinstance(uri, str) else None}


def _delta(table: DeltaTable) -> dict[str, Any]:
    snapshot = table.read_snapshot()
    sizes = pa.chunked_array(snapshot.handle.get_add_actions().column("size_bytes")).to_pylist()
    return {
        "id": str(snapshot.handle.metadata().id),
        "version": snapshot.version,
        "files": len(sizes),
        "bytes": sum(sizes),
    }


def _files(table: ParquetTable) -> list[dict[str, Any]]:
    files = table.files()
    root = table.uri.rstrip("/") + "/"
    return [
        {
            "path": file.removeprefix(root),
            "bytes": info.size,
            "modified": info.mtime.isoformat() if info.mtime else None,
        }
        for file, info in zip(files, table.file_infos(files), strict=True)
    ]


def _function(table: FunctionTable) -> dict[str, Any]:
    reference = FunctionReference.to(table.function)
    try:
        digest = hashlib.sha256(Path(reference.file).read_bytes()).hexdigest()
    except OSError:  # made in an interactive session, or imported from a zip
        digest = None
    return {
        "file": reference.file or None,
        "sha256": digest,
        "name": reference.name,
        "arguments": {name: repr(value) for name, value in table.arguments.items()},
    }
