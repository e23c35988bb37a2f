"""Polars: SQL text to a LazyFrame, collected by the streaming engine.

How it reads Delta tables is :mod:`neuralake.catalog.scan`'s: with ``scan_delta`` TPC-H Q17 takes
four times as long as over the snapshot's files (benchmarks/fidelity/delta_overhead.py).
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from neuralake.catalog.frames import lazy_frame
from neuralake.catalog.scan import choose_reader, moments_in_utc, scan
from neuralake.catalog.tables import AdbcTable, DeltaTable, FunctionTable, Table
from neuralake.catalog.views import view_of
from neuralake.engines.deltalake_writes import DeltalakeWrites, write_paths
from neuralake.engines.memory import require_sizes
from neuralake.engines.readers import given_rows, refuse_names, with_readers
from neuralake.engines.writing import Rows
from neuralake.errors import EngineError
from neuralake.machine import cores
from neuralake.measure.scratch import Scratch
from neuralake.quantities import parse_size

if TYPE_CHECKING:
    import deltalake
    import polars as pl
    from deltalake.table import TableMerger


# By which Polars is told to spill (pola-rs/polars#27998)
_BUDGET = "POLARS_OOC_MEMORY_BUDGET_MB"
_DISK_BUDGET = "POLARS_OOC_DISK_BUDGET_MB"
_DIRECTORY = "POLARS_OOC_SPILL_DIR"
# The budget counts neither what it cannot spill nor the result
_SHARE_OF_LIMIT = 0.5
_PATTERNS = re.compile(r"\*|\^.*\$", re.DOTALL)  # of columns, wherever a name may be
_TIME = re.compile(r"dtype: Datetime\('\w+'(, )?")  # as Polars names it, with a zone or without


@dataclass(frozen=True)
class PolarsOptions:
    """How Polars runs.

    Attributes
    ----------
    engine
        ``streaming``, which its documentation advises for data near or over the size of memory,
        or ``in-memory``.
    threads
        Size of the thread pool; 0 is one a core.
    delta_reader
        ``snapshot-files`` resolves a snapshot through the Delta log and scans its data files as
        Parquet, where they alone are the rows; another table is left to ``scan_delta``, and one
        that this does not support to Neuralake's Arrow reader (``arrow``): the setting ``readers``
        names such tables. ``scan-delta`` leaves every Delta table that it supports to Polars.
    memory
        Size (``4g``) beyond which the streaming engine spills to disk, which Polars 2.1 calls
        unstable; ``unbounded``: nothing is spilled; or ``auto``: half of a memory limit, unbounded
        without one. Not everything that Polars holds can be spilled or is counted.
    spill_limit
        Size that spilled data may have on disk; ``auto`` is Polars' own default.
    """

    engine: Literal["streaming", "in-memory"] = "streaming"
    threads: int = 0
    delta_reader: Literal["snapshot-files", "scan-delta"] = "snapshot-files"
    memory: str = "auto"
    spill_limit: str = "auto"

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise EngineError(f"polars: threads is {self.threads}: expected 0 (all cores) or more")
        require_sizes("polars", {"memory": self.memory}, "unbounded")
        require_sizes("polars", {"spill_limit": self.spill_limit})
        if self.engine == "in-memory" and self.memory not in ("auto", "unbounded"):
            raise EngineError(
                f"polars: memory is {self.memory}: engine in-memory does not spill, expected "
                "unbounded or auto"
            )


class PolarsEngine:
    """Polars in this process."""

    name = "polars"
    packages = ("polars", "deltalake")
    Options = PolarsOptions
    sessions_at_once = True  # each has a context of its own
    write_paths = write_paths("polars sink_delta", "polars sink_delta, mode merge")

    def __init__(self, options: PolarsOptions) -> None:
        self._options = options
        # the pool is sized once, when the library is loaded
        os.environ["POLARS_MAX_THREADS"] = str(options.threads or cores())
        spills = options.memory not in ("auto", "unbounded")
        if spills:
            _spill(options)
        import polars as pl

        if spills:
            _reload_settings()
        self.settings: Mapping[str, Any] = {
            "engine": options.engine,
            "threads": pl.thread_pool_size(),
            "delta_reader": options.delta_reader,
            "time_zone": "UTC",  # of whatever has none
            "memory": options.memory if spills else "unbounded",
            "spill_limit": options.spill_limit,
        }
        self.writes = DeltalakeWrites(self.name, _Sink(options.engine), self.write_paths)

    @classmethod
    def unavailable(cls) -> str | None:
        """Why Polars cannot run here, or None."""
        return (
            None if find_spec("polars") else "polars is not installed: pip install neuralake-bench"
        )

    @classmethod
    def resolve(cls, options: PolarsOptions, memory_limit_bytes: int | None) -> dict[str, str]:
        """The budget: within the limit, so that Polars spills what it can before it is stopped."""
        if options.memory != "auto" or memory_limit_bytes is None or options.engine == "in-memory":
            return {}
        return {"memory": f"{int(memory_limit_bytes * _SHARE_OF_LIMIT)}b"}

    def versions(self) -> dict[str, str]:
        """Of Polars, and of deltalake, which reads the snapshot."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> PolarsSession:
        """Register each table as a lazy scan of its current snapshot."""
        import polars as pl

        default = self._options.delta_reader
        frames, readers = {}, {}
        for name, table in tables.items():
            view = view_of(table)
            base = table if view is None else view.base
            if isinstance(base, DeltaTable):
                contents = base.contents()
                reader = choose_reader(contents, default)
                frame = scan(contents, reader)
                if reader != default:
                    readers[name] = reader
            elif isinstance(base, AdbcTable):
                # Not anew by each query: that measures another
                frame = lazy_frame(name, given_rows(base))
            elif isinstance(base, FunctionTable):
                frame = base.lazy()
                frame = moments_in_utc(frame, frame.collect_schema())
            else:
                frame = base.lazy()
            refuse_names("polars", name, frame.collect_schema().names(), _PATTERNS)
            frames[name] = frame if view is None else view.frame(frame)
        self.settings = with_readers(self.settings, readers)
        return PolarsSession(pl.SQLContext(frames), self._options.engine)

    def close(self) -> None:
        """Nothing to stop: the thread pool ends with the process."""


