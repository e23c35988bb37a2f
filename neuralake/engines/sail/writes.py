"""Changes of Delta tables by Sail's own commands.

Sail 0.7 has no OPTIMIZE, VACUUM and no checkpoint on demand. Nothing of the caller's gets into its
commits, so that they are told by who made them: one change at a time goes through an engine.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from neuralake.catalog.tables import DeltaTable
from neuralake.config import is_remote
from neuralake.delta.actions import CommitInfo
from neuralake.delta.log import read_entry
from neuralake.delta.place import open_store
from neuralake.engines.own_commits import metric
from neuralake.engines.sail.uris import are_plain
from neuralake.engines.spark.types import spark_schema
from neuralake.engines.writing import Rows, Written
from neuralake.errors import EngineError, UnsupportedWriteError, WriteConflictError
from neuralake.identifiers import backticked
from neuralake.storage import one_line

if TYPE_CHECKING:
    import deltalake
    from pyspark.sql.connect.session import SparkSession

WRITE_PATHS: Mapping[str, str] = {
    "create": "sail DataFrameWriter error",
    "append": "sail DataFrameWriter append",
    "delete": "sail DELETE",
    "delete_keys": "sail MERGE, matched DELETE",
    "update": "sail UPDATE",
    "merge": "sail MERGE",
}
_ROWS = "neuralake_rows"
# Delta protocol, "Table Features": of writers, what such tables as are written here may ask for
_KEPT = {"appendOnly", "invariants", "timestampNtz"}
_PLAIN_WRITER = 2
_OF_COLUMNS = {"delta.invariants", "delta.generationExpression"}
_EXISTS = re.compile(r"already exists at path")
_CONFLICT = re.compile(
    r"conflict|concurrent|version already exists|Failed to commit", re.IGNORECASE
)


class SailWrites:
    """What Sail changes by itself.

    Parameters
    ----------
    connect
        Makes a session.
    """

    name = "sail"

    def __init__(self, connect: Callable[[], SparkSession]) -> None:
        self._connect = connect
        self._one_at_a_time = threading.Lock()
        self.settings: Mapping[str, Any] = {"writes_at_once": 1}

    def create(
        self, table: DeltaTable, rows: Rows, *, partition_by: tuple[str, ...] = ()
    ) -> Written:
        """Make a table of the rows' schema, where there is none, and append them."""
        with self._change("create", table, rows) as change:
            writer = self._read(table, rows).write.format("delta").mode("error")
            if partition_by:
                writer = writer.partitionBy(*partition_by)
            writer.save(table.uri)
            return change.written("numOutputRows")

    def append(self, table: DeltaTable, rows: Rows) -> Written:
        """Add all rows in one commit."""
        with self._change("append", table, rows) as change:
            self._read(table, rows).write.format("delta").mode("append").save(table.uri)
            return change.written("numOutputRows")

    def delete(self, table: DeltaTable, where: str) -> Written:
        """Delete the rows for which an SQL predicate over the table's columns is true."""
        with self._change("delete", table) as change:
            self._run(f"DELETE FROM {change.target} WHERE {where}")  # noqa: S608 - asked for
            return change.written("numDeletedRows")

    def delete_keys(self, table: DeltaTable, keys: Rows, on: tuple[str, ...]) -> Written:
        """Delete the rows that are equal in these columns to one of the keys."""
        with self._change("delete_keys", table, keys) as change:
            self._run(f"{self._merge(change, keys, on)} WHEN MATCHED THEN DELETE")
            return change.written("numTargetRowsDeleted")

    def update(self, table: DeltaTable, assignments: Mapping[str, str], where: str) -> Written:
        """Assign SQL expressions to columns where an SQL predicate is true."""
        with self._change("update", table) as change:
            assigned = ", ".join(
                f"{backticked(name)} = {text}" for name, text in assignments.items()
            )
            self._run(f"UPDATE {change.target} SET {assigned} WHERE {where}")  # noqa: S608 - asked for
            return change.written("numUpdatedRows")

    def merge(self, table: DeltaTable, rows: Rows, on: tuple[str, ...]) -> Written:
        """Update whole rows that are equal in these columns, and insert the others."""
        with self._change("merge", table, rows) as change:
            self._run(
                f"{self._merge(change, rows, on)} "
                "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
            )
            return change.written("numTargetRowsUpdated", "numTargetRowsInserted")

    @cached_property
    def _spark(self) -> SparkSession:
        return self._connect()

    def _run(self, sql: str) -> None:
        self._spark.sql(sql)  # a command is carried out at once

    def _merge(self, change: _Change, rows: Rows, on: tuple[str, ...]) -> str:
        self._read(change.table, rows).createOrReplaceTempView(_ROWS)
        equal = " AND ".join(f"t.{backticked(name)} = s.{backticked(name)}" for name in on)
        return f"MERGE INTO {change.target} AS t USING {_ROWS} AS s ON {equal}"

    def _read(self, table: DeltaTable, rows: Rows) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = spark_schema(table.name, rows.schema, "Sail")
        read: Any = self._spark.read
        read = read.schema(from_arrow_schema(schema, prefer_timestamp_ntz=True))
        return read.parquet(*rows.files)

    @contextmanager
    def _change(
        self, capability: str, table: DeltaTable, rows: Rows | None = None
    ) -> Iterator[_Change]:
        from pyspark.errors import PySparkException

        paths = [table.uri, *(rows.files if rows else ())]
        if any(map(is_remote, paths)) or not are_plain(paths):
            raise UnsupportedWriteError(
                f"table {table.name}: {capability}: Sail writes to a path on disk of letters, "
                f"digits and _ - . = alone, and {table.uri} or the new rows lie elsewhere"
            )
        with self._one_at_a_time:
            try:
                yield _Change(table, capability)
            except PySparkException as error:
                reason = f"{capability}: {one_line(error, table.storage_options)}"
                if capability == "create" and _EXISTS.search(str(error)):
                    reason = f"there is one at {table.uri} already"
                elif _CONFLICT.search(str(error)):
                    raise WriteConflictError(f"table {table.name}: {reason}") from error
                raise EngineError(f"table {table.name}: {reason}") from error


