"""DataFusion: SQL over Delta snapshots, their files read by its own Parquet reader.

deltalake's table provider, the other way, keeps filters above the scan: with it the TPC-H queries
take about 1.4 times as long at scale factor 1 (benchmarks/fidelity/delta_overhead.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from neuralake.catalog.dialects import DATAFUSION
from neuralake.catalog.tables import DeltaTable, ParquetTable, RowsTable, Table
from neuralake.catalog.views import view_of
from neuralake.config import is_remote
from neuralake.engines.datafusion.files import (
    SNAPSHOT_FILES,
    TABLE_PROVIDER,
    DeltaReader,
    Links,
    arrow_frame,
    as_remote_url,
    as_url,
    choose_reader,
    linked_frame,
    placed_files,
    register_bucket,
    union,
)
from neuralake.engines.deltalake_writes import DeltalakeWrites, Streamed, write_paths
from neuralake.engines.memory import pool_within, require_sizes
from neuralake.engines.object_storage import options_by_bucket
from neuralake.engines.readers import ARROW, by_partition, given_rows, move_reader, with_readers
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError, reason_of
from neuralake.identifiers import quoted
from neuralake.machine import cores
from neuralake.measure.scratch import Scratch
from neuralake.quantities import parse_size

if TYPE_CHECKING:
    from datafusion import DataFrame, SessionContext

    from neuralake.delta.rows import Source

# Without which DataFusion 55 gives other answers; the user's own settings go before them
_SETTINGS = {
    # Spark writes times as INT96 by default; in nanoseconds they would wrap around 1677 and 2262
    "datafusion.execution.parquet.coerce_int96": "us",
    # MIN and MAX of a whole table leave out rows where one of its files has nulls alone
    "datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown": "false",
}


@dataclass(frozen=True)
class DataFusionOptions:
    """How DataFusion runs.

    Attributes
    ----------
    target_partitions
        Partitions a plan is split into; 0 is one a core.
    delta_reader
        ``snapshot-files`` resolves a snapshot through the Delta log and reads its data files with
        DataFusion's own Parquet reader, as Polars does, where the files alone are the rows; a table
        with many partitions or column mapping by name is left to deltalake's provider
        (``table-provider``), one with deletion vectors or wider types than its files to Neuralake's
        Arrow reader (``arrow``): the setting ``readers`` names such tables.
        ``table-provider`` leaves every Delta table that it reads rightly to the provider.
    memory
        Size (``4g``) of the pool that operators share fairly, and beyond which they spill to disk;
        ``unbounded``; or ``auto``: less than half of a memory limit, unbounded without one.
    spill_limit
        Size that spilled data may have on disk; ``auto`` is DataFusion's own default (100 GB).
    config
        DataFusion's own settings, by their names (``datafusion.execution.batch_size``).
    """

    target_partitions: int = 0
    delta_reader: Literal["snapshot-files", "table-provider"] = "snapshot-files"
    memory: str = "auto"
    spill_limit: str = "auto"
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.target_partitions < 0:
            raise EngineError(
                f"datafusion: target_partitions is {self.target_partitions}: "
                "expected 0 (one a core) or more"
            )
        require_sizes("datafusion", {"memory": self.memory}, "unbounded")
        require_sizes("datafusion", {"spill_limit": self.spill_limit})


class DataFusionEngine:
    """DataFusion in this process."""

    name = "datafusion"
    packages = ("datafusion", "deltalake")
    Options = DataFusionOptions
    sessions_at_once = True  # each has a context of its own
    write_paths = write_paths(
        "datafusion read_parquet, deltalake write_deltalake",
        "datafusion read_parquet, deltalake merge",
    )

    def __init__(self, options: DataFusionOptions) -> None:
        from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

        partitions = options.target_partitions or cores()
        config = SessionConfig().with_target_partitions(partitions)
        for key, value in {**_SETTINGS, **options.config}.items():
            try:
                config = config.set(key, value)
            except BaseException as error:  # a Rust panic is not an Exception
                raise EngineError(
                    f"datafusion: setting {key}={value}: {reason_of(error)}"
                ) from error
        self._scratch = Scratch()
        directory = str(self._scratch.directory)
        runtime = RuntimeEnvBuilder().with_disk_manager_specified(directory)
        if options.memory in ("auto", "unbounded"):
            runtime = runtime.with_unbounded_memory_pool()
        else:
            runtime = runtime.with_fair_spill_pool(parse_size(options.memory))

        # A context each, so that none sees the tables of another; they share the builder's pool
        def new_context(config: SessionConfig) -> SessionContext:
            context = SessionContext(config, runtime)
            if options.spill_limit != "auto":  # a setting of the runtime, by SQL alone
                kibibytes = max(parse_size(options.spill_limit) // 1024, 1)
                context.sql(f"SET datafusion.runtime.max_temp_directory_size = '{kibibytes}K'")
            return context

        self._new_context: Callable[[], SessionContext] = partial(new_context, config)
        # Views of strings, a matter of DataFusion's, would be written into the files' schema
        plain = config.set("datafusion.execution.parquet.schema_force_view_types", "false")
        source = Streamed(partial(_read_rows, new_context(plain)))
        self.writes = DeltalakeWrites(self.name, source, self.write_paths)
        self._files = options.delta_reader == "snapshot-files"
        self.settings: Mapping[str, Any] = {
            "target_partitions": partitions,
            "delta_reader": options.delta_reader,
            "memory": "unbounded" if options.memory == "auto" else options.memory,
            "spill_limit": options.spill_limit,
            "time_zone": options.config.get("datafusion.execution.time_zone", "UTC"),
            **_SETTINGS,
            **options.config,
        }

    @classmethod
    def unavailable(cls) -> str | None:
        """Why DataFusion cannot run here, or None."""
        if find_spec("datafusion") is None:
            return "datafusion is not installed: pip install 'neuralake-bench[datafusion]'"
        return None

    @classmethod
    def resolve(cls, options: DataFusionOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """The pool: within the limit, so that operators spill before they are stopped."""
        if options.memory != "auto" or memory_limit_bytes is None:
            return {}
        return {"memory": pool_within(memory_limit_bytes)}

    def versions(self) -> dict[str, str]:
        """Of DataFusion, and of deltalake, whose table provider it scans."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> DataFusionSession:
        """Register each table; Delta snapshots are resolved here."""
        session = DataFusionSession(self._new_context(), tables, files=self._files)
        self.settings = with_readers(self.settings, session.readers)
        return session

    def close(self) -> None:
        """Remove what was spilled; the runtime ends with the process."""
        self._scratch.remove()


