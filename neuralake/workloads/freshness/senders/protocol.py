"""All that the producers ask of a way to the writer."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Acknowledge(Protocol):
    """What a sender calls for each batch, in the order in which they were sent."""

    def __call__(self, version: int | None) -> None:
        """The next batch is durable, in a version of the table where that is known."""
        ...


class Sender(Protocol):
    """One producer's way to the writer."""

    def send(self, batch: pa.RecordBatch, last: int) -> None:
        """Send a batch, and return when it is on its way.

        Parameters
        ----------
        batch
            Records in a row.
        last
            Number of the last.
        """
        ...

    def finish(self, longest_s: float) -> str | None:
        """Wait until each batch is acknowledged; or else say why one is not."""
        ...
