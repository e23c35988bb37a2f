"""An engine that opens a table anew for each question, as a dashboard's query does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.workloads.places import Target


class EngineReader:
    """An engine, started.

    Parameters
    ----------
    engine
        Its name.
    table
        Name of the table in questions.
    target
        Where it lies.
    """

    def __init__(self, engine: str, table: str, target: Target) -> None:
        self._engine = registry.start(EngineSpec(engine))
        self._tables = {
            table: DeltaTable(name=table, location=target.uri, storage_options=dict(target.options))
        }
        self.settings: Mapping[str, Any] = self._engine.settings

    def versions(self) -> dict[str, str]:
        """Of the engine and its libraries."""
        return self._engine.versions()

    def ask(self, sql: str, schema: pa.Schema | None = None) -> pa.Table:  # noqa: ARG002
        """Open the table, and ask; the answer says its types itself."""
        session = self._engine.open(self._tables)
        try:
            return session.execute(sql)
        finally:
            session.close()

    def close(self) -> None:
        """Stop the engine."""
        self._engine.close()
