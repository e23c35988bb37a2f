"""Records in blocks, made ready before they are due: nothing of that is in a latency."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from neuralake.workloads.freshness.events import MOST_AT_ONCE, Events
from neuralake.workloads.freshness.moments import Moments, Records
from neuralake.workloads.freshness.senders.protocol import Sender

P = TypeVar("P")
_AHEAD = 20
_BLOCKS_A_SECOND = 20
_MOST_RECORDS = 5000


@dataclass(frozen=True, eq=False)
class Block(Generic[P]):
    """Records in a row of one producer.

    Attributes
    ----------
    first
        Number of the first.
    due_ns
        When each is due, of shape (n,).
    prepared
        As its sender takes them.
    """

    first: int
    due_ns: Moments
    prepared: P


def blocks_ahead(
    records: Records, events: Events, producer: int, sender: Sender[P]
) -> Iterator[Block[P]]:
    """All records of a producer, in blocks that a thread makes some time before they are taken.

    Raises
    ------
    Exception
        What preparing them has raised.
    """
    made: queue.Queue[Block[P] | Exception | None] = queue.Queue(_AHEAD)
    count = records.of_producer(producer)
    rate = count / max(records.spans.loaded_ns / 1e9, 1e-9)
    size = min(max(round(rate / _BLOCKS_A_SECOND), 1), _MOST_RECORDS, MOST_AT_ONCE)

    def make() -> None:
        try:
            for first in range(0, count, size):
                due_ns = records.due_ns(producer, first, min(first + size, count))
                batch = events.batch(producer, first, due_ns)
                made.put(Block(first, due_ns, sender.prepare(batch)))
        except Exception as error:  # noqa: BLE001 - raised where they are taken
            made.put(error)
        else:
            made.put(None)

    threading.Thread(target=make, daemon=True).start()
    while (block := made.get()) is not None:
        if isinstance(block, Exception):
            raise block
        yield block
