"""One started engine at a time, with the tables that the queries name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from neuralake.catalog.tables import Table
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.queries.query import Query
from neuralake.queries.sql import table_names
from neuralake.queries.workload import Workload
from neuralake.under_pytest.judge import OpenEngine


@contextmanager
def open_engine(
    spec: EngineSpec, workload: Workload, queries: Iterable[Query]
) -> Iterator[OpenEngine]:
    """An engine, started once for all queries and alone while it runs.

    Raises
    ------
    EngineUnavailableError
        If it cannot run here; the message has the line that installs it.
    """
    registry.require(spec)
    tables = _needed_tables(workload, queries)
    spec = registry.reaching(spec, tables)
    registry.prepare(spec)
    engine = registry.start(spec)
    try:
        session = engine.open(tables)
        try:
            versions = engine.versions()
            version = versions.get(spec.name) or next(iter(versions.values()), "")
            yield OpenEngine(spec.name, version, session)
        finally:
            session.close()
    finally:
        engine.close()


def _needed_tables(workload: Workload, queries: Iterable[Query]) -> dict[str, Table]:
    """Tables that the queries name, all where that cannot be told: to open one may take seconds."""
    named: set[str] = set()
    for query in queries:
        found = table_names(query.sql())
        if found is None:
            return dict(workload.tables)
        named |= found
    return {name: table for name, table in workload.tables.items() if name in named}
