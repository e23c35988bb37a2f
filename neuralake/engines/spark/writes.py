"""Changes of Delta tables by Delta Lake's own commands in Spark."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.config import is_remote
from neuralake.engines.new_rows import check_rows
from neuralake.engines.own_commits import find_commit, metric, new_mark
from neuralake.engines.spark.pools import is_behind_connect, share_fairly
from neuralake.engines.spark.types import spark_schema
from neuralake.engines.spark.uris import escape_glob, hadoop_uri
from neuralake.engines.writing import Rows, Written, whole_hours
from neuralake.errors import EngineError, UnsupportedWriteError, WriteConflictError
from neuralake.identifiers import backticked
from neuralake.storage import one_line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.types import StructType

WRITE_PATHS: Mapping[str, str] = {
    "create": "delta-spark CREATE TABLE, DataFrameWriter append",
    "append": "delta-spark DataFrameWriter append",
    "delete": "delta-spark DELETE",
    "delete_keys": "delta-spark MERGE, matched DELETE",
    "update": "delta-spark UPDATE",
    "merge": "delta-spark MERGE",
    "compact": "delta-spark OPTIMIZE",
    "z_order": "delta-spark OPTIMIZE ZORDER BY",
    "vacuum": "delta-spark VACUUM",
    "checkpoint": "delta-spark DeltaLog.checkpoint",
}
_ROWS = "neuralake_rows"
_MARK = "spark.databricks.delta.commitInfo.userMetadata"
_ATTEMPTS = "spark.databricks.delta.maxCommitAttempts"
_DEFAULT_ATTEMPTS = "10000000"
_LAST_VERSION = "spark.databricks.delta.lastCommitVersionInSession"
# By default Delta Lake 4.4 takes the table's own retention, unless it is told 0 hours
_RETENTION_IGNORED = "spark.databricks.delta.vacuum.retentionWindowIgnore.enabled"
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
# Delta Lake, "Concurrency control", "Conflict exceptions", by their error conditions
_CONFLICT = re.compile(r"\[DELTA_(?:CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)[.\]]")
_UNSUPPORTED = re.compile(
    r"\[DELTA_(?:UNSUPPORTED_FEATURES?_\w+|CANNOT_MODIFY_APPEND_ONLY|INVALID_PROTOCOL_VERSION"
    r"|INVALID_CHARACTERS_IN_COLUMN_NAMES?)[.\]]"
)
_EXISTS = re.compile(r"\[(?:DELTA_TABLE|TABLE_OR_VIEW)_ALREADY_EXISTS\]")


class SparkWrites:
    """All capabilities, by Delta Lake in Spark.

    Parameters
    ----------
    new_session
        Makes a session of PySpark's; each thread that writes has one.
    reach
        Called before a table is written, with the rows that are to be, if any: it refuses what
        cannot be.
    """

    name = "spark"

    def __init__(
        self,
        new_session: Callable[[], SparkSession],
        reach: Callable[[DeltaTable, Rows | None], None],
    ) -> None:
        self._new_session, self._reach = new_session, reach
        self._of_thread = threading.local()

    @property
    def settings(self) -> Mapping[str, Any]:
        """How often Delta Lake tries to commit what does not conflict."""
        attempts = self._session().conf.get(_ATTEMPTS, _DEFAULT_ATTEMPTS)
        return {"max_commit_attempts": int(attempts or _DEFAULT_ATTEMPTS)}

    def create(
        self, table: DeltaTable, rows: Rows, *, partition_by: tuple[str, ...] = ()
    ) -> Written:
        """Make a table of the rows' schema, where there is none, and append them."""
        with self._change("create", table, rows) as change:
            columns = _struct(table.name, rows.schema).toDDL()
            by = f" PARTITIONED BY ({_names(partition_by)})" if partition_by else ""
            change.run(f"CREATE TABLE {change.target} ({columns}) USING delta{by}")
            return change.append(rows)

    def append(self, table: DeltaTable, rows: Rows) -> Written:
        """Add all rows in one commit."""
        with self._change("append", table, rows) as change:
            return change.append(rows)

    def delete(self, table: DeltaTable, where: str) -> Written:
        """Delete the rows for which an SQL predicate over the table's columns is true."""
        with self._change("delete", table) as change:
            return change.counted(f"DELETE FROM {change.target} WHERE {where}")  # noqa: S608 - asked for

    def delete_keys(self, table: DeltaTable, keys: Rows, on: tuple[str, ...]) -> Written:
        """Delete the rows that are equal in these columns to one of the keys."""
        with self._change("delete_keys", table, keys) as change:
            return change.counted(
                f"{change.merge(keys, on, keys_only=True)} WHEN MATCHED THEN DELETE"
            )

    def update(self, table: DeltaTable, assignments: Mapping[str, str], where: str) -> Written:
        """Assign SQL expressions to columns where an SQL predicate is true."""
        with self._change("update", table) as change:
            assigned = ", ".join(
                f"{backticked(name)} = {text}" for name, text in assignments.items()
            )
            return change.counted(f"UPDATE {change.target} SET {assigned} WHERE {where}")  # noqa: S608 - asked for

    def merge(self, table: DeltaTable, rows: Rows, on: tuple[str, ...]) -> Written:
        """Update whole rows that are equal in these columns, and insert the others."""
        with self._change("merge", table, rows) as change:
            return change.counted(
                f"{change.merge(rows, on)} "
                "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
            )

    def compact(self, table: DeltaTable) -> Written:
        """Join small files to larger ones."""
        with self._change("compact", table) as change:
            change.run(f"OPTIMIZE {change.target}")
            return change.written(None)

    def z_order(self, table: DeltaTable, columns: tuple[str, ...]) -> Written:
        """Write the table anew, its rows in Z-order of these columns."""
        with self._change("z_order", table) as change:
            change.run(f"OPTIMIZE {change.target} ZORDER BY ({_names(columns)})")
            return change.written(None)

    def vacuum(self, table: DeltaTable, retention_hours: float, *, enforce: bool = True) -> Written:
        """Delete files that left the table longer ago than the retention, in hours."""
        hours = whole_hours(retention_hours)
        with self._change("vacuum", table) as change:
            change.session.conf.set(_RETENTION_CHECK, str(enforce).lower())
            change.session.conf.set(_RETENTION_IGNORED, "false")
            change.run(f"VACUUM {change.target} RETAIN {hours} HOURS")
            return change.written(None)

    def checkpoint(self, table: DeltaTable) -> Written:
        """Write a checkpoint of the newest version."""
        with self._change("checkpoint", table) as change:
            if is_behind_connect(change.session):
                raise UnsupportedWriteError("Spark Connect has no command that writes a checkpoint")
            jvm: Any = change.session._jvm  # no command does it
            delta = jvm.org.apache.spark.sql.delta.DeltaLog
            found = delta.forTableWithSnapshot(change.session._jsparkSession, _uri(table))
            log, snapshot = found._1(), found._2()
            log.checkpoint(snapshot, jvm.scala.Option.empty())
            return Written(int(snapshot.version()), None, WRITE_PATHS["checkpoint"])

    @contextmanager
    def _change(
        self, capability: str, table: DeltaTable, rows: Rows | None = None
    ) -> Iterator[_Change]:
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        self._reach(table, rows)
        try:
            yield _Change(self._session(), table, capability)
        except (Py4JJavaError, PySparkException) as error:
            reason = one_line(error, table.storage_options)
            if is_conflict(error):
                raise WriteConflictError(f"table {table.name}: {capability}: {reason}") from error
            if capability == "create" and _EXISTS.search(str(error)):
                reason = f"there is one at {table.uri} already"
                raise EngineError(f"table {table.name}: {reason}") from error
            kind = UnsupportedWriteError if _UNSUPPORTED.search(str(error)) else EngineError
            raise kind(f"table {table.name}: {capability}: {reason}") from error

    def _session(self) -> SparkSession:
        session: SparkSession | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = self._new_session()
        return session


