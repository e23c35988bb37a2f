"""What a statement reads: the tables that it names, each at one version, ready to be registered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow.fs import LocalFileSystem

from neuralake.arrow import plain_type, stored_schema, types_in, without_metadata
from neuralake.catalog.tables import Table
from neuralake.config import is_remote
from neuralake.delta.nans import hides_nan
from neuralake.delta.rows import PlainFiles
from neuralake.delta.snapshot import DataFile
from neuralake.engines.datafusion import DataFusionSession
from neuralake.engines.datafusion.files import Links, arrow_frame, linked_frame
from neuralake.errors import reason_of
from neuralake.footer import read_footer
from neuralake.serving.answers import (
    FailedError,
    ForbiddenError,
    LimitError,
    RefusedError,
    UnavailableError,
)
from neuralake.serving.pruning import BatchRanges, Comparison, FileRanges

if TYPE_CHECKING:
    from datafusion import DataFrame, SessionContext, SQLOptions

    from neuralake.errors import ServingError

Parameters = Sequence[pa.Scalar] | Mapping[str, pa.Scalar]

# Of a file or an object, as an engine's errors name it
_PLACE = re.compile(
    r"(?:\w+:/)?/?(?:[\w.%=+-]+/)+[\w.%=+-]+\.(?:parquet|json|bin)|(?:/[\w.-]+){2,}"
)
# What may be one, also within a string
_PARAMETER = re.compile(r"\$(\w+)")
_NOT_FOUND = re.compile(
    r"table '(?:datafusion\.)?(?P<schema>public\.|[^']*\.)?(?P<name>[^']+)' not found"
)
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
    ranges
        What is known of each batch; empty where nothing is.
    """

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]
    rows: int
    size_bytes: int
    ranges: tuple[BatchRanges, ...] = field(default=(), compare=False)

    def needed(self, comparisons: Sequence[Comparison]) -> InMemory:
        """What may have rows that fulfil all comparisons."""
        if not self.ranges:
            return self
        kept = [r for r in self.ranges if all(c.may_hold(r.of(c.column)) for c in comparisons)]
        batches = tuple(ranges.batch for ranges in kept)
        rows = sum(batch.num_rows for batch in batches)
        return InMemory(self.schema, batches, rows, sum(b.nbytes for b in batches), tuple(kept))

    def register(self, context: SessionContext, name: str) -> None:
        """Make it a table of a context."""
        batches = list(self.batches) or [pa.RecordBatch.from_pylist([], schema=self.schema)]
        context.register_record_batches(name, [batches])


@dataclass(frozen=True)
class Mixed:
    """A table of which a part is in memory, and the rest in files.

    Attributes
    ----------
    memory
        Some of its rows.
    files
        Files with the others.
    ranges
        What is known of these.
    """

    memory: InMemory
    files: PlainFiles
    ranges: FileRanges = field(default_factory=FileRanges, compare=False)

    def needed(self, comparisons: Sequence[Comparison]) -> InMemory | Mixed:
        """What may have rows that fulfil all comparisons: where no file may, what is in memory."""
        is_needed = self.ranges.needed(self.files, comparisons)
        return self if is_needed else self.memory.needed(comparisons)

    def register(self, context: SessionContext, name: str) -> None:
        """Make it a table of a context; its files are opened for that alone."""
        rest = FilesPart(context, self.files, {})
        register_mixed(context, name, self.memory, rest)


class FilesPart:
    """The rows of files as a frame of a context, by the fastest reader that gives them rightly.

    Parameters
    ----------
    context
        Whose.
    files
        The files.
    known
        Whether DataFusion's own reader gives the rows of a file rightly, by its URI, so that each
        is looked into once; what is found out is added.

    Raises
    ------
    OSError, ValueError
        If one cannot be read.
    """

    def __init__(self, context: SessionContext, files: PlainFiles, known: dict[str, bool]) -> None:
        self.files = files
        self._links = Links()
        for file in files.files:
            if file.uri not in known:
                known[file.uri] = _is_plain(file, files)
        if files.mapping == "none" and all(
            known[f.uri] and f.kept is None and not f.partition for f in files.files
        ):
            paths = [file.uri for file in files.files]
            self.frame = linked_frame(context, self._links, paths, without_metadata(files.schema))
        else:
            self.frame = arrow_frame(context, files)

    def close(self) -> None:
        """Remove what was made to list the files."""
        self._links.remove()


def register_mixed(context: SessionContext, name: str, memory: InMemory, rest: FilesPart) -> None:
    """Make rows in memory and those of files one table of a context."""
    frame = rest.frame
    if memory.batches:
        frame = context.read_batches(list(memory.batches)).union(frame)
    context.register_view(name, frame)


