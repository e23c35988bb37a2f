"""What is asked of a service, what it answers, and every way in which it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from neuralake.errors import ServingError

_MIB = 1 << 20


@dataclass(frozen=True)
class AsOf:
    """Which state of the tables a request wants; both None is the newest.

    Attributes
    ----------
    version
        Of the one Delta table that the statement reads.
    time
        The newest version that was committed by then, of every Delta table; with a time zone.
    """

    version: int | None = None
    time: datetime | None = None

    def __post_init__(self) -> None:
        if self.version is not None and self.time is not None:
            raise RefusedError("as-of is a version or a time, not both")
        if self.version is not None and self.version < 0:
            raise RefusedError(f"as-of version is {self.version}: expected 0 or more")
        if self.time is not None and self.time.tzinfo is None:
            raise RefusedError(
                f"as-of time {self.time.isoformat()} has no time zone: expected such as "
                f"{self.time.isoformat()}Z"
            )

    @property
    def is_now(self) -> bool:
        """Whether the newest state is wanted."""
        return self.version is None and self.time is None


@dataclass(frozen=True)
class Limits:
    """What one request may take.

    Attributes
    ----------
    rows
        Rows of its answer.
    bytes
        Size of its answer in Arrow.
    time_s
        From its start to its last row, the wait in the queue not included.
    memory_bytes
        Memory of its operators.
    """

    rows: int = 10_000_000
    bytes: int = 1024 * _MIB
    time_s: float = 30.0
    memory_bytes: int = 1024 * _MIB

    def within(self, most: Limits) -> Limits:
        """These, but none above those of another."""
        return Limits(
            min(self.rows, most.rows),
            min(self.bytes, most.bytes),
            min(self.time_s, most.time_s),
            min(self.memory_bytes, most.memory_bytes),
        )


class Answer(Protocol):
    """The answer to one request, all of it of one state of the tables.

    Iterating raises a :class:`~neuralake.errors.ServingError`, and stops soon after
    :meth:`cancel`.
    """

    @property
    def schema(self) -> pa.Schema:
        """Columns of the batches."""
        ...

    @property
    def versions(self) -> Mapping[str, int]:
        """Version of each Delta table that the statement reads."""
        ...

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None:
        """Stop, from any thread; frees what the request holds."""
        ...

    def close(self) -> None:
        """Free what the request holds; to be called once by whoever iterates, done or not."""
        ...


class RefusedError(ServingError):
    """A statement that is not answered: no SQL, no mere question, or of what does not exist."""


class ForbiddenError(RefusedError):
    """A statement that would change something, or tell of the server itself."""


class FailedError(ServingError):
    """A statement that was run and failed on its data: a division by zero, a cast."""


class LimitError(ServingError):
    """A request went beyond one of its limits.

    Attributes
    ----------
    limit
        ``rows``, ``bytes``, ``time``, ``memory`` or ``text``.
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class CancelledError(ServingError):
    """Whoever asked has gone, or the server ends."""


class OverloadedError(ServingError):
    """There are too many requests, or one waited too long.

    Attributes
    ----------
    retry_after_s
        When it may be worth to ask again.
    """

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnavailableError(ServingError):
    """A table cannot be read at the moment; the message tells nothing of where it lies."""
