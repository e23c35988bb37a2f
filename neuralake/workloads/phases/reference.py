"""Another engine, in a process of its own, that answers again what an engine has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.protocol import Engine, Session
from neuralake.engines.registry import EngineSpec
from neuralake.errors import EngineError
from neuralake.workloads.executor import write_answer

TARGET = f"{__name__}:ReferenceExecutor"
# Those that answer all of TPC-H rightly: by another, right answers might be told wrong. Whoever
# starts soonest goes first, as this is not measured.
_KNOWN = ("duckdb", "datafusion", "polars", "spark")


def another_engine(
    name: str, specs: Sequence[EngineSpec], tables: Mapping[str, DeltaTable]
) -> EngineSpec | None:
    """An engine that can answer again what another has answered.

    Parameters
    ----------
    name
        Of that other engine.
    specs
        Engines of the run; if no other on which one can rely is among them, one that can run here
        is taken.
    tables
        That it is to open.

    Returns
    -------
    EngineSpec or None
        None if no other engine can run here.
    """
    others = {spec.name: spec for spec in specs if spec.name != name}
    for known in _KNOWN:
        if known in others:
            return others[known]
    for known in _KNOWN:
        with suppress(EngineError):  # the next one may do
            if known != name and registry.engine_type(known).unavailable() is None:
                spec = registry.reaching(EngineSpec(known), tables)
                registry.prepare(spec)
                return spec
    return next(iter(others.values()), None)


class ReferenceExecutor:
    """The object in the worker: one session, kept while the versions are the same."""

    _engine: Engine

    def __init__(self) -> None:
        self._open: tuple[Mapping[str, DeltaTable], Session] | None = None

    def start(self, spec: EngineSpec) -> None:
        """Start the engine."""
        self._engine = registry.start(spec)

    def answer(self, tables: Mapping[str, DeltaTable], sql: str, path: Path) -> None:
        """Answer a query over tables at their versions, and keep the answer in a file."""
        if self._open is None or self._open[0] != tables:
            self._close_session()
            pinned = {name: table.pinned() for name, table in tables.items()}
            self._open = (tables, self._engine.open(pinned))
        write_answer(self._open[1].execute(sql), path)

    def close(self) -> None:
        """Close what was opened."""
        self._close_session()
        self._engine.close()

    def _close_session(self) -> None:
        if self._open is not None:
            self._open[1].close()
        self._open = None
