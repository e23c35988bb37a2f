"""DuckDB over the data files of each snapshot: an extra, and an example of a small adapter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import pyarrow as pa

from neuralake.catalog.dialects import DUCKDB
from neuralake.catalog.tables import DeltaTable, ParquetTable, RowsTable, Table
from neuralake.catalog.views import view_of
from neuralake.config import is_remote
from neuralake.engines.deltalake_writes import DeltalakeWrites, Streamed, write_paths
from neuralake.engines.duckdb.delta import (
    as_pattern,
    as_they_are,
    create_view,
    doubted,
    literal,
    reads_itself,
)
from neuralake.engines.duckdb.remote import load_httpfs, make_secrets, remote_reader
from neuralake.engines.duckdb.types import (
    has_durations,
    refuse_decimals,
    refuse_nanoseconds,
    refuse_stored,
    with_floats,
)
from neuralake.engines.memory import require_sizes
from neuralake.engines.object_storage import are_remote
from neuralake.engines.readers import (
    ARROW,
    WITHOUT_STATISTICS,
    given_rows,
    move_reader,
    refuse_case_twins,
    refuse_names,
    with_readers,
)
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError
from neuralake.identifiers import quoted
from neuralake.machine import cores
from neuralake.measure.scratch import Scratch
from neuralake.quantities import parse_size
from neuralake.storage import filesystem

if TYPE_CHECKING:
    import duckdb

    from neuralake.catalog.footers import Footers
    from neuralake.delta.rows import FilesDataset, Source


# Schema of what the views of Delta tables are made of
_HELPERS = "neuralake"
_NO_NAME = re.compile("")  # "" is no identifier to it, and the column has another name
# What DuckDB holds outside of its buffers comes on top. Source: "Out of Memory Errors" of its
# documentation, which advises 50 to 60 % where memory is short.
_SHARE_OF_LIMIT = 0.6


@dataclass(frozen=True)
class DuckDBOptions:
    """How DuckDB runs.

    Attributes
    ----------
    threads
        Worker threads; 0 is one a core.
    async_threads
        Threads beside them that read ahead (DuckDB 2.0 and later); -1 is DuckDB's own default, and
        none where there is one worker: one thread is then all that works.
    remote_reader
        What reads tables on S3: ``httpfs``, DuckDB's own extension, which is fetched from the
        network once; or Neuralake's Arrow reader (``arrow``), with one thread a table. ``auto`` is
        ``httpfs``, and ``arrow`` where the extension cannot be had.
    memory
        Size (``4g``) that DuckDB's buffers may have, and beyond which it spills to disk; or
        ``auto``: three fifths of a memory limit, DuckDB's own default (four fifths of the memory)
        without one.
    spill_limit
        Size that spilled data may have on disk; ``auto`` is DuckDB's own default (nine tenths of
        what is free there).
    """

    threads: int = 0
    async_threads: int = -1
    remote_reader: Literal["auto", "httpfs", "arrow"] = "auto"
    memory: str = "auto"
    spill_limit: str = "auto"

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise EngineError(f"duckdb: threads is {self.threads}: expected 0 (all cores) or more")
        if self.async_threads < -1:
            raise EngineError(
                f"duckdb: async_threads is {self.async_threads}: expected -1 (DuckDB's default) "
                "or more"
            )
        require_sizes("duckdb", {"memory": self.memory, "spill_limit": self.spill_limit})


class DuckDBEngine:
    """DuckDB in this process, in memory."""

    name = "duckdb"
    packages = ("duckdb", "deltalake")
    Options = DuckDBOptions
    sessions_at_once = True  # each has a connection and a database of its own, in one process
    write_paths = write_paths(
        "duckdb read_parquet, deltalake write_deltalake", "duckdb read_parquet, deltalake merge"
    )

    def __init__(self, options: DuckDBOptions) -> None:
        import duckdb

        threads = options.threads or cores()
        # DuckDB would spill into the working directory
        self._scratch = Scratch()
        # extensions come from the network unasked, which would be measured; the host's time zone
        # would decide to which day an instant belongs
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "autoinstall_known_extensions": False,
                "TimeZone": "UTC",
                "temp_directory": str(self._scratch.directory / "duckdb"),
            },
        )
        # set here: DuckDB 2.0 shows a limit of the disk that it was started with, and ignores it
        for name, size in (
            ("memory_limit", options.memory),
            ("max_temp_directory_size", options.spill_limit),
        ):
            if size != "auto":
                self._connection.execute(f"SET {name} = '{parse_size(size)}B'").fetchall()
        asynchronous = self._read_ahead_with(options.async_threads, threads)
        self._httpfs = options.remote_reader == "httpfs"
        if self._httpfs:
            load_httpfs(self._connection)
        self.writes = DeltalakeWrites(self.name, Streamed(self._read), self.write_paths)
        self.settings: Mapping[str, Any] = {
            "threads": threads,
            **asynchronous,
            "delta_reader": "snapshot-files",
            "time_zone": "UTC",
            "memory": self._current("memory_limit"),
            "spill_limit": self._current("max_temp_directory_size"),
        }

    @classmethod
    def unavailable(cls) -> str | None:
        """Why DuckDB cannot run here, or None."""
        if find_spec("duckdb") is None:
            return "duckdb is not installed: pip install 'neuralake-bench[duckdb]'"
        return None

    @classmethod
    def reach(cls, options: DuckDBOptions, tables: Mapping[str, Table]) -> dict[str, str]:
        """What reads tables on S3, if there are any: the extension is fetched if need be."""
        if not are_remote(tables.values()):
            return {}
        return {"remote_reader": remote_reader(options.remote_reader)}

    @classmethod
    def resolve(cls, options: DuckDBOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """The buffers: within the limit, so that DuckDB spills before it is stopped."""
        if options.memory != "auto" or memory_limit_bytes is None:
            return {}
        return {"memory": f"{int(memory_limit_bytes * _SHARE_OF_LIMIT)}b"}

    def versions(self) -> dict[str, str]:
        """Of DuckDB, and of deltalake, which resolves the snapshot."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> DuckDBSession:
        """Make a view over the files of each snapshot."""
        session = DuckDBSession(self._connection, tables, httpfs=self._httpfs)
        self.settings = with_readers(self.settings, session.readers)
        if are_remote(tables.values()):
            reader = "httpfs" if self._httpfs else "arrow"
            self.settings = {**self.settings, "remote_reader": reader}
        return session

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
        self._scratch.remove()

    def _read_ahead_with(self, asked: int, threads: int) -> dict[str, Any]:
        """Set the threads that read ahead, as asked; the setting, if this DuckDB has it."""
        sql = "SELECT count(*) FROM duckdb_settings() WHERE name = 'async_threads'"
        if self._connection.execute(sql).fetchone() == (0,):
            if asked > 0:
                raise EngineError(
                    f"duckdb: async_threads is {asked}: DuckDB {version('duckdb')} has none; "
                    "expected -1, 0, or DuckDB 2.0 or later"
                )
            return {}
        if asked < 0 and threads == 1:
            asked = 0
        if asked >= 0:
            self._connection.execute(f"SET async_threads = {asked}").fetchall()
        return {"async_threads": int(self._current("async_threads"))}

    def _current(self, setting: str) -> str:
        row = self._connection.execute("SELECT current_setting(?)", [setting]).fetchone()
        return str(row[0]) if row else ""

    def _read(self, rows: Rows) -> duckdb.DuckDBPyRelation:
        """Rows that are to be written, in a connection of their own."""
        connection = self._connection.cursor()
        if not is_remote(rows.uri):
            files = [as_pattern(file) for file in rows.files]
            return connection.read_parquet(files, hive_partitioning=False)
        if self._httpfs:
            make_secrets(connection, {"its new rows": rows})
            return connection.read_parquet(list(rows.files), hive_partitioning=False)
        from pyarrow.dataset import dataset

        system, _ = filesystem(rows.uri, rows.storage_options)
        paths = [filesystem(file, rows.storage_options)[1] for file in rows.files]
        return connection.from_arrow(dataset(paths, filesystem=system))


