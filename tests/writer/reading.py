"""What every reader at hand finds in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import deltalake
import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.protocol import Engine
from neuralake.engines.registry import EngineSpec
from neuralake.queries.answers import Answer, compare
from neuralake.queries.query import parse_query
from tests.conftest import FAST_ENGINES

EVERYTHING = parse_query("everything", "SELECT * FROM t")


@contextmanager
def engines(*names: str) -> Iterator[Mapping[str, Engine]]:
    """Engines in this process."""
    started: dict[str, Engine] = {}
    try:
        for name in names or FAST_ENGINES:
            options = {"memory": "768m", "delta_reader": "delta"} if name == "spark" else {}
            spec = EngineSpec(name, options)
            registry.prepare(spec)
            started[name] = registry.start(spec)
        yield started
    finally:
        for engine in started.values():
            engine.close()


def mismatches(
    path: str, expected: pa.Table, readers: Mapping[str, Engine], *, by_deltalake: bool = True
) -> dict[str, object]:
    """By reader, how what it finds differs from the rows that are expected; their order is free."""
    found = {name: select(engine, path) for name, engine in readers.items()}
    if by_deltalake:
        builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path))
        found["deltalake"] = pa.table(builder.execute("SELECT * FROM t").read_all())
    answer = Answer.of(expected)
    faults = {name: compare(Answer.of(rows), answer, EVERYTHING) for name, rows in found.items()}
    return {name: fault for name, fault in faults.items() if fault is not None}


def select(engine: Engine, path: str, sql: str = "SELECT * FROM t") -> pa.Table:
    """The answer of an engine to a query of the table ``t``."""
    session = engine.open({"t": DeltaTable(name="t", location=path)})
    try:
        return session.execute(sql)
    finally:
        session.close()
