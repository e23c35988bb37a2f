"""What a statement reads: the tables that it names, each at one version, ready to be registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from neuralake.arrow import plain_type
from neuralake.catalog.tables import Table
from neuralake.engines.datafusion import DataFusionSession
from neuralake.errors import reason_of
from neuralake.serving.answers import (
    FailedError,
    ForbiddenError,
    LimitError,
    RefusedError,
)

if TYPE_CHECKING:
    from datafusion import DataFrame, SessionContext, SQLOptions

    from neuralake.errors import ServingError

Parameters = Sequence[pa.Scalar] | Mapping[str, pa.Scalar]

# Of a plan's first line; none of them is a question about the tables
_TELLING = ("Explain", "Analyze", "DescribeTable")
_SETTINGS = {
    # Clients of Arrow need not know views of strings
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",
    "datafusion.execution.parquet.coerce_int96": "us",
    "datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown": "false",
}


@dataclass(frozen=True)
class InMemory:
    """Rows of a table in memory.

    Attributes
    ----------
    schema, batches
        The rows.
    rows, size_bytes
        Their number, and their size.
    """

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]
    rows: int
    size_bytes: int

    def register(self, context: SessionContext, name: str) -> None:
        """Make it a table of a context."""
        batches = list(self.batches) or [pa.RecordBatch.from_pylist([], schema=self.schema)]
        context.register_record_batches(name, [batches])


@dataclass(frozen=True)
class OnDisk:
    """A table that is read from its files.

    Attributes
    ----------
    table
        At one version, if it has versions.
    """

    table: Table

    def register(self, context: SessionContext, name: str) -> DataFusionSession:
        """Make it a table of a context, for as long as the session is open."""
        return DataFusionSession(context, {name: self.table}, files=True)


Source = InMemory | OnDisk


def make_context(partitions: int, memory_bytes: int) -> SessionContext:
    """A context that can read no file by itself, and writes none."""
    from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

    config = SessionConfig().with_target_partitions(partitions)
    for key, value in _SETTINGS.items():
        config = config.set(key, value)
    runtime = RuntimeEnvBuilder().with_disk_manager_disabled().with_greedy_memory_pool(memory_bytes)
    return SessionContext(config, runtime)


def plan(context: SessionContext, sql: str, parameters: Parameters) -> DataFrame:
    """A statement as a plan, if it only asks.

    Raises
    ------
    ForbiddenError
        If it does more.
    RefusedError
        If it is no SQL, or names what does not exist.
    """
    if isinstance(parameters, Mapping):
        values = dict(parameters)
    else:
        values = {str(i): value for i, value in enumerate(parameters, 1)}
    try:
        frame = context.sql_with_options(sql, _only_questions(), param_values=values)
        kind = frame.logical_plan().display()
    except Exception as error:
        reason = reason_of(error)
        if "not supported:" in reason:  # of SQLOptions: "DDL not supported: CreateMemoryTable"
            raise ForbiddenError(f"only questions are answered: {reason}") from error
        raise RefusedError(reason) from error
    if kind.startswith(_TELLING):
        raise ForbiddenError(f"only questions are answered: {kind.split()[0]} is none")
    return frame


def answer_schema(frame: DataFrame) -> pa.Schema:
    """Columns of an answer, without encodings that not every client of Arrow knows."""
    schema = pa.schema(frame.schema())
    fields = [f.with_type(plain_type(f.type)) if _is_encoded(f.type) else f for f in schema]
    return pa.schema(fields, schema.metadata)


def answer_batches(frame: DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The answer itself, which is made while it is read."""
    for item in frame.execute_stream():
        batch = item.to_pyarrow()
        yield batch if batch.schema == schema else batch.cast(schema)


def _is_encoded(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind) or types.is_string_view(kind) or types.is_binary_view(kind):
        return True
    return any(_is_encoded(kind.field(i).type) for i in range(kind.num_fields))


def failure(error: Exception, memory_bytes: int) -> ServingError:
    """What an error of DataFusion's is to whoever asked."""
    text = str(error)
    if "Resources exhausted" in text or "Memory Exhausted" in text:
        return LimitError("memory", f"it needs more than {memory_bytes} bytes of memory")
    return FailedError(reason_of(error))


def _only_questions() -> SQLOptions:
    from datafusion import SQLOptions

    return SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
