"""The producers: each record is sent as soon as its batch is due, whatever became of those before.

Runs in a worker (:mod:`neuralake.measure.worker`), which is spawned for each round. A batch is due
a linger after its first record; it takes all records of its block that are due by then. What delays
it, such as a writer that takes nothing, delays no record that comes later: those are in the next
batch, and all of them count from their own moments.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neuralake.garbage import collect_seldom
from neuralake.results.freshness.records import Load
from neuralake.results.freshness.samples import BATCHES
from neuralake.results.parts import Part, PartWriter
from neuralake.storage import one_line
from neuralake.workloads.freshness.blocks import Block, blocks_ahead
from neuralake.workloads.freshness.events import Events
from neuralake.workloads.freshness.moments import Records
from neuralake.workloads.freshness.senders.protocol import Acknowledge, Sender
from neuralake.workloads.schedule import Clock, MonotonicClock

_S = 1_000_000_000
P = TypeVar("P")


@dataclass(frozen=True)
class ProducerTask:
    """What the producers are to do.

    Attributes
    ----------
    load, rate
        What is offered.
    address
        Where records are sent to.
    table
        Its name there.
    samples, stem
        Directory of part files, and the beginning of their names.
    timeout_s
        How long the last batches may take.
    """

    load: Load
    rate: float
    address: str
    table: str
    samples: Path
    stem: str
    timeout_s: float


@dataclass(frozen=True)
class Produced:
    """What was sent.

    Attributes
    ----------
    part
        Samples.
    sent, acknowledged
        How many records of each producer.
    late_ns
        As of :class:`neuralake.results.freshness.records.Round`.
    message
        Why not all were acknowledged.
    """

    part: Part
    sent: tuple[int, ...]
    acknowledged: tuple[int, ...]
    late_ns: int
    message: str | None


@dataclass
class Sent:
    """What one producer has sent, and what was acknowledged of it; safe for two threads.

    Attributes
    ----------
    producer
        Its number.
    """

    producer: int
    batches: list[tuple[int, int, int, int]] = field(default_factory=list)
    answers: list[tuple[int, int | None]] = field(default_factory=list)
    late_ns: int = 0

    def note(self, first: int, records: int, due_ns: int, sent_ns: int, late_ns: int) -> None:
        """A batch is about to be sent."""
        self.batches.append((first, records, due_ns, sent_ns))
        self.late_ns = max(self.late_ns, late_ns)

    def acknowledge(self, at_ns: int, version: int | None) -> None:
        """The next batch is durable."""
        self.answers.append((at_ns, version))

    @property
    def records(self) -> tuple[int, int]:
        """How many were sent, and how many acknowledged."""
        counts = [records for _, records, *_ in self.batches]
        return sum(counts), sum(counts[: len(self.answers)])

    def rows(self) -> Sequence[tuple[int | None, ...]]:
        """Rows of ``BATCHES``."""
        unanswered = [(None, None)] * (len(self.batches) - len(self.answers))
        pairs = zip(self.batches, [*self.answers, *unanswered], strict=True)
        return [(self.producer, *batch, *answer) for batch, answer in pairs]


def produce(
    clock: Clock,
    start_ns: int,
    blocks: Iterable[Block[P]],
    linger_ns: int,
    sent: Sent,
    sender: Sender[P],
) -> None:
    """Send the records of a producer, each batch when it is due.

    Parameters
    ----------
    clock, start_ns
        Of the machine, and its reading at the moment 0.
    blocks
        Of the records, in their order.
    linger_ns
        How long a batch waits for further records.
    sent
        Where it is noted.
    sender
        What sends.
    """
    for block in blocks:
        place = 0
        while place < block.due_ns.size:
            ahead = block.due_ns[place:]
            batch_due_ns = int(ahead[0]) + linger_ns
            clock.sleep_until(start_ns + batch_due_ns)
            now_ns = clock.now_ns() - start_ns
            ready = max(int(np.searchsorted(ahead, now_ns, side="right")), 1)
            first, late_ns = block.first + place, now_ns - batch_due_ns
            sent.note(first, ready, int(ahead[0]), now_ns, late_ns)
            sender.send(block.prepared, place, place + ready)
            place += ready


class ProducingProcess:
    """The object in the worker."""

    def prepare(self, task: ProducerTask) -> None:
        """Make the records, and connect."""
        from neuralake.workloads.freshness.senders.registry import open_senders

        self._task, self._clock, self._start_ns = task, MonotonicClock(), 0
        self._records, self._events = Records(task.load, task.rate), Events(task.load.seed)
        self._sent = [Sent(producer) for producer in range(task.load.producers)]
        self._senders = open_senders(
            task.load.source, task.address, task.table, [self._noting(s) for s in self._sent]
        )

    def produce(self, start_ns: int) -> Produced:
        """Send everything, and wait until it is acknowledged.

        Parameters
        ----------
        start_ns
            Reading of the monotonic clock at the moment 0.
        """
        collect_seldom()
        self._start_ns = start_ns
        self._events.start_us = (time.time_ns() - time.monotonic_ns() + start_ns) // 1000
        failures: list[str] = []
        pairs = zip(self._sent, self._senders, strict=True)
        threads = [threading.Thread(target=self._run, args=(*pair, failures)) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        part = PartWriter(self._task.samples, f"{self._task.stem}-batches", BATCHES)
        for sent in self._sent:
            part.write(sent.rows())
        counts = [sent.records for sent in self._sent]
        return Produced(
            part=part.finish(),
            sent=tuple(all_ for all_, _ in counts),
            acknowledged=tuple(durable for _, durable in counts),
            late_ns=max(sent.late_ns for sent in self._sent),
            message=failures[0] if failures else None,
        )

    def close(self) -> None:
        """Nothing is held that does not end with the process."""

    def _noting(self, sent: Sent) -> Acknowledge:
        def acknowledge(version: int | None) -> None:
            sent.acknowledge(self._clock.now_ns() - self._start_ns, version)

        return acknowledge

    def _run(self, sent: Sent, sender: Sender[Any], failures: list[str]) -> None:
        task = self._task
        linger_ns = round(task.load.linger_s * _S)
        said = None
        try:
            blocks = blocks_ahead(self._records, self._events, sent.producer, sender)
            produce(self._clock, self._start_ns, blocks, linger_ns, sent, sender)
        except Exception as error:  # noqa: BLE001 (whatever a client raises when its server ends)
            said = one_line(error, {})
        told = sender.finish(task.timeout_s)
        if told or said:
            failures.append(told or said or "")