class PolarsSession:
    """An SQL context with its tables."""

    def __init__(
        self, context: pl.SQLContext[pl.LazyFrame], engine: Literal["streaming", "in-memory"]
    ) -> None:
        self._context = context
        self._engine: Literal["streaming", "in-memory"] = engine

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result.

        Raises
        ------
        EngineError
            If a moment is compared with a clock's time, as Polars 2.1 does not.
        """
        from polars.exceptions import SchemaError

        try:
            return self._context.execute(sql).collect(engine=self._engine).to_arrow()
        except SchemaError as error:
            has_zone = _TIME.findall(str(error).partition("\n")[0])
            if len(has_zone) != 2 or has_zone[0] == has_zone[1]:
                raise
            raise EngineError(
                "polars compares no column that has a time zone with a TIMESTAMP: write the moment "
                "as a text, such as column >= '2026-05-01 00:00:00'"
            ) from error

    def explain(self, sql: str) -> str:
        """The optimized plan."""
        return self._context.execute(sql).explain(engine=self._engine)

    def close(self) -> None:
        """Forget the tables."""
        self._context.unregister(self._context.tables())


def _spill(options: PolarsOptions) -> None:
    """Have the streaming engine spill, into a directory that is removed with this process."""
    scratch = Scratch()
    atexit.register(scratch.remove)  # the settings, and who spills, are the process's
    os.environ[_DIRECTORY] = str(scratch.directory)  # by default it is /var/tmp/polars-USER
    os.environ[_BUDGET] = _mebibytes(options.memory)
    if options.spill_limit != "auto":
        os.environ[_DISK_BUDGET] = _mebibytes(options.spill_limit)


def _reload_settings() -> None:
    """Have Polars take them, if it was loaded before."""
    from polars._plr import config_reload_env_vars

    config_reload_env_vars()


def _mebibytes(size: str) -> str:
    return str(max(parse_size(size) // 2**20, 1))


class _Sink:
    """Rows that Polars itself hands to deltalake, by the engine that runs queries."""

    def __init__(self, engine: Literal["streaming", "in-memory"]) -> None:
        self._engine: Literal["streaming", "in-memory"] = engine

    def append(
        self, rows: Rows, target: deltalake.DeltaTable, commit: deltalake.CommitProperties
    ) -> None:
        """Append the rows to a table in a commit with these properties."""
        self._scan(rows).sink_delta(
            target,
            mode="append",
            delta_write_options={"commit_properties": commit},
            engine=self._engine,
        )

    def merge(
        self, rows: Rows, target: deltalake.DeltaTable, options: Mapping[str, Any]
    ) -> TableMerger:
        """A merge of the rows into a table, its clauses still to be said."""
        merger = self._scan(rows).sink_delta(
            target, mode="merge", delta_merge_options=dict(options), engine=self._engine
        )
        if merger is None:
            raise EngineError("polars: sink_delta gave no merge")
        return merger

    def _scan(self, rows: Rows) -> pl.LazyFrame:
        import polars as pl

        options = dict(rows.storage_options) or None
        return pl.scan_parquet(list(rows.files), glob=False, storage_options=options)