class DuckDBSession:
    """A connection with its views.

    Attributes
    ----------
    readers
        Reader by table, where it is not the default's.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        tables: Mapping[str, Table],
        *,
        httpfs: bool = False,
    ) -> None:
        self._connection = connection.cursor()
        self._httpfs = httpfs
        self._is_open = True
        self.readers: dict[str, str] = {}
        # What is made goes into a database of the session's own, which no other is led to
        self._database = quoted(f"neuralake {uuid4().hex}")
        self._connection.execute(f"ATTACH ':memory:' AS {self._database}")
        self._connection.execute(f"USE {self._database}")
        self._connection.execute(f"CREATE SCHEMA {_HELPERS}")
        try:
            if httpfs:
                make_secrets(self._connection, tables)
            for name, table in tables.items():
                self._create(name, table)
        except BaseException:
            self.close()
            raise

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result."""
        found = self._connection.sql(sql)
        if found is None:  # as of a statement, which has been carried out
            raise EngineError("duckdb: the text is no query: it has no rows")
        return found.to_arrow_table()

    def explain(self, sql: str) -> str:
        """The physical plan."""
        rows = self._connection.execute(f"EXPLAIN {sql}").fetchall()
        return "\n".join(str(row[1]) for row in rows)

    def interrupt(self) -> None:
        """End the query that another thread runs; it raises there."""
        self._connection.interrupt()

    def close(self) -> None:
        """Forget the views, and what they are made of. May be called again."""
        if self._is_open:
            self._is_open = False
            self._connection.execute("USE memory")
            self._connection.execute(f"DETACH {self._database}")
            self._connection.close()

    def _create(self, name: str, table: Table) -> None:
        view = view_of(table)
        if view is None:
            self._create_plain(name, table)
            return
        self._create_plain(view.base_name, view.base)
        select = view.sql(view.base_name, DUCKDB)
        self._connection.execute(f"CREATE VIEW {quoted(name)} AS {select}")
        move_reader(self.readers, view.base_name, name)

    def _create_plain(self, name: str, table: Table) -> None:
        if isinstance(table, RowsTable):
            rows = with_floats(given_rows(table))
            _refuse(table.name, rows.schema)
            refuse_decimals(table.name, rows.schema)
            refuse_nanoseconds(table.name, rows)
            self._connection.from_arrow(rows).create_view(name)
        elif isinstance(table, ParquetTable):
            checked = table.checked()
            _refuse(table.name, checked.schema)
            refuse_stored(table.name, checked.schema)
            in_paths = bool(table.partitioned_by)
            beyond = (in_paths and not checked.reads_from_paths) or has_durations(checked.schema)
            if beyond or not self._reads(table):
                self._connection.register(name, _dataset(checked.as_arrow()))
                self.readers[name] = ARROW
                return
            relation = self._files(checked)
            if doubts := doubted(checked.by_file, hides_nan=checked.may_hide_nan()):
                relation = relation.project(as_they_are(checked.schema, doubts))
                self.readers[name] = WITHOUT_STATISTICS
            relation.create_view(name)
        elif isinstance(table, DeltaTable):
            contents = table.contents()
            _refuse(table.name, contents.snapshot.schema)
            if self._reads(table) and reads_itself(contents):
                create_view(self._connection, name, contents, _HELPERS)
                if doubted(contents.footers, hides_nan=contents.hides_nan):
                    self.readers[name] = WITHOUT_STATISTICS
            else:
                self._connection.register(name, _dataset(contents.snapshot))
                self.readers[name] = ARROW
        else:
            raise EngineError(f"table {table.name}: DuckDB cannot read the format {table.format}")

    def _files(self, checked: Footers) -> duckdb.DuckDBPyRelation:
        """The files by DuckDB's own reader, with the values that their paths hold."""
        found = checked.found
        files = [as_pattern(file) for file in checked.files]
        if not found.fields:
            return self._connection.read_parquet(
                files, hive_partitioning=False, union_by_name=checked.may_differ
            )
        empty = pa.schema(list(found.fields)).empty_table()
        types = zip(found.names, self._connection.from_arrow(empty).types, strict=True)
        given = ", ".join(f"{quoted(column)}: {kind}" for column, kind in types)
        columns = ", ".join(quoted(column) for column in checked.schema.names)
        listed = ", ".join(literal(file) for file in files)
        options = f"hive_partitioning = true, hive_types = {{{given}}}"
        options += f", union_by_name = {checked.may_differ}"
        return self._connection.sql(f"FROM read_parquet([{listed}], {options})").project(columns)

    def _reads(self, table: DeltaTable | ParquetTable) -> bool:
        """Whether DuckDB's own reader comes to where a table lies."""
        return self._httpfs or not is_remote(table.uri)


def _dataset(source: Source) -> FilesDataset:
    from neuralake.delta.rows import FilesDataset  # with pyarrow.dataset, which is slow to load

    return FilesDataset(source)


def _refuse(table: str, schema: pa.Schema) -> None:
    """Refuse columns that DuckDB would call otherwise, or take for one another."""
    refuse_names("DuckDB", table, schema.names, _NO_NAME)
    refuse_case_twins("DuckDB", table, schema)
