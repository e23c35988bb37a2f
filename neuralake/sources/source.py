"""The protocol of a source: deliveries, each of which is acknowledged once it is durable.

Nothing here knows who writes: a source hands out batches and is told what became of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa


class Committed(Protocol):
    """What a source is told of a delivery that is durable."""

    @property
    def version(self) -> int:
        """Version of the table that has it."""

    @property
    def is_repeated(self) -> bool:
        """Whether it had been committed before, and was skipped."""


def _tell_nobody(_: object) -> None:
    return


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A batch that waits to be committed.

    Attributes
    ----------
    batch
        Its rows, valid as Arrow demands (``validate(full=True)``).
    acknowledge
        Called once, when the rows are durable.
    fail
        Called once in its place, if they are not committed.
    application, sequence
        Who sends, and the number of the batch, which rises: a number that is not greater than the
        last one committed of its application is a repetition. None where rows are sent at most
        once, or twice is no harm.
    after
        The number before all of it, where that is not the one below ``sequence``.
    is_void
        Whether what came before it in the same stream has failed, so that it must not be
        committed: its successor's number would make the failed one a repetition.
    received_ns
        When it, or the first of it, was received, by the monotonic clock.
    begun_ns, decoded_ns
        When all of it was there and its decoding began, and when that had ended.
    """

    batch: pa.RecordBatch
    acknowledge: Callable[[Committed], None] = _tell_nobody
    fail: Callable[[Exception], None] = _tell_nobody
    application: str | None = None
    sequence: int | None = None
    is_void: Callable[[], bool] = _never
    after: int | None = None
    received_ns: int = field(default_factory=time.monotonic_ns)
    begun_ns: int = field(default_factory=time.monotonic_ns)
    decoded_ns: int = field(default_factory=time.monotonic_ns)

    @property
    def first_after(self) -> int | None:
        """The number before all of it; None where it has none."""
        if self.after is not None or self.sequence is None:
            return self.after
        return self.sequence - 1

    @property
    def size_bytes(self) -> int:
        """Bytes of memory that its rows take."""
        return int(self.batch.nbytes)


class Source(Protocol):
    """What deliveries come from."""

    @property
    def address(self) -> str | None:
        """Where others reach it; None for what is read."""

    @property
    def is_repeatable(self) -> bool:
        """Whether rows that are not committed come again.

        Who sends them is told, or they can be read once more. Of another source the first failure
        is the end.
        """

    @property
    def rejected(self) -> int:
        """Rows that were put aside since they do not fit, so far."""

    def batches(self) -> Iterator[Delivery]:
        """Deliveries in the order in which they came; whoever does not take the next one halts it.

        Raises
        ------
        SourceError
            If something came that is none; what came before it has been delivered.
        """

    def close(self) -> None:
        """Read nothing more, from any thread: ``batches`` comes to its end."""
