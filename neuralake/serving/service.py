"""The service: statements in, answers out, each of one state of the tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import DeltaTable, Table
from neuralake.engines.datafusion import DataFusionSession
from neuralake.errors import CatalogError, NeuralakeError, reason_of
from neuralake.machine import cores
from neuralake.serving.answers import (
    Answer,
    AsOf,
    FailedError,
    ForbiddenError,
    LimitError,
    Limits,
    RefusedError,
    UnavailableError,
)
from neuralake.serving.hot import HotSnapshot, HotTable, UnsuitedError
from neuralake.serving.meter import Meter
from neuralake.serving.names import named_tables
from neuralake.serving.options import ServiceOptions
from neuralake.serving.turns import Turns

if TYPE_CHECKING:
    from datafusion import DataFrame, SessionContext, SQLOptions

_PLACES_A_CORE = 4
# Of a plan's first line; none of them is a question about the tables
_TELLING = ("Explain", "Analyze", "DescribeTable")
_NOW = AsOf()


@dataclass(frozen=True)
class TableState:
    """A table as it was when it was last looked at.

    Attributes
    ----------
    name
        Its name.
    hot_bytes
        What it takes in memory.
    version
        The version that is there.
    """

    name: str
    hot_bytes: int
    version: int | None


class Service:
    """Answers statements over the tables of a catalog; safe for many threads.

    Parameters
    ----------
    tables
        By their names in SQL, resolved.
    options
        How it runs.

    Raises
    ------
    CatalogError
        If the catalog has a name in two databases.
    """

    def __init__(
        self, tables: Mapping[str, Table] | Catalog, options: ServiceOptions | None = None
    ) -> None:
        self.options = options or ServiceOptions()
        found = tables.tables() if isinstance(tables, Catalog) else dict(tables)
        self._tables: dict[str, Table] = dict(found)
        places = self.options.concurrency or _PLACES_A_CORE * cores()
        self.turns = Turns(places, self.options.queue, self.options.queue_s)
        self._lock = threading.Lock()
        self._hot: dict[str, HotTable] = {}
        self._unsuited: dict[str, str] = {}
        self._loading: dict[str, None] = {}

    def tables(self) -> Mapping[str, Table]:
        """The tables as they are declared."""
        return self._tables

    def arrow_schema(self, table: str) -> pa.Schema:
        """Columns of a table as they are now.

        Raises
        ------
        RefusedError
            If there is no such table.
        UnavailableError
            If it cannot be read.
        """
        if table not in self._tables:
            raise RefusedError(f"no table {table}")
        return self.describe(f'SELECT * FROM "{table}"')[0]  # noqa: S608 - a name of the catalog

    def known_schema(self, table: str) -> pa.Schema | None:
        """Columns of a table that is in memory, as they were when it was last looked at."""
        hot = self._hot.get(table)
        return None if hot is None else hot.schema

    def states(self) -> list[TableState]:
        """What is known of the tables without a look at them."""
        return [TableState(name, hot.size_bytes, hot.version) for name, hot in self._hot.items()]

    def loading(self) -> list[str]:
        """Tables that are still to be looked at for the first time since :meth:`start`."""
        return list(self._loading)

    def start(self) -> None:
        """Load what fits into memory, in a thread of its own; requests need not wait for it."""
        self._loading = dict.fromkeys(self._tables)
        threading.Thread(target=self._load_all, name="neuralake-loading", daemon=True).start()

    def _load_all(self) -> None:
        for name in list(self._loading):
            with suppress(NeuralakeError):  # told to whoever asks for it
                self._in_memory(name, self._tables[name])
            del self._loading[name]

    def describe(
        self, sql: str, parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = ()
    ) -> tuple[pa.Schema, ...]:
        """The columns of an answer; nothing is run.

        Raises
        ------
        ServingError
            As :meth:`query`.
        """
        give_back = self.turns.take()
        try:
            with self._planned(sql, parameters, _NOW, self.options.limits) as planned:
                return (pa.schema(planned.frame.schema()),)
        finally:
            give_back()

    def query(
        self,
        sql: str,
        parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = (),
        *,
        as_of: AsOf | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Answer a statement.

        Parameters
        ----------
        sql
            One statement that only asks.
        parameters
            Of ``$1``, ``$2`` … in their order, or of ``$name`` by name.
        as_of
            Which state of the tables; the newest if None.
        limits
            What it may take, if less than the service allows.

        Raises
        ------
        RefusedError, ForbiddenError
            If it is not answered.
        UnavailableError
            If a table cannot be read.
        OverloadedError
            If there is no place for it.
        LimitError, FailedError
            If it fails at once; others do when the answer is read.
        """
        allowed = (limits or self.options.limits).within(self.options.limits)
        give_back = self.turns.take()
        try:
            planned = self._planned(sql, parameters, as_of or _NOW, allowed)
        except BaseException:
            give_back()
            raise
        return _Running(planned, allowed, give_back)

    def close(self) -> None:
        """Forget the tables."""
        with self._lock:
            self._hot.clear()

    def _planned(
        self,
        sql: str,
        parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar],
        as_of: AsOf,
        limits: Limits,
    ) -> _Planned:
        from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

        runtime = (
            RuntimeEnvBuilder()
            .with_disk_manager_disabled()
            .with_greedy_memory_pool(limits.memory_bytes)
        )
        context = SessionContext(SessionConfig().with_target_partitions(1), runtime)
        planned = _Planned(context)
        try:
            for name in named_tables(sql, self._tables):
                self._register(planned, name, as_of)
            planned.frame = _plan(context, sql, parameters)
        except BaseException:
            planned.close()
            raise
        return planned

    def _register(self, planned: _Planned, name: str, as_of: AsOf) -> None:
        table = self._tables[name]
        snapshot = self._in_memory(name, table) if as_of.is_now else None
        if snapshot is not None:
            batches = list(snapshot.batches) or [
                pa.RecordBatch.from_pylist([], schema=snapshot.schema)
            ]
            planned.context.register_record_batches(name, [batches])
            planned.versions[name] = snapshot.version
            return
        try:
            if isinstance(table, DeltaTable):
                version = table.newest_version() if as_of.version is None else as_of.version
                table = replace(table, version=version)
                planned.versions[name] = version
            session = DataFusionSession(planned.context, {name: table}, files=True)
        except (NeuralakeError, OSError, ValueError) as error:
            raise UnavailableError(f"table {name} cannot be read just now") from error
        planned.sessions.append(session)

    def _in_memory(self, name: str, table: Table) -> HotSnapshot | None:
        """A table's rows in memory, or None if it is read from its files."""
        if not isinstance(table, DeltaTable) or table.version is not None or name in self._unsuited:
            return None
        try:
            hot = self._hot.get(name)
            if hot is None:
                with self._lock:
                    hot = self._hot.get(name)
                    if hot is None:
                        hot = self._hot[name] = HotTable(table, self.options.hot_bytes)
            return hot.snapshot(self.options.max_staleness_s)
        except UnsuitedError as error:
            self._unsuited[name] = str(error)
            self._hot.pop(name, None)
            return None
        except CatalogError as error:
            raise UnavailableError(f"table {name} cannot be read just now") from error


