"""Daft: SQL text to a DataFrame, run by its native runner; an extra.

Daft 0.7 reads no Parquet file that calls a column a view in its Arrow schema, as DataFusion's
writers do, those of tpchgen among them: such a table is read by Neuralake's Arrow reader.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from neuralake.arrow import int96_columns, plain_schema, plain_type, stored_schema
from neuralake.catalog.dialects import DAFT
from neuralake.catalog.tables import DeltaTable, ParquetTable, RowsTable, Table
from neuralake.catalog.views import view_of
from neuralake.config import is_remote
from neuralake.delta.contents import Contents
from neuralake.delta.rows import FileFragment, FilesDataset, PlainFiles, Source
from neuralake.delta.snapshot import DataFile
from neuralake.engines.deltalake_writes import DeltalakeWrites, Streamed, write_paths
from neuralake.engines.memory import require_sizes
from neuralake.engines.readers import ARROW, given_rows, with_readers
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError, reason_of
from neuralake.machine import cores
from neuralake.quantities import parse_size

if TYPE_CHECKING:
    from daft import DataFrame
    from daft.io.pushdowns import Pushdowns
    from daft.io.source import DataSource

    from neuralake.catalog.footers import Footers

# In others Daft sees a pattern, or an escape
_PLAIN_PATH = re.compile(r"[\w/.,=@+~-]+", re.ASCII)
_QUIET = {
    "DAFT_ANALYTICS_ENABLED": "0",  # a measurement calls nobody
    "DO_NOT_TRACK": "1",
    "DAFT_PROGRESS_BAR": "0",
}
_LOGGERS = ("daft", "daft_local_execution", "daft_io", "daft_parquet")


@dataclass(frozen=True)
class DaftOptions:
    """How Daft runs.

    Attributes
    ----------
    threads
        Size of the thread pool; 0 is one a core. It is sized once in a process.
    memory
        Size (``4g``) within which Daft admits tasks; ``unbounded``; or ``auto``: the memory limit,
        unbounded without one.
    """

    threads: int = 0
    memory: str = "auto"

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise EngineError(f"daft: threads is {self.threads}: expected 0 (one a core) or more")
        require_sizes("daft", {"memory": self.memory}, "unbounded")


class DaftEngine:
    """Daft in this process."""

    name = "daft"
    packages = ("daft", "deltalake")
    Options = DaftOptions
    sessions_at_once = True  # each has frames of its own; the runner is one
    write_paths = write_paths(  # write_deltalake of its own fails where pyiceberg is not installed
        "daft read_parquet, deltalake write_deltalake", "daft read_parquet, deltalake merge"
    )

    def __init__(self, options: DaftOptions) -> None:
        threads = options.threads or cores()
        os.environ.update(_QUIET)
        if options.memory not in ("auto", "unbounded"):
            os.environ["DAFT_MEMORY_LIMIT"] = str(parse_size(options.memory))
        import daft
        from daft.exceptions import DaftCoreException

        # a query's failure is raised, and need not be printed besides
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            daft.set_runner_native(threads)
        except DaftCoreException:
            runner: Any = daft.get_or_create_runner()  # the pool is there already
            if runner.name != "native":
                raise EngineError(
                    f"daft: its {runner.name} runner was chosen in this process before"
                ) from None
        self.writes = DeltalakeWrites(self.name, Streamed(_new_rows), self.write_paths)
        self.settings: Mapping[str, Any] = {
            "runner": "native",
            "threads": threads,
            "memory": "unbounded" if options.memory == "auto" else options.memory,
            "delta_reader": "read_deltalake",
            "time_zone": "UTC",
        }

    @classmethod
    def unavailable(cls) -> str | None:
        """Why Daft cannot run here, or None."""
        if find_spec("daft") is None:
            return "daft is not installed: pip install 'neuralake-bench[daft]'"
        return None

    @classmethod
    def resolve(cls, options: DaftOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """What Daft admits: as much as the limit."""
        if options.memory != "auto" or memory_limit_bytes is None:
            return {}
        return {"memory": f"{memory_limit_bytes}b"}

    def versions(self) -> dict[str, str]:
        """Of Daft, and of deltalake, by which it reads the log."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> DaftSession:
        """Register each table as a lazy scan of its current snapshot."""
        session = DaftSession(tables)
        self.settings = with_readers(self.settings, session.readers)
        return session

    def close(self) -> None:
        """Nothing to stop: the thread pool ends with the process."""


class DaftSession:
    """Lazy DataFrames by their names in SQL.

    Attributes
    ----------
    readers
        Reader by table, where it is not the default's.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.readers: dict[str, str] = {}
        self._frames = {name: self._frame(name, table) for name, table in tables.items()}

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result."""
        return self._query(sql).to_arrow()

    def explain(self, sql: str) -> str:
        """The plan, before and after it is optimized, and as it is run."""
        text = StringIO()
        self._query(sql).explain(show_all=True, file=text)
        return text.getvalue().strip()

    def close(self) -> None:
        """Forget the tables."""
        self._frames.clear()

    def _query(self, sql: str) -> DataFrame:
        import daft

        return daft.sql(sql, register_globals=False, **self._frames)

    def _frame(self, name: str, table: Table) -> DataFrame:
        import daft

        view = view_of(table)
        if view is None:
            return self._plain_frame(name, table)
        base = self._plain_frame(name, view.base)
        for field in view.absent:
            null = daft.lit(None).cast(daft.DataType.from_arrow_type(plain_type(field.type)))
            base = base.with_column(field.name, null)
        select = view.sql(view.base_name, DAFT, has_absent=True)
        return daft.sql(select, register_globals=False, **{view.base_name: base})

    def _plain_frame(self, name: str, table: Table) -> DataFrame:
        import daft

        if isinstance(table, RowsTable):
            rows = given_rows(table)
            _require_types(name, rows.schema)
            return daft.from_arrow(rows.cast(plain_schema(rows.schema)))
        if isinstance(table, ParquetTable):
            checked = table.checked()
            source = checked.as_arrow()
            _require_types(name, source.schema)
            if _reads_parquet(checked):
                return daft.read_parquet(checked.files)
            return self._arrow(name, source)
        if isinstance(table, DeltaTable):
            contents = table.contents()
            _require_types(name, contents.snapshot.schema)
            if _reads_delta(contents):
                return daft.read_deltalake(contents.snapshot.uri, contents.snapshot.version)
            return self._arrow(name, contents.snapshot)
        raise EngineError(f"table {name}: Daft cannot read the format {table.format}")

    def _arrow(self, name: str, source: Source) -> DataFrame:
        """Neuralake's reader of data files."""
        self.readers[name] = ARROW
        return files_source(source).read()