class _Change:
    """A change under way."""

    def __init__(self, table: DeltaTable, capability: str) -> None:
        self.table = replace(table, version=None, at=None)
        self.target = f"delta.{backticked(table.uri)}"
        self._path = WRITE_PATHS[capability]
        self._before = -1
        if capability != "create":
            snapshot = self.table.snapshot()
            _require_kept(table, capability, snapshot)
            self._before = snapshot.version()

    def written(self, *metrics: str) -> Written:
        """What Sail committed, with the sum of some of its metrics."""
        found = self._commits()
        if len(found) != 1:  # nothing, or another process's Sail wrote as well
            return Written(None, None if found else 0, self._path)
        version, commit = found[0]
        counts = [metric(commit, name) for name in metrics]
        return Written(version, sum(count or 0 for count in counts), self._path)

    def _commits(self) -> list[tuple[int, CommitInfo]]:
        """Those of Sail since the change began."""
        store = open_store(self.table.uri, self.table.storage_options)
        newest = self.table.snapshot().version()
        return [
            (version, action.commitInfo)
            for version in range(self._before + 1, newest + 1)
            for action in read_entry(store, version) or ()
            if action.commitInfo and "sail" in str(action.commitInfo.get("engineInfo"))
        ]


def _require_kept(table: DeltaTable, capability: str, snapshot: deltalake.DeltaTable) -> None:
    """Refuse a table of which it is not known that Sail keeps all that its log asks for."""
    protocol, configuration = snapshot.protocol(), snapshot.metadata().configuration
    asked = {*(protocol.reader_features or ()), *(protocol.writer_features or ())} - _KEPT
    if protocol.writer_features is None and protocol.min_writer_version > _PLAIN_WRITER:
        asked.add(f"writer version {protocol.min_writer_version}")
    asked |= {key for key in configuration if key.startswith("delta.constraints.")}
    fields = snapshot.schema().fields
    asked |= {key for f in fields for key in f.metadata if key in _OF_COLUMNS}
    if configuration.get("delta.appendOnly") == "true" and capability != "append":
        asked.add("delta.appendOnly")
    if asked:
        raise UnsupportedWriteError(
            f"table {table.name}: {capability}: Sail is not known to keep {min(asked)}"
        )
