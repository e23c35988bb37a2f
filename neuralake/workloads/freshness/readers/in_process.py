"""In process: the service that Neuralake's servers are made of, called without a server."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from neuralake.catalog.tables import DeltaTable
from neuralake.workloads.places import Target


class InProcessReader:
    """:class:`neuralake.serving.service.Service`, with its defaults, in the reader's process.

    Parameters
    ----------
    table
        Name of the table in questions.
    target
        Where it lies.
    """

    def __init__(self, table: str, target: Target) -> None:
        from neuralake.serving.service import Service

        delta = DeltaTable(name=table, location=target.uri, storage_options=dict(target.options))
        self._service = Service({table: delta})
        self.settings: Mapping[str, Any] = {"hot_bytes": self._service.options.hot_bytes}

    def versions(self) -> dict[str, str]:
        """Of the engine."""
        return {name: version(name) for name in ("datafusion", "pyarrow")}

    def ask(self, sql: str) -> pa.Table:
        """The answer of the service."""
        answer = self._service.query(sql)
        try:
            return pa.Table.from_batches(list(answer), schema=answer.schema)
        finally:
            answer.close()

    def close(self) -> None:
        """Forget the table."""
        self._service.close()