class _Planned:
    """A statement on its way, in a context that nobody else has."""

    frame: DataFrame

    def __init__(self, context: SessionContext) -> None:
        self.context = context
        self.versions: dict[str, int] = {}
        self.sessions: list[DataFusionSession] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the tables, with what was made to list their files."""
        for session in self.sessions:
            with suppress(Exception):
                session.close()
        self.sessions.clear()


@dataclass
class _Running:
    """An answer that DataFusion makes in this process."""

    planned: _Planned
    limits: Limits
    give_back: Callable[[], None]

    def __post_init__(self) -> None:
        self._meter = Meter(self.limits)
        self.schema = pa.schema(self.planned.frame.schema())
        self.versions: Mapping[str, int] = dict(self.planned.versions)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for item in self.planned.frame.execute_stream():
                batch = item.to_pyarrow()
                self._meter.count(batch)
                yield batch
        except NeuralakeError:
            raise
        except Exception as error:
            raise _failed(error, self.limits) from error
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop at the next batch."""
        self._meter.cancelled.set()

    def close(self) -> None:
        """Give the place back."""
        self.planned.close()
        self.give_back()


def _plan(
    context: SessionContext,
    sql: str,
    parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar],
) -> DataFrame:
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


def _only_questions() -> SQLOptions:
    from datafusion import SQLOptions

    return SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)


def _failed(error: Exception, limits: Limits) -> NeuralakeError:
    reason = reason_of(error)
    if "Resources exhausted" in str(error):
        return LimitError("memory", f"it needs more than {limits.memory_bytes} bytes of memory")
    return FailedError(reason)
