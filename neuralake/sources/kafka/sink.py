"""What a topic's reader asks of the table that its messages go to; it knows no writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from neuralake.sources.kafka.reading import Letter


class Sink(Protocol):
    """The table, and the one of dead letters beside it."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""

    def committed(self) -> Mapping[str, int]:
        """What the table remembers now, by application (``txn``).

        Raises
        ------
        NeuralakeError
            If it cannot be read; by its ``remedy`` it is tried again.
        """

    def fit(self, batch: pa.RecordBatch) -> pa.Table:
        """Rows in the table's columns.

        Raises
        ------
        NeuralakeError
            If one does not fit.
        """

    def put_aside(self, application: str, letters: Sequence[Letter]) -> int:
        """Keep letters of one partition, each once, however often it comes; durable on return.

        Returns
        -------
        int
            How many were not there before.

        Raises
        ------
        NeuralakeError
            If they cannot be kept; by its ``remedy`` it is tried again.
        """

    def tell(self, trouble: str) -> None:
        """Say what is wrong, or is no longer, to whoever watches."""
