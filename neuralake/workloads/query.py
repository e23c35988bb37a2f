"""One query on one engine, for its answer and not for its time: in this very process."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import pyarrow as pa

from neuralake.catalog.about import warn_of_deprecated
from neuralake.catalog.tables import DeltaTable, Table
from neuralake.engines import registry
from neuralake.engines.protocol import Interruptible, Session
from neuralake.engines.registry import EngineSpec
from neuralake.errors import EngineError, NeuralakeError, QueryError, did_you_mean
from neuralake.queries.sql import table_names, tables_read
from neuralake.queries.statements import require_query
from neuralake.storage import one_line
from neuralake.threads import in_daemon

T = TypeVar("T")
R = TypeVar("R")
_LONGEST_STOP_S = 10


def run_query(sql: str, spec: EngineSpec, tables: Mapping[str, Table]) -> pa.Table:
    """Run SQL over tables and return the complete result.

    Only tables that the text names are opened: one that is absent costs no query without it.

    Raises
    ------
    QueryError
        If the engine refuses the text, in the engine's own words.
    EngineError
        If the engine cannot start, or cannot open a table.
    EngineUnavailableError
        If the engine cannot run here.
    """
    return _with_session(sql, spec, tables, lambda session: session.execute(sql))


def explain_query(sql: str, spec: EngineSpec, tables: Mapping[str, Table]) -> str:
    """The engine's plan for SQL over tables; raises as :func:`run_query` does."""
    return _with_session(sql, spec, tables, lambda session: session.explain(sql))


def at_versions(
    sql: str,
    tables: Mapping[str, Table],
    versions: Mapping[str | None, int],
    times: Mapping[str | None, datetime | str],
) -> dict[str, Table]:
    """The tables as a query wants them: some at versions of the past.

    Parameters
    ----------
    sql
        The query.
    tables
        That there are.
    versions
        Number of the version by the table's name; under None that of the one Delta table that the
        query reads.
    times
        A moment by the table's name; under None that of all Delta tables that the query reads and
        that no name is given for.

    Raises
    ------
    QueryError
        If a name is of no Delta table that the query reads, or two things are said of one.
    CatalogError
        If a version or a moment is impossible.
    """
    read = tables_read(sql, tables)
    delta = {n: t for n, t in tables.items() if n in read and isinstance(t, DeltaTable)}
    for name in {*versions, *times} - {None}:
        if name not in delta:
            raise QueryError(_unversioned(str(name), tables, read))
    if (None in versions or None in times) and not delta:
        raise QueryError("the query reads no Delta table, and others have no versions")
    if None in versions and len(delta) > 1:
        raise QueryError(
            f"a version of which table? The query reads {', '.join(delta)}: "
            f"expected such as {next(iter(delta))}={versions[None]}"
        )
    found = dict(tables)
    for name, table in delta.items():
        version = versions.get(name, versions.get(None))
        at = times.get(name, None if version is not None else times.get(None))
        if version is not None or at is not None:
            found[name] = table.as_of(version=version, at=at)
    return found


def _unversioned(name: str, tables: Mapping[str, Table], read: Collection[str]) -> str:
    """Why a table can have no version in a query."""
    if name not in tables:
        there_are = ", ".join(tables) or "none"
        return f"no table {name}: there are {there_are}{did_you_mean(name, tables)}"
    if name not in read:
        return f"a version of table {name}, which the query does not read"
    return f"table {name} has the format {tables[name].format}, which has no versions"


def _with_session(
    sql: str, spec: EngineSpec, tables: Mapping[str, Table], use: Callable[[Session], T]
) -> T:
    if not sql.strip():
        raise QueryError("the query is empty: expected SQL")
    require_query("", sql)
    read = tables_read(sql, tables)
    named = {name: table for name, table in tables.items() if name in read}
    warn_of_deprecated(named.values())
    options = {k: v for t in named.values() for k, v in getattr(t, "storage_options", {}).items()}
    registry.require(spec)
    spec = registry.reaching(spec, named)
    registry.prepare(spec)
    opened: list[Session] = []

    def attempt(kind: type[NeuralakeError], what: str, call: Callable[[], R]) -> R:
        try:
            return call()
        except (NeuralakeError, KeyboardInterrupt):
            raise
        except BaseException as error:  # a Rust panic is not an Exception
            reason = one_line(error, options)
            hint = _known_tables(sql, reason, tables) if kind is QueryError else ""
            raise kind(f"{spec.name}: {what}{reason}{hint}") from error

    def work() -> T:
        engine = attempt(EngineError, "it cannot start: ", lambda: registry.start(spec))
        try:
            session = attempt(EngineError, _opening(named), lambda: engine.open(named))
            opened.append(session)
            answer = attempt(QueryError, "", lambda: use(session))
            session.close()
        finally:
            engine.close()
        return answer

    return _interruptible(work, opened)


def _interruptible(work: Callable[[], T], sessions: Sequence[Session]) -> T:
    """Work in another thread, so that this one hears a signal while an engine is busy.

    Otherwise an engine holds the signal up until the query is through (DuckDB), or makes an error
    of it. A thread that is left behind closes its engine when the query ends, or the process does.
    """
    # In this one's context, which says what is around the functions of tables
    done, thread = in_daemon(work, "query")
    try:
        return done.result()
    except KeyboardInterrupt:
        for session in sessions:
            if isinstance(session, Interruptible):
                session.interrupt()
                thread.join(_LONGEST_STOP_S)
        raise


def _known_tables(sql: str, reason: str, tables: Mapping[str, Table]) -> str:
    """What to add where an engine says that it knows no such table: the name that was meant."""
    for name in sorted((table_names(sql) or frozenset()) - tables.keys()):
        if re.search(rf"\b{re.escape(name)}\b", reason, re.IGNORECASE):
            return did_you_mean(name, tables) or f"; there are {', '.join(tables) or 'no tables'}"
    return ""


def _opening(tables: Mapping[str, Table]) -> str:
    """What could not be opened, as the beginning of a message."""
    several = "one of " if len(tables) > 1 else ""
    return f"cannot open {several}{', '.join(tables)}: " if tables else ""
