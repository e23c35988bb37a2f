"""ROAPI behind the same calls as our own server: whatever serves the one serves the other.

What a client sends is planned here first, as the other server does, by DataFusion over tables
without rows: only a question passes on to ROAPI. The answer comes as Arrow, which is exact, where
ROAPI's own JSON gives null for NaN and infinities and its REST filters lose decimals.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import FunctionTable, Table
from neuralake.config import Settings
from neuralake.errors import NeuralakeError
from neuralake.machine import cores
from neuralake.serving.answers import (
    Answer,
    AsOf,
    FailedError,
    Limits,
    RefusedError,
    UnavailableError,
)
from neuralake.serving.meter import Meter
from neuralake.serving.names import named_tables
from neuralake.serving.options import ServiceOptions
from neuralake.serving.roapi.client import Exchange, ExchangeFile, RoapiClient
from neuralake.serving.roapi.configuration import RoapiOptions, check_tables
from neuralake.serving.roapi.fitness import Fitness
from neuralake.serving.roapi.literals import with_literals
from neuralake.serving.roapi.process import LISTEN, RoapiProcess, Tell
from neuralake.serving.roapi.refusals import Freshness
from neuralake.serving.service import Service, TableState
from neuralake.serving.turns import Turns

_PLACES_A_CORE = 4


class RoapiService:
    """Answers statements by asking ROAPI; safe for many threads.

    Parameters
    ----------
    tables
        By their names in SQL, resolved.
    settings
        Whose object storage ROAPI reaches.
    options
        How it runs; ``hot_bytes`` and ``max_staleness_s`` mean nothing here.
    freshness
        What ROAPI keeps, and whether it sees later commits.
    reload_s
        How often it looks for them.
    memory_bytes
        Private memory of ROAPI's process, beyond which it ends and is started again.
    tell
        Is given each line for people.

    Raises
    ------
    ServingError
        If ROAPI cannot serve one of the tables rightly, or does not start.
    EngineUnavailableError
        If it is not installed.
    """

    def __init__(
        self,
        tables: Mapping[str, Table] | Catalog,
        settings: Settings,
        options: ServiceOptions | None = None,
        *,
        freshness: Freshness = Freshness.MEMORY,
        reload_s: int = 1,
        memory_bytes: int = 4 << 30,
        tell: Tell = lambda _line: None,
    ) -> None:
        self.options = options or ServiceOptions()
        self._tables = dict(tables.tables() if isinstance(tables, Catalog) else tables)
        self._fitness = Fitness(self._tables, settings, RoapiOptions(freshness, reload_s, LISTEN))
        places = self.options.concurrency or _PLACES_A_CORE * cores()
        self.turns = Turns(places, self.options.queue, self.options.queue_s)
        check_tables(self._tables, freshness, settings)
        self._schemas = {name: table.arrow_schema() for name, table in self._tables.items()}
        self._planner = Service(
            {name: _without_rows(name, schema) for name, schema in self._schemas.items()},
            self.options,
        )
        self.process = RoapiProcess(self._fitness.configure, settings, memory_bytes, tell)
        self._client = RoapiClient(self.process)
        try:
            self._probe()
        except BaseException:
            self.close()
            raise

    def tables(self) -> Mapping[str, Table]:
        """The tables as they are declared."""
        return self._tables

    def arrow_schema(self, table: str) -> pa.Schema:
        """Columns of a table, as of :meth:`~neuralake.serving.service.Service.arrow_schema`."""
        return self._planner.arrow_schema(table)

    def known_schema(self, table: str) -> pa.Schema | None:
        """Columns of a table as they were when the service began."""
        return self._schemas.get(table)

    def states(self) -> list[TableState]:
        """Nothing: ROAPI tells neither versions nor memory."""
        return []

    def loading(self) -> list[str]:
        """All tables while ROAPI is being started again, and otherwise none."""
        return [] if self.process.port is not None else list(self._tables)

    def start(self) -> None:
        """Be ready to plan: ROAPI itself answers by now."""
        self._planner.start()

    def describe(
        self, sql: str, parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = ()
    ) -> tuple[pa.Schema, ...]:
        """The columns of an answer, as of :meth:`~neuralake.serving.service.Service.describe`."""
        return self._planner.describe(sql, parameters)

    def query(
        self,
        sql: str,
        parameters: Sequence[pa.Scalar] | Mapping[str, pa.Scalar] = (),
        *,
        as_of: AsOf | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Answer a statement, as of :meth:`~neuralake.serving.service.Service.query`.

        Raises
        ------
        RefusedError
            If an earlier state is wanted, of which ROAPI keeps none, as well.
        """
        if as_of is not None and not as_of.is_now:
            raise RefusedError("ROAPI keeps no earlier state: serve with --server datafusion")
        if parameters:
            self._planner.describe(sql, parameters)
            sql = with_literals(sql, parameters)
        (schema,) = self._planner.describe(sql)
        names = named_tables(sql, self._tables)
        self._fitness.refuse_left_out(names)
        allowed = (limits or self.options.limits).within(self.options.limits)
        give_back = self.turns.take()
        try:
            exchange = self._client.ask(sql, allowed.time_s)
        except BaseException:
            give_back()
            raise
        return _Running(exchange, schema, Meter(allowed), give_back, self._checker(names))

    def close(self) -> None:
        """End ROAPI."""
        self._client.close()
        self.process.close()
        self._planner.close()

    def _checker(self, names: Sequence[str]) -> Callable[[], None]:
        return lambda: self._fitness.check(names, self.process.starts)

    def _probe(self) -> None:
        """Ask for a row of each table: what ROAPI cannot read fails here, by its name."""
        for name in self._tables:
            answer = self.query(f'SELECT * FROM "{name}" LIMIT 1')  # noqa: S608 - of the catalog
            try:
                list(answer)
            except NeuralakeError as error:
                raise UnavailableError(f"ROAPI cannot read table {name}: {error}") from error
            finally:
                answer.close()


@dataclass
class _Running:
    """An answer that ROAPI makes."""

    exchange: Exchange
    schema: pa.Schema
    meter: Meter
    give_back: Callable[[], None]
    check: Callable[[], None]
    versions: Mapping[str, int] = field(default_factory=dict)  # which ROAPI does not tell

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._is_done = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            try:
                self.exchange.begin()
            except FailedError:
                self.check()  # it may say why
                raise
            self.check()  # after ROAPI made its answer: of what it may have read all is known
            begun = self.exchange.read(1)
            if begun:  # of no rows it sends nothing at all
                with pa.ipc.open_stream(pa.PythonFile(ExchangeFile(self.exchange, begun))) as found:
                    for batch in found:
                        self.meter.count(batch)
                        yield _as_planned(batch, self.schema)
                self.exchange.read(1)
            self.meter.check()
        finally:
            self.close()

    def cancel(self) -> None:
        """Want no more of it."""
        self.meter.cancelled.set()

    def close(self) -> None:
        """Give the place back, once ROAPI is through with it."""
        with self._lock:
            if self._is_done:
                return
            self._is_done = True
        if self.exchange.response is not None or self.exchange.connection.sock is None:
            self.exchange.finish()
            self.give_back()
            return

        def wait() -> None:
            self.exchange.abandon()
            self.give_back()

        threading.Thread(target=wait, name="roapi-abandoned", daemon=True).start()


def _as_planned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in the types that were told: ROAPI's DataFusion encodes some otherwise."""
    if batch.schema.equals(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _without_rows(name: str, schema: pa.Schema) -> FunctionTable:
    empty = schema.empty_table()
    return FunctionTable(name=name, function=lambda: empty)
