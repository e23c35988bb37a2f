"""Sail: SQL by Spark Connect, tables through Sail's own readers of Delta and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neuralake.arrow import plain_schema
from neuralake.catalog.dialects import SPARK
from neuralake.catalog.tables import DeltaTable, ParquetTable, RowsTable, Table
from neuralake.catalog.views import view_of
from neuralake.config import is_remote
from neuralake.delta.bounds import has_wide_decimals
from neuralake.delta.contents import Contents
from neuralake.delta.rows import Source
from neuralake.engines.memory import pool_within
from neuralake.engines.readers import ARROW, given_rows, refuse_case_twins, with_readers
from neuralake.engines.sail.options import SailOptions, sail_config
from neuralake.engines.sail.server import SailServer
from neuralake.engines.sail.uris import are_plain
from neuralake.engines.sail.writes import WRITE_PATHS, SailWrites
from neuralake.engines.spark.types import spark_schema
from neuralake.errors import EngineError
from neuralake.identifiers import backticked
from neuralake.machine import cores
from neuralake.measure.scratch import Scratch
from neuralake.queries.sql import tokens

if TYPE_CHECKING:
    from neuralake.catalog.footers import Footers


class SailEngine:
    """Sail in this process, and a client of it."""

    name = "sail"
    packages = ("pysail", "pyspark", "deltalake")
    Options = SailOptions
    sessions_at_once = True  # each is one of Spark Connect's, with views of its own
    write_paths = WRITE_PATHS

    def __init__(self, options: SailOptions) -> None:
        self._scratch = Scratch()
        config = sail_config(options, self._scratch.directory)
        threads = options.threads or cores()
        self._server = SailServer(config, threads)
        self.writes = SailWrites(self._server.connect)
        self.settings: Mapping[str, Any] = {
            "threads": threads,
            "memory": "unbounded" if options.memory == "auto" else options.memory,
            "spill_limit": options.spill_limit,
            "delta_reader": "delta",
            "time_zone": "UTC",
            **options.config,
        }

    @classmethod
    def unavailable(cls) -> str | None:
        """Why Sail cannot run here, or None."""
        missing = [name for name in ("pysail", "pyspark", "grpc") if find_spec(name) is None]
        if missing:
            return f"{', '.join(missing)} is not installed: pip install 'neuralake-bench[sail]'"
        return None

    @classmethod
    def resolve(cls, options: SailOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """The pool: within the limit, so that operators spill before they are stopped."""
        if options.memory != "auto" or memory_limit_bytes is None:
            return {}
        return {"memory": pool_within(memory_limit_bytes)}

    def versions(self) -> dict[str, str]:
        """Of Sail, of its client, and of deltalake, which resolves which version is read."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> SailSession:
        """Register each table as a view of a session of its own."""
        session = SailSession(self._server, tables)
        self.settings = with_readers(self.settings, session.readers)
        return session

    def close(self) -> None:
        """Stop the server, and remove what it spilled."""
        self._server.stop()
        self._scratch.remove()