class _Change:
    """A change under way, in a session that no other thread has, and a mark for the commit."""

    def __init__(self, session: SparkSession, table: DeltaTable, capability: str) -> None:
        self.session, self._table, self._path = session, table, WRITE_PATHS[capability]
        self.target = f"delta.{backticked(_uri(table))}"
        self._mark = new_mark()
        share_fairly(session)
        session.conf.unset(_LAST_VERSION)
        session.conf.set(_MARK, self._mark)

    def run(self, sql: str) -> list[Row]:
        """Run a command of Delta's to its end."""
        return self.session.sql(sql).collect()

    def append(self, rows: Rows) -> Written:
        """Append rows to the table."""
        self._check(rows)
        self._read(rows).write.format("delta").mode("append").save(_uri(self._table))
        return self.written("numOutputRows")

    def merge(self, rows: Rows, on: tuple[str, ...], *, keys_only: bool = False) -> str:
        """The beginning of a merge that compares these columns."""
        self._check(rows, on if keys_only else None)
        self._read(rows).createOrReplaceTempView(_ROWS)
        equal = " AND ".join(f"t.{backticked(name)} = s.{backticked(name)}" for name in on)
        return f"MERGE INTO {self.target} AS t USING {_ROWS} AS s ON {equal}"

    def counted(self, sql: str) -> Written:
        """Run a command that tells how many rows it changed."""
        rows = self.run(sql)
        return self.written(int(rows[0]["num_affected_rows"]) if rows else None)

    def written(self, rows: int | str | None) -> Written:
        """What was committed, with its rows or the metric of the commit that has them."""
        last = self.session.conf.get(_LAST_VERSION, None)
        if last is None:  # there was nothing to commit
            return Written(None, 0 if isinstance(rows, str) else rows, self._path)
        found = find_commit(self._table, self._mark, int(last), int(last) - 1)
        if found is None:
            return Written(None, None if isinstance(rows, str) else rows, self._path)
        version, commit = found
        count = metric(commit, rows) if isinstance(rows, str) else rows
        read = int(commit.get("readVersion", version - 1))
        return Written(version, count, self._path, version - read - 1)

    def _check(self, rows: Rows, on: tuple[str, ...] | None = None) -> None:
        from pyspark.sql.pandas.types import to_arrow_schema

        live = self.session.read.format("delta").load(_uri(self._table)).schema
        given = replace(
            rows, schema=to_arrow_schema(_struct(self._table.name, rows.schema), timezone="UTC")
        )
        check_rows(self._table, to_arrow_schema(live, timezone="UTC"), given, on)

    def _read(self, rows: Rows) -> DataFrame:
        files = [escape_glob(hadoop_uri(file)) for file in rows.files]
        schema = _struct(self._table.name, rows.schema)
        return self.session.read.schema(schema).parquet(*files)


def is_conflict(error: BaseException) -> bool:
    """Whether Delta Lake says that another writer was first."""
    return bool(_CONFLICT.search(str(error)))


def _struct(table: str, schema: pa.Schema) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(spark_schema(table, schema), prefer_timestamp_ntz=True)


def _uri(table: DeltaTable) -> str:
    # Delta holds file:///a and file:/a for two places
    return table.uri if is_remote(table.uri) else f"file:{table.uri}"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(backticked, columns))
