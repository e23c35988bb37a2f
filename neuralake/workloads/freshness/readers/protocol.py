"""All that the workload asks of a reader: answers to SQL over one table.

A reader lives in a process of its own; what it asks may be there, or in a server that the round has
started. Nothing heavy is imported at a module's top level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa


class Reader(Protocol):
    """Who asks.

    Attributes
    ----------
    settings
        Whatever one must know who reads its figures.
    """

    settings: Mapping[str, Any]

    def versions(self) -> dict[str, str]:
        """Of every package and runtime that matters to the result."""
        ...

    def ask(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The whole answer. This call, and nothing else, is timed; several may be under way.

        Parameters
        ----------
        sql
            One question.
        schema
            Of the answer, for formats that do not say all types.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
