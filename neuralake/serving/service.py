"""The service: statements in, answers out, each of one state of the tables."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from neuralake.catalog.catalog import Catalog
from neuralake.catalog.tables import DeltaTable, RowsTable, Table
from neuralake.engines.readers import given_rows
from neuralake.errors import NeuralakeError, ServingError
from neuralake.machine import cores
from neuralake.serving.answers import (
    Answer,
    AsOf,
    LimitError,
    Limits,
    RefusedError,
)
from neuralake.serving.fence.pool import FencedAnswer, Pool
from neuralake.serving.following import Following
from neuralake.serving.light import may_be_light
from neuralake.serving.light_answer import answer_light
from neuralake.serving.names import named_tables
from neuralake.serving.options import ServiceOptions
from neuralake.serving.prepared import (
    Contexts,
    InMemory,
    OnDisk,
    Parameters,
    Source,
)
from neuralake.serving.turns import Turns
from neuralake.serving.versions import find_version, unreadable

_PLACES_A_CORE = 2  # more only wait for one another: half of a light request is Python
_NOW = AsOf()
# For which its threads are waited for at the end: one may be in the midst of a file
_GRACE_S = 5.0


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
    left_files
        Files that are not in memory.
    """

    name: str
    hot_bytes: int
    version: int | None
    left_files: int


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
        self._following = Following(self.options.hot_bytes, self.options.large_file_bytes)
        heavy = self.options.workers or cores()
        self.heavy_turns = Turns(heavy, self.options.queue, self.options.queue_s)
        self._contexts = Contexts(self.options.limits.memory_bytes)
        self._pool = Pool(self.options.limits.memory_bytes)
        self._loading: dict[str, None] = {}
        self._threads: list[threading.Thread] = []
        self._is_closed = False

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
        hot = self._following.hot.get(table)
        return None if hot is None else hot.schema

    def states(self) -> list[TableState]:
        """What is known of the tables without a look at them."""
        return [
            TableState(name, hot.size_bytes, hot.version, hot.left_files)
            for name, hot in list(self._following.hot.items())
        ]

    def loading(self) -> list[str]:
        """Tables that are still to be looked at for the first time since :meth:`start`."""
        return list(self._loading)

    def start(self) -> None:
        """Load what fits into memory, in a thread of its own; requests need not wait for it."""
        self._loading = dict.fromkeys(self._tables)
        # a thread in Rust that outlives the interpreter ends it by SIGSEGV
        atexit.register(self.close)
        for work in (self._load_and_follow, self._pool.warm_up):
            thread = threading.Thread(target=work, name="neuralake-loading", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _load_and_follow(self) -> None:
        for name in list(self._loading):
            if self._is_closed:
                return
            with suppress(NeuralakeError):  # told to whoever asks for it
                self._source(self._tables[name], _NOW)
            del self._loading[name]
        self._following.follow()

    def describe(self, sql: str, parameters: Parameters = ()) -> tuple[pa.Schema, ...]:
        """The columns of an answer; nothing is run.

        Raises
        ------
        ServingError
            As :meth:`query`.
        """
        answer = self._answer(sql, parameters, _NOW, self.options.limits, is_described=True)
        if isinstance(answer, FencedAnswer):  # a worker is kept if it is read to its end
            deque(answer, maxlen=0)
        answer.close()
        return (answer.schema,)

    def query(
        self,
        sql: str,
        parameters: Parameters = (),
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
        return self._answer(sql, parameters, as_of or _NOW, allowed, is_described=False)

    def close(self) -> None:
        """Forget the tables, and end the workers and threads; at the end of Python by itself."""
        self._is_closed = True
        atexit.unregister(self.close)
        self._following.close()
        self._pool.close()
        until_s = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))

    def _answer(
        self, sql: str, parameters: Parameters, as_of: AsOf, limits: Limits, *, is_described: bool
    ) -> Answer:
        if len(sql) > self.options.text_bytes:
            raise LimitError(
                "text", f"the statement has more than {self.options.text_bytes} characters"
            )
        give_back = self.turns.take()
        try:
            sources, versions = self._sources(sql, as_of)
            if may_be_light(sql):
                contexts = self._contexts_for(limits)
                answer = answer_light(
                    contexts, sql, parameters, sources, versions, limits, give_back
                )
                if answer is not None:
                    return answer
        except BaseException:
            give_back()
            raise
        give_back()  # its turn is another's: what is heavy waits for what is heavy
        give_back = self.heavy_turns.take()
        try:
            return FencedAnswer(
                self._pool,
                sql,
                _by_name(parameters),
                sources,
                versions,
                limits,
                give_back,
                is_described=is_described,
            )
        except BaseException:
            give_back()
            raise

    def _contexts_for(self, limits: Limits) -> Contexts:
        if limits.memory_bytes == self._contexts.memory_bytes:
            return self._contexts
        return Contexts(limits.memory_bytes)

    def _sources(self, sql: str, as_of: AsOf) -> tuple[dict[str, Source], dict[str, int]]:
        sources: dict[str, Source] = {}
        versions: dict[str, int] = {}
        for name in named_tables(sql, self._tables):
            try:
                sources[name], version = self._source(self._tables[name], as_of)
            except ServingError:
                raise
            except (NeuralakeError, OSError, ValueError, pa.ArrowException) as error:
                raise unreadable(name, error) from error
            if version is not None:
                versions[name] = version
        return sources, versions

    def _source(self, table: Table, as_of: AsOf) -> tuple[Source, int | None]:
        if isinstance(table, RowsTable):
            rows = given_rows(table)
            return InMemory(rows.schema, tuple(rows.to_batches()), rows.num_rows, rows.nbytes), None
        if not isinstance(table, DeltaTable):
            return OnDisk(table), None
        hot = self._following.snapshot(table, self.options.max_staleness_s)
        if hot is not None and (as_of.is_now or as_of.version == hot.version):
            return hot.source, hot.version
        version = table.read_snapshot().version if as_of.is_now else find_version(table, as_of)
        return OnDisk(table.as_of(version=version)), version


def _by_name(parameters: Parameters) -> Mapping[str, pa.Scalar]:
    if isinstance(parameters, Mapping):
        return parameters
    return {str(i): value for i, value in enumerate(parameters, 1)}
