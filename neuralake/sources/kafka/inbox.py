"""Messages that were read and are not decoded yet, by their partition.

What comes while others are decoded is put together: the more there is to do, the fewer and larger
are the parts in which it is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Message


@dataclass(eq=False)
class Span:
    """Consecutive messages of a partition.

    Attributes
    ----------
    partition, generation
        Whose, and of which reading of it: what was read before it began anew is void.
    messages
        In their order, without gaps but those that the partition has itself.
    position
        The offset that follows the last.
    size_bytes
        Of their keys and values.
    received_ns
        When the first was received, by the monotonic clock.
    """

    partition: int
    generation: int
    messages: list[Message]
    position: int
    size_bytes: int
    received_ns: int = field(default_factory=time.monotonic_ns)


class Inbox:
    """Spans between the thread that reads and the one that decodes.

    Parameters
    ----------
    most_bytes
        From which on no more is to be read.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._spans: dict[int, Span] = {}  # in the order in which their first messages came
        self._size_bytes = 0
        self._error: BaseException | None = None
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether no more is to be read for now."""
        return self._size_bytes >= self._most_bytes

    @property
    def has_room(self) -> bool:
        """Whether reading may go on after it was full."""
        return self._size_bytes * 2 <= self._most_bytes

    def put(self, spans: Sequence[Span]) -> None:
        """Add what was read."""
        with self._changed:
            for span in spans:
                self._size_bytes += span.size_bytes
                before = self._spans.get(span.partition)
                if before is None or before.generation != span.generation:
                    self._drop(span.partition)
                    self._spans[span.partition] = span
                else:
                    before.messages += span.messages
                    before.position = span.position
                    before.size_bytes += span.size_bytes
            self._changed.notify()

    def take(self) -> Span | None:
        """What waits of the partition that has waited longest; None once it is closed.

        Raises
        ------
        BaseException
            What ended the reading, once nothing else waits.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._spans or self._error or self._is_closed)
            if self._is_closed:
                return None
            if not self._spans:
                assert self._error is not None  # noqa: S101 - which was waited for
                raise self._error
            span = self._spans.pop(next(iter(self._spans)))
            self._size_bytes -= span.size_bytes
            return span

    def drop(self, partition: int) -> None:
        """Forget what waits of a partition."""
        with self._changed:
            self._drop(partition)

    def fail(self, error: BaseException) -> None:
        """Nothing more will come; the first that says so says why."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def close(self) -> None:
        """Nothing more is taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _drop(self, partition: int) -> None:
        span = self._spans.pop(partition, None)
        if span is not None:
            self._size_bytes -= span.size_bytes