def _is_plain(file: DataFile, files: PlainFiles) -> bool:
    """Whether DataFusion's own reader gives the rows of a file just as they are in it."""
    if is_remote(file.uri):
        return False
    footer = read_footer(LocalFileSystem(), file.uri)
    found = {f.name: plain_type(f.type) for f in stored_schema(footer)}
    if any(found.get(f.name, f.type) not in (plain_type(f.type), f.type) for f in files.schema):
        return False
    return not hides_nan({file.uri: footer}, files.storage_options)


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


Source = InMemory | Mixed | OnDisk


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
        If it is no SQL, names what does not exist, or has no place for a parameter.
    """
    if isinstance(parameters, Mapping):
        values = dict(parameters)
    else:
        values = {str(i): value for i, value in enumerate(parameters, 1)}
    named = set(_PARAMETER.findall(sql)) if values else set()
    for name in values:
        if name not in named:  # the engine would pass over it
            raise RefusedError(f"parameter ${name} stands nowhere in the statement")
    try:
        frame = context.sql_with_options(sql, _only_questions(), param_values=values)
        kind = frame.logical_plan().display()
    except Exception as error:
        reason = _without_places(reason_of(error), sql)
        if "not supported:" in reason:  # of SQLOptions: "DDL not supported: CreateMemoryTable"
            raise ForbiddenError(f"only questions are answered: {reason}") from error
        raise RefusedError(_without_schemas(reason)) from error
    if kind.startswith(_TELLING):
        raise ForbiddenError(f"only questions are answered: {kind.split()[0]} is none")
    return frame


def answer_schema(frame: DataFrame) -> pa.Schema:
    """Columns of an answer, without encodings that not every client of Arrow knows.

    Raises
    ------
    RefusedError
        If Arrow cannot have them, such as a name with the character 0.
    """
    try:
        schema = pa.schema(frame.schema())
    except Exception as error:
        raise RefusedError(f"a column of the answer cannot be told: {reason_of(error)}") from error
    fields = [f.with_type(plain_type(f.type)) if _is_encoded(f.type) else f for f in schema]
    return pa.schema(fields, schema.metadata)


def answer_batches(
    frame: DataFrame, schema: pa.Schema, *, at_once: bool = False
) -> Iterator[pa.RecordBatch]:
    """The answer itself, which is made while it is read; or at once, which costs less."""
    batches = frame.collect() if at_once else (b.to_pyarrow() for b in frame.execute_stream())
    for batch in batches:
        yield batch if batch.schema == schema else batch.cast(schema)


class Contexts:
    """Contexts without tables, each for one statement at a time; for many threads.

    Parameters
    ----------
    memory_bytes
        Of the operators of one statement.
    """

    def __init__(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self._idle: list[SessionContext] = []

    def take(self) -> SessionContext:
        """One that nobody has."""
        try:
            return self._idle.pop()
        except IndexError:
            return make_context(1, self.memory_bytes)

    def give_back(self, context: SessionContext, names: Iterable[str]) -> None:
        """Take the tables out of it, and keep it for the next statement."""
        for name in names:
            context.deregister_table(name)
        self._idle.append(context)


def _is_encoded(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        types.is_dictionary(each) or types.is_string_view(each) or types.is_binary_view(each)
        for each in types_in(kind)
    )


def failure(error: Exception, memory_bytes: int) -> ServingError:
    """What an error of DataFusion's is to whoever asked; it tells nothing of where files lie."""
    text = str(error)
    if _PLACE.search(text) or isinstance(error, OSError):
        return UnavailableError("a table cannot be read just now: ask again")
    if "Resources exhausted" in text or "Memory Exhausted" in text:
        return LimitError("memory", f"it needs more than {memory_bytes} bytes of memory")
    return FailedError(reason_of(error))


def _without_places(reason: str, sql: str) -> str:
    """A reason without paths that the statement itself does not name."""
    return _PLACE.sub(lambda match: match[0] if match[0] in sql else "…", reason)


def _without_schemas(reason: str) -> str:
    """A reason without the schemas of the engine's own, in which it looks for tables."""
    if (found := _NOT_FOUND.search(reason)) is None:
        return reason
    within, name = found["schema"] or "", found["name"]
    if within == "public.":
        return f"no table {name}"
    return f"no table {within}{name}: tables are named alone, without their database"


def _only_questions() -> SQLOptions:
    from datafusion import SQLOptions

    return SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
