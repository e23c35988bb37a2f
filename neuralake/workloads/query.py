"""One query on one engine, for its answer and not for its time: in this very process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.engines import registry
from neuralake.engines.protocol import Session
from neuralake.engines.registry import EngineSpec
from neuralake.errors import NeuralakeError, QueryError

T = TypeVar("T")


def run_query(sql: str, spec: EngineSpec, tables: Mapping[str, Table]) -> pa.Table:
    """Run SQL over tables and return the complete result.

    Raises
    ------
    QueryError
        If the engine refuses the text, in the engine's own words.
    EngineUnavailableError
        If the engine cannot run here.
    """
    return _with_session(sql, spec, tables, lambda session: session.execute(sql))


def explain_query(sql: str, spec: EngineSpec, tables: Mapping[str, Table]) -> str:
    """The engine's plan for SQL over tables; raises as :func:`run_query` does."""
    return _with_session(sql, spec, tables, lambda session: session.explain(sql))


def _with_session(
    sql: str, spec: EngineSpec, tables: Mapping[str, Table], use: Callable[[Session], T]
) -> T:
    if not sql.strip():
        raise QueryError("the query is empty: expected SQL")
    registry.require(spec)
    registry.prepare(spec)
    engine = registry.start(spec)
    try:
        session = engine.open(tables)
        try:
            return use(session)
        except (NeuralakeError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a Rust panic is not an Exception
            raise QueryError(f"{spec.name}: {_reason(error)}") from error
        finally:
            session.close()
    finally:
        engine.close()


def _reason(error: BaseException) -> str:
    """First line of what an engine says, which names the fault; the rest is its own trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