class SailSession:
    """Views of tables, seen by this session only.

    Attributes
    ----------
    readers
        Reader by table, where it is not the default's.
    """

    def __init__(self, server: SailServer, tables: Mapping[str, Table]) -> None:
        self._server = server  # which is stopped when nobody knows it any more
        self._spark = server.connect()
        self.readers: dict[str, str] = {}
        try:
            for name, table in tables.items():
                view = view_of(table)
                if view is None:
                    self._frame(name, table).createOrReplaceTempView(name)
                    continue
                self._frame(name, view.base).createOrReplaceTempView(view.base_name)
                select = view.sql(view.base_name, SPARK)
                self._spark.sql(select).createOrReplaceTempView(name)
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result."""
        return self._spark.sql(with_backticks(sql)).toArrow()

    def explain(self, sql: str) -> str:
        """The physical plan."""
        plan = self._spark.sql(f"EXPLAIN {with_backticks(sql)}").toArrow()
        return str(plan.column(0)[0].as_py()).strip()

    def interrupt(self) -> None:
        """End the query that another thread runs; it raises there."""
        self._spark.interruptAll()

    def close(self) -> None:
        """Forget the tables."""
        self._spark.stop()

    def _frame(self, name: str, table: Table) -> Any:
        if isinstance(table, RowsTable):
            rows = given_rows(table)
            refuse_case_twins("Sail", name, rows.schema)
            return self._given(rows.cast(spark_schema(name, rows.schema, "Sail")))
        if isinstance(table, ParquetTable):
            checked = table.checked()
            refuse_case_twins("Sail", name, checked.schema)
            if _reads_parquet(name, checked):
                return self._read.parquet(*checked.files)
            return self._arrow(name, checked.as_arrow())
        if isinstance(table, DeltaTable):
            contents = table.contents()
            refuse_case_twins("Sail", name, contents.snapshot.schema)
            if not _reads_delta(name, contents):
                return self._arrow(name, contents.snapshot)
            # By its version a snapshot stays the one that was checked
            read = self._read.format("delta").option("versionAsOf", contents.snapshot.version)
            return read.load(contents.snapshot.uri)
        raise EngineError(f"table {name}: Sail cannot read the format {table.format}")

    @property
    def _read(self) -> Any:  # typed for whoever has Spark itself
        return self._spark.read

    def _given(self, rows: pa.Table) -> Any:
        from pyspark.sql.pandas.types import from_arrow_schema

        if rows.num_rows:
            return self._spark.createDataFrame(rows)
        schema = from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)
        return self._spark.createDataFrame([], schema)

    def _arrow(self, name: str, source: Source) -> Any:
        """Neuralake's reader of data files."""
        from neuralake.engines.sail.rows import rows_frame

        self.readers[name] = ARROW
        schema = spark_schema(name, source.schema.remove_metadata(), "Sail")
        return rows_frame(self._spark, name, source, schema)


def with_backticks(sql: str) -> str:
    """The text with its quoted names as Sail takes them.

    A name in double quotes, as the standard has it, is a string to Sail 0.7; Spark has a setting
    against that (``spark.sql.ansi.doubleQuotedIdentifiers``), which Sail does not know.
    """
    return "".join(
        _backticked(token.text) if token.kind == "quoted name" else token.text
        for token in tokens(sql)
    )


def _backticked(name: str) -> str:
    if not name.startswith('"'):
        return name
    return backticked(name[1:-1].replace('""', '"'))


def _reads_parquet(name: str, checked: Footers) -> bool:
    """Whether Sail's reader of Parquet gives a table's rows."""
    return (
        not is_remote(checked.uri)
        and not checked.found.fields
        and checked.schema_unless_uniform is None
        and _has_types(name, checked.schema)
        # It has no type for a dictionary of another index than Arrow's usual one
        and not any("dictionary" in str(kind) for kind in checked.schema.types)
        and not checked.may_hide_nan()
        and are_plain(checked.files)
    )


def _reads_delta(name: str, contents: Contents) -> bool:
    """Whether Sail's reader of Delta gives a snapshot's rows."""
    snapshot = contents.snapshot
    return (
        not is_remote(snapshot.uri)
        and _has_types(name, snapshot.schema)
        and not snapshot.has_absolute_paths
        # It wants the time in every entry, those before the feature included
        and not snapshot.has_in_commit_timestamps
        and not contents.hides_nan
        and not contents.has_other_case
        # It takes what the log tells of a column for exact, and decimals through doubles
        and not any(map(has_wide_decimals, snapshot.schema.types))
        and not any(map(pa.types.is_null, snapshot.schema.types))
        and are_plain([snapshot.uri])
    )


def _has_types(name: str, schema: pa.Schema) -> bool:
    """Whether Sail has just the types of all columns, and none is held in a wider one."""
    plain = plain_schema(schema)
    return bool(spark_schema(name, plain, "Sail").types == plain.types)