class DataFusionSession:
    """A session context with its tables.

    Attributes
    ----------
    readers
        Reader by table, where it is not the default's.
    """

    def __init__(
        self, context: SessionContext, tables: Mapping[str, Table], *, files: bool
    ) -> None:
        self._context = context
        self._names: list[str] = []
        self._links = Links()
        self.readers: dict[str, str] = {}
        try:
            for bucket, options in options_by_bucket("DataFusion", tables).items():
                register_bucket(context, bucket, options)
            for name, table in tables.items():
                view = view_of(table)
                if view is None:
                    self._register(name, table, files=files)
                else:
                    self._register(view.base_name, view.base, files=files)
                    select = view.sql(view.base_name, DATAFUSION)
                    context.register_view(name, context.sql(select))
                    context.deregister_table(view.base_name)  # the plan holds it
                    move_reader(self.readers, view.base_name, name)
                self._names.append(name)
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result."""
        return self._context.sql(sql).to_arrow_table()

    def explain(self, sql: str) -> str:
        """The physical plan."""
        return self._context.sql(sql).execution_plan().display_indent()

    def close(self) -> None:
        """Forget the tables."""
        for name in self._names:
            self._context.deregister_table(name)
        self._names.clear()
        self._links.remove()

    def _register(self, name: str, table: Table, *, files: bool) -> None:
        if isinstance(table, DeltaTable):
            self._register_delta(name, table, SNAPSHOT_FILES if files else TABLE_PROVIDER)
        elif isinstance(table, RowsTable):
            rows = given_rows(table)
            batches = rows.to_batches() or [pa.RecordBatch.from_pylist([], rows.schema)]
            self._context.register_record_batches(name, [batches])
        elif isinstance(table, ParquetTable):
            checked = table.checked()
            if checked.may_hide_nan():
                self._register_arrow(name, checked.as_arrow())
                self.readers[name] = ARROW
            elif table.partitioned_by:
                placed = [(file.uri, file.values) for file in checked.found.files]
                self._register_partitions(name, checked.plain, placed)
            else:
                self._register_files(name, checked.files, checked.schema_unless_uniform)
        else:
            raise EngineError(
                f"table {table.name}: DataFusion cannot read the format {table.format}"
            )

    def _register_delta(self, name: str, table: DeltaTable, preferred: DeltaReader) -> None:
        contents = table.contents()
        snapshot = contents.snapshot
        reader = choose_reader(contents, preferred)
        if reader == TABLE_PROVIDER and is_remote(table.uri):
            reader = ARROW  # the provider finds no store there: it looks for its own in ours
        if reader != SNAPSHOT_FILES:
            if reader == TABLE_PROVIDER:
                self._context.register_table(name, snapshot.handle)
            else:
                self._register_arrow(name, snapshot)
        elif snapshot.partition_columns:
            schema = snapshot.schema.remove_metadata()
            self._register_partitions(name, schema, placed_files(snapshot))
        else:
            told = None if contents.is_alike else snapshot.schema.remove_metadata()
            self._register_files(name, snapshot.paths, told)
        if reader != preferred:
            self.readers[name] = reader

    def _register_files(self, name: str, files: Sequence[str], schema: pa.Schema | None) -> None:
        """Register just these files, as one listing on disk.

        The directory of a table is never listed: a file that somebody writes there meanwhile would
        be read too. A union of readers, as on S3, plans each file by itself: over eight files a
        table the TPC-H queries take 1.12 times as long as over one listing of links to them, which
        takes no longer than over a single file (scale factor 1).

        Parameters
        ----------
        name
            Of the table.
        files
            Paths or URIs.
        schema
            Columns, in their order, that are taken from each file by their names and are null
            where it lacks one; None if all files have the same.
        """
        if is_remote(files[0]):
            if len(files) == 1 and files[0].endswith(".parquet"):
                self._context.register_parquet(name, as_remote_url(files[0]), schema=schema)
                return
            urls = [as_remote_url(file) for file in files]
            parts = [self._context.read_parquet(url, schema=schema) for url in urls]
            # A union is by position: with a schema all have one order, and without all are alike
            self._context.register_view(name, union(parts))
            return
        is_one = len(files) == 1 and files[0].endswith(".parquet")
        listed = files[0] if is_one else self._links.directory_of(files)
        self._context.register_parquet(name, as_url(listed), schema=schema)

    def _register_partitions(
        self, name: str, schema: pa.Schema, placed: Iterable[tuple[str, Mapping[str, pa.Scalar]]]
    ) -> None:
        """Register a union of the partitions, each with its values beside the columns of its files.

        DataFusion folds a filter on them before it reads: what it excludes is not in the plan.

        Parameters
        ----------
        name
            Of the table.
        schema
            Its columns, those of the partitions included.
        placed
            Files, each with the values of the partition columns by their names.
        """
        from datafusion import col, lit

        frames = []
        for values, uris in by_partition(placed):
            stored = pa.schema([f for f in schema if f.name not in values])
            columns = [
                lit(values[n]).alias(n) if n in values else col(quoted(n)) for n in schema.names
            ]
            frames += [frame.select(*columns) for frame in self._frames(uris, stored)]
        self._context.register_view(name, union(frames))

    def _frames(self, files: Sequence[str], schema: pa.Schema) -> list[DataFrame]:
        """The rows of files, in one frame on disk and in one a file elsewhere."""
        if not is_remote(files[0]):
            return [linked_frame(self._context, self._links, files, schema)]
        return [self._context.read_parquet(as_remote_url(f), schema=schema) for f in files]

    def _register_arrow(self, name: str, source: Source) -> None:
        """Register Neuralake's reader of data files."""
        self._context.register_view(name, arrow_frame(self._context, source))


def _read_rows(context: SessionContext, rows: Rows) -> DataFrame:
    """Rows that are to be written, by DataFusion's reader."""
    for bucket, options in options_by_bucket("DataFusion", {"its new rows": rows}).items():
        register_bucket(context, bucket, options)
    urls = [as_remote_url(file) if is_remote(file) else as_url(file) for file in rows.files]
    return union([context.read_parquet(url) for url in urls])
