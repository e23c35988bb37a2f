"""All that the producers ask of a way to the writer."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import pyarrow as pa

P = TypeVar("P")


class Acknowledge(Protocol):
    """What a sender calls for each batch, in the order in which they were sent."""

    def __call__(self, version: int | None) -> None:
        """The next batch is durable, in a version of the table where that is known."""
        ...


class Sender(Protocol, Generic[P]):
    """One producer's way to the writer."""

    def prepare(self, records: pa.RecordBatch) -> P:
        """Make records ready to be sent, before they are due; in a thread of its own."""
        ...

    def send(self, prepared: P, first: int, end: int) -> None:
        """Send a batch, and return when it is on its way.

        Parameters
        ----------
        prepared
            Records in a row.
        first, end
            Which of them: from place ``first`` up to, but without, ``end``.
        """
        ...

    def finish(self, longest_s: float) -> str | None:
        """Wait until each batch is acknowledged; or else say why one is not."""
        ...