def _new_rows(rows: Rows) -> pa.RecordBatchReader:
    """Rows that are to be written, as Daft reads them."""
    import daft

    plain = not is_remote(rows.uri) and all(map(_PLAIN_PATH.fullmatch, rows.files))
    if plain and not _has_views(map(pq.read_metadata, rows.files)):
        frame = daft.read_parquet(list(rows.files))
    else:
        files = [DataFile(file) for file in rows.files]
        source = PlainFiles(plain_schema(rows.schema), files, rows.storage_options)
        frame = files_source(source).read()
    schema = frame.schema().to_pyarrow_schema()
    return pa.RecordBatchReader.from_batches(schema, frame.to_arrow_iter())


def files_source(source: Source) -> DataSource:
    """Neuralake's reader of data files as a source of Daft: a task a file, columns handed down."""
    from daft.io.source import DataSource, DataSourceTask
    from daft.recordbatch import RecordBatch
    from daft.schema import Schema

    dataset = FilesDataset(source)

    class Task(DataSourceTask):
        def __init__(self, fragment: FileFragment, columns: list[str]) -> None:
            self._fragment = fragment
            self._columns = columns

        @property
        def schema(self) -> Schema:
            return Schema.from_pyarrow_schema(
                pa.schema([dataset.schema.field(name) for name in self._columns])
            )

        async def read(self) -> AsyncIterator[RecordBatch]:
            batches = self._fragment.batches(self._columns)
            # Daft runs all tasks in one thread, in which the next would wait for this one
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                yield RecordBatch.from_arrow_record_batches([batch], batch.schema)

    class Files(DataSource):
        @property
        def name(self) -> str:
            return "neuralake"

        @property
        def schema(self) -> Schema:
            return Schema.from_pyarrow_schema(dataset.schema)

        async def get_tasks(self, pushdowns: Pushdowns) -> AsyncIterator[Task]:
            names = _needed(dataset.schema, pushdowns)
            for fragment in dataset.get_fragments():
                yield Task(fragment, names)

    return Files()


def _needed(schema: pa.Schema, pushdowns: Pushdowns) -> list[str]:
    """Columns to read: those that a query names, and those of the filter, which Daft applies."""
    if pushdowns.columns is None:
        return list(schema.names)
    try:
        filtered = pushdowns.filter_required_column_names()
    except AttributeError:  # Daft 0.7 does not find those of an IN list
        filtered = set(schema.names)
    return [name for name in schema.names if name in pushdowns.columns or name in filtered]


def _reads_parquet(checked: Footers) -> bool:
    """Whether Daft's reader of Parquet gives a table's rows."""
    return (
        not is_remote(checked.uri)
        and not checked.found.fields
        and checked.schema_unless_uniform is None
        and not any(map(int96_columns, checked.footers))
        and not _has_views(checked.footers)
        and not checked.may_hide_nan()
        and all(map(_PLAIN_PATH.fullmatch, checked.files))
    )


def _reads_delta(contents: Contents) -> bool:
    """Whether Daft's reader of Delta gives a snapshot's rows."""
    snapshot = contents.snapshot
    configuration = snapshot.handle.metadata().configuration
    return (
        not is_remote(snapshot.uri)
        # Of a column that a file lacks it takes no row for null
        and contents.is_uniform
        and not contents.int96_columns  # it takes them for nanoseconds
        and snapshot.mapping == "none"
        and not snapshot.has_deletions
        and configuration.get("delta.enableDeletionVectors", "false").lower() != "true"
        and not snapshot.has_absolute_paths
        and not snapshot.has_variants
        and not contents.hides_nan
        and not contents.log_narrows_decimals
        and not _has_views(contents.footers.values())
        and all(map(_PLAIN_PATH.fullmatch, snapshot.paths))
    )


def _has_views(footers: Iterable[pq.FileMetaData]) -> bool:
    """Whether a file's Arrow schema has a type that Daft's reader has not."""
    types = [kind for footer in footers for kind in stored_schema(footer).types]
    return any(re.search("view|time32|run_end", str(kind)) for kind in types)


def _require_types(table: str, schema: pa.Schema) -> None:
    """Refuse a table of which Daft has no type for a column."""
    from daft import DataType

    for field in plain_schema(schema):
        try:
            kind = DataType.from_arrow_type(field.type)
        except Exception as error:
            raise EngineError(
                f"table {table}: Daft has no type for column {field.name}, which is {field.type}: "
                f"{reason_of(error)}"
            ) from error
        if "Python" in str(kind):
            raise EngineError(
                f"table {table}: Daft has no type for column {field.name}, which is {field.type}"
            )
