"""DataFusion: SQL over Delta snapshots, their files read by its own Parquet reader.

deltalake's table provider, the other way, keeps filters above the scan: with it the TPC-H queries
take about 1.4 times as long at scale factor 1 (benchmarks/fidelity/delta_overhead.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable, FunctionTable, ParquetTable, Table
from neuralake.config import is_remote
from neuralake.errors import EngineError, reason_of
from neuralake.machine import cores
from neuralake.quantities import parse_size

if TYPE_CHECKING:
    from datafusion import SessionContext

# The pool counts what operators hold for long; batches in flight come on top
_POOL_SHARE_OF_LIMIT = 0.75


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
        with deletion vectors, column mapping, partitions or files that lack a column is left to
        deltalake's provider.
        ``table-provider`` leaves every Delta table to it.
    memory
        Size (``4g``) of the pool that operators share fairly, and beyond which they spill to disk;
        ``unbounded``; or ``auto``: three quarters of a memory limit, unbounded without one.
    config
        DataFusion's own settings, by their names (``datafusion.execution.batch_size``).
    """

    target_partitions: int = 0
    delta_reader: Literal["snapshot-files", "table-provider"] = "snapshot-files"
    memory: str = "auto"
    config: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.target_partitions < 0:
            raise EngineError(
                f"datafusion: target_partitions is {self.target_partitions}: "
                "expected 0 (one a core) or more"
            )
        if self.memory not in ("auto", "unbounded"):
            try:
                parse_size(self.memory)
            except ValueError as error:
                raise EngineError(f"datafusion: memory: {error}, unbounded or auto") from None


class DataFusionEngine:
    """DataFusion in this process."""

    name = "datafusion"
    packages = ("datafusion", "deltalake")
    Options = DataFusionOptions

    def __init__(self, options: DataFusionOptions) -> None:
        from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

        partitions = options.target_partitions or cores()
        config = SessionConfig().with_target_partitions(partitions)
        for key, value in options.config.items():
            try:
                config = config.set(key, value)
            except BaseException as error:  # a Rust panic is not an Exception
                raise EngineError(
                    f"datafusion: setting {key}={value}: {reason_of(error)}"
                ) from error
        runtime = RuntimeEnvBuilder().with_disk_manager_os()
        if options.memory in ("auto", "unbounded"):
            runtime = runtime.with_unbounded_memory_pool()
        else:
            runtime = runtime.with_fair_spill_pool(parse_size(options.memory))
        self._context = SessionContext(config, runtime)
        self._files = options.delta_reader == "snapshot-files"
        self.settings: Mapping[str, Any] = {
            "target_partitions": partitions,
            "delta_reader": options.delta_reader,
            "memory": "unbounded" if options.memory == "auto" else options.memory,
            "time_zone": options.config.get("datafusion.execution.time_zone", "UTC"),
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
        return {"memory": f"{int(memory_limit_bytes * _POOL_SHARE_OF_LIMIT)}b"}

    def versions(self) -> dict[str, str]:
        """Of DataFusion, and of deltalake, whose table provider it scans."""
        return {package: version(package) for package in self.packages}

    def open(self, tables: Mapping[str, Table]) -> DataFusionSession:
        """Register each table; Delta snapshots are resolved here."""
        return DataFusionSession(self._context, tables, files=self._files)

    def close(self) -> None:
        """Nothing to stop: the runtime ends with the process."""


class DataFusionSession:
    """A session context with its tables."""

    def __init__(
        self, context: SessionContext, tables: Mapping[str, Table], *, files: bool
    ) -> None:
        self._context = context
        self._names = list(tables)
        for name, table in tables.items():
            if isinstance(table, DeltaTable):
                data_files = table.uniform_files() if files else None
                if data_files:
                    _register_files(context, name, data_files)
                else:
                    context.register_table(name, table.snapshot())
            elif isinstance(table, FunctionTable):
                rows = table.arrow()
                batches = rows.to_batches() or [pa.RecordBatch.from_pylist([], rows.schema)]
                context.register_record_batches(name, [batches])
            elif isinstance(table, ParquetTable):
                _register_files(context, name, table.files())

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


def _register_files(context: SessionContext, name: str, files: Sequence[str]) -> None:
    """Register just these files, as one listing wherever that is possible.

    A union of readers, the other way, plans each file by itself: over eight files a table the
    TPC-H queries take 1.12 times as long as over one listing of them, which takes no longer than
    over a single file (scale factor 1).
    """
    listed = files[0] if len(files) == 1 else _directory_of(files)
    if listed is not None:
        context.register_parquet(name, listed)
        return
    from datafusion import DataFrame

    union = reduce(DataFrame.union, map(context.read_parquet, files))
    context.register_view(name, union)


def _directory_of(files: Sequence[str]) -> str | None:
    """The local directory whose Parquet files these are, all of them, or None.

    DataFusion lists a directory without those below it, where a Delta table has its log.
    """
    directory = Path(files[0]).parent
    if is_remote(files[0]) or set("*?[") & set(str(directory)):
        return None
    present = {str(path) for path in directory.glob("*.parquet")}
    return f"{directory}/" if present == set(files) else None
