"""Spark: SQL in a local JVM, tables through Delta Lake or as plain Parquet files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import reduce
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.arrow import types_in
from neuralake.catalog.dialects import SPARK
from neuralake.catalog.tables import DeltaTable, ParquetTable, RowsTable, Table
from neuralake.catalog.views import view_of
from neuralake.delta.snapshot import Snapshot
from neuralake.engines.object_storage import are_remote, options_by_bucket
from neuralake.engines.readers import (
    WITHOUT_STATISTICS,
    by_partition,
    given_rows,
    refuse_case_twins,
    with_readers,
)
from neuralake.engines.spark.connect import ConnectClient, require_client
from neuralake.engines.spark.driver import Driver, fetch
from neuralake.engines.spark.java import find_java
from neuralake.engines.spark.jvm import SparkJvm
from neuralake.engines.spark.masters import parse_master, require_reachable
from neuralake.engines.spark.options import SparkOptions, heap
from neuralake.engines.spark.pools import share_fairly
from neuralake.engines.spark.runtime import Runtime
from neuralake.engines.spark.types import spark_schema
from neuralake.engines.spark.uris import escape_glob, hadoop_uri
from neuralake.engines.spark.writes import WRITE_PATHS, SparkWrites
from neuralake.engines.writing import Rows
from neuralake.errors import (
    EngineEndedError,
    EngineError,
    EngineUnavailableError,
    UnsupportedWriteError,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql import SparkSession as PySparkSession

from neuralake.catalog.footers import Footers


class SparkEngine:
    """Spark in a JVM that belongs to this process, whose work a cluster may do.

    Attributes
    ----------
    works_elsewhere
        Whether a cluster does the work: of it only the elapsed time is measured.
    """

    name = "spark"
    packages = ("pyspark",)
    Options = SparkOptions
    sessions_at_once = True  # each is one of PySpark's, in the one JVM
    write_paths = WRITE_PATHS

    def __init__(self, options: SparkOptions) -> None:
        self._runtime = _runtime(options)
        self.works_elsewhere = self._runtime.works_elsewhere
        self.settings: Mapping[str, Any] = self._runtime.settings
        self.writes = SparkWrites(self.new_session, self._reach_for_writing)

    @property
    def _jvm(self) -> SparkJvm:
        """The JVM of ours, where there is one."""
        assert isinstance(self._runtime, Driver)  # noqa: S101 - whoever asks has started one
        return self._runtime.jvm

    @classmethod
    def unavailable(cls) -> str | None:
        """Why Spark cannot run here, or None."""
        if find_spec("pyspark") is None:
            return "pyspark is not installed: pip install 'neuralake-bench[spark]'"
        try:
            find_java(os.environ)
        except EngineUnavailableError as error:
            return str(error)
        return None

    @classmethod
    def prepare(cls, options: SparkOptions) -> None:
        """Fetch Delta's jars and those for S3, unless they are in the cache or not asked for.

        Raises
        ------
        EngineError
            If they cannot be had, or nobody listens where the master should be.
        """
        master = parse_master(options.master)
        require_reachable(master)
        if master.kind == "connect":
            require_client()
        else:
            fetch(options)

    @classmethod
    def reach(cls, options: SparkOptions, tables: Mapping[str, Table]) -> dict[str, str]:
        """What reaches S3, if a table lies there."""
        if options.object_storage or not are_remote(tables.values()):
            return {}
        return {"object_storage": "true"}

    @classmethod
    def resolve(cls, options: SparkOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """The heap: by the memory that is free now, within the limit."""
        if parse_master(options.master).kind == "connect":
            return {}  # it is the server's
        return {"memory": heap(options, memory_limit_bytes)}

    def versions(self) -> dict[str, str]:
        """Of Spark, of what reads Delta tables, and of the Java runtime that runs them."""
        return self._runtime.versions()

    def open(self, tables: Mapping[str, Table]) -> SparkSession:
        """Register each table as a view; Delta snapshots are resolved here.

        Raises
        ------
        EngineError
            If a table lies on S3 and Spark was started without what reaches it, or a bucket is
            reached in another way than before.
        """
        self._runtime.reach(options_by_bucket("Spark", tables))
        session = SparkSession(self._runtime, tables)
        self.settings = with_readers(self.settings, session.readers)
        return session

    def new_session(self) -> PySparkSession:
        """A session of PySpark's own in this JVM, for whoever writes."""
        return self._runtime.new_session()

    def _reach_for_writing(self, table: DeltaTable, rows: Rows | None) -> None:
        if not self._runtime.has_delta:
            raise UnsupportedWriteError("spark was started without Delta's jar, by which it writes")
        places: dict[str, Table | Rows] = {table.name: table}
        if rows is not None:
            places["its new rows"] = rows
        self._runtime.reach(options_by_bucket("Spark", places))

    def close(self) -> None:
        """Let go of Spark, and end the JVM that was started for it."""
        self._runtime.stop()


def _runtime(options: SparkOptions) -> Runtime:
    master = parse_master(options.master)
    return ConnectClient(options, master) if master.kind == "connect" else Driver(options)


class SparkSession:
    """Views of tables, seen by this session only.

    Attributes
    ----------
    readers
        Reader by table, where it is not the default's.
    """

    def __init__(self, runtime: Runtime, tables: Mapping[str, Table]) -> None:
        self._runtime = runtime
        self._spark = runtime.new_session()
        self._delta = runtime.has_delta
        self._names: list[str] = []
        self.readers: dict[str, str] = {}
        try:
            for name, table in tables.items():
                view = view_of(table)
                if view is None:
                    self._register(name, self._frame(name, table))
                    continue
                self._register(view.base_name, self._frame(name, view.base))
                self._register(name, self._spark.sql(view.sql(view.base_name, SPARK)))
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result, in the pool of the thread that asks.

        Raises
        ------
        EngineEndedError
            If no executor of a cluster is left to run it, or the server is gone.
        """
        share_fairly(self._spark)
        try:
            return self._spark.sql(sql).toArrow()
        except Exception as error:
            self._runtime.note(error)
            if reason := self._runtime.lost:
                raise EngineEndedError(f"spark: {reason}") from error
            raise

    def explain(self, sql: str) -> str:
        """The physical plan before adaptive execution changes it."""
        frame = self._spark.sql(sql)
        with redirect_stdout(StringIO()) as text:
            frame.explain(mode="formatted")
        return text.getvalue().strip()

    def interrupt(self) -> None:
        """End the query that another thread runs in this session; it raises there."""
        self._spark.interruptAll()

    def close(self) -> None:
        """Forget the tables."""
        for name in self._names if not self._runtime.lost else ():
            self._spark.catalog.dropTempView(name)
        self._names.clear()
        self._runtime.end_session(self._spark)

    def _register(self, name: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(f"`{name}`")
        self._names.append(name)

    def _frame(self, name: str, table: Table) -> DataFrame:
        if isinstance(table, RowsTable):
            rows = given_rows(table)
            refuse_case_twins("Spark", name, rows.schema)
            return self._spark.createDataFrame(rows.cast(spark_schema(name, rows.schema)))
        if not isinstance(table, DeltaTable | ParquetTable):
            raise EngineError(f"table {name}: Spark cannot read the format {table.format}")
        if isinstance(table, ParquetTable):
            checked = table.checked()
            frame = self._parquet(name, checked)
            return self._as_they_are(name, frame, floats=checked.may_hide_nan())
        contents = table.contents()
        snapshot = contents.snapshot
        refuse_case_twins("Spark", name, snapshot.schema)
        if snapshot.has_empty_partition_values:
            raise EngineError(
                f"table {name}: a partition value in its log is an empty string, which means null "
                "(Delta protocol, Partition Value Serialization), and Spark takes it for a string"
            )
        if self._delta:
            frame = self._snapshot(snapshot)
            decimals = contents.log_narrows_decimals
            return self._as_they_are(name, frame, floats=contents.hides_nan, decimals=decimals)
        if contents.has_other_types:
            raise EngineError(
                f"table {name}: a data file has other types than the table, which Spark reads "
                f"with Delta's jar only"
            )
        frame = self._files(name, table.files(), snapshot.schema)
        return self._as_they_are(name, frame, floats=contents.hides_nan)

    def _parquet(self, name: str, checked: Footers) -> DataFrame:
        schema, found = checked.schema, checked.found
        _refuse_durations(name, schema)
        if not found.fields:
            return self._files(name, checked.files, schema)
        if checked.reads_from_paths:
            return self._files(name, checked.files, schema, checked.uri)
        # Of a path Spark 4.2 decodes byte by byte, and takes -2 for -0.02 where that is a decimal
        from neuralake.engines.spark.values import with_values

        stored = pa.schema([f for f in schema if f.name not in found.names])
        refuse_case_twins("Spark", name, schema)
        fields = spark_schema(name, pa.schema(list(found.fields)))
        parts = [
            with_values(self._files(name, uris, stored), fields, list(values.values()))
            for values, uris in by_partition((file.uri, file.values) for file in found.files)
        ]
        return reduce(lambda one, other: one.union(other), parts)

    def _as_they_are(
        self, name: str, frame: DataFrame, *, floats: bool, decimals: bool = False
    ) -> DataFrame:
        """The rows, without the statistics that would have some of them passed over."""
        if not (floats or decimals):
            return frame
        from neuralake.engines.spark.values import without_statistics

        self.readers[name] = WITHOUT_STATISTICS
        return without_statistics(frame, floats=floats, decimals=decimals)

    def _snapshot(self, snapshot: Snapshot) -> DataFrame:
        # By its version a snapshot stays the one that was checked, and queries do not list the log
        # again; listing its files replays the log now, and Delta keeps the state for the queries.
        read = self._spark.read.format("delta").option("versionAsOf", snapshot.version)
        frame = read.load(hadoop_uri(snapshot.uri))
        frame.inputFiles()
        return frame

    def _files(
        self, name: str, files: Sequence[str], live: pa.Schema, base: str | None = None
    ) -> DataFrame:
        """The rows of files; below a base their directories hold values of columns."""
        from pyspark.sql.pandas.types import from_arrow_schema

        refuse_case_twins("Spark", name, live)
        # A file written before a column was added lacks it: the schema must be the table's.
        schema = from_arrow_schema(spark_schema(name, live), prefer_timestamp_ntz=True)
        if not files:
            return self._spark.createDataFrame([], schema)
        escaped = [escape_glob(hadoop_uri(file)) for file in files]
        read = self._spark.read.schema(schema)
        # Spark looks for values in all directories above a file, unless it is told where they begin
        read = read if base is None else read.option("basePath", hadoop_uri(base))
        return read.parquet(*escaped)


def _refuse_durations(table: str, schema: pa.Schema) -> None:
    """Refuse durations in files that are not told in microseconds: Spark takes them for such."""
    for field in schema:
        units = {kind.unit for kind in types_in(field.type) if pa.types.is_duration(kind)}
        if units - {"us"}:
            raise EngineError(
                f"table {table}: column {field.name} is {field.type}, which Spark would take for "
                "microseconds: expected duration[us]"
            )
