"""Sends events at the moments at which they are meant to happen: an open loop.

A slow broker is not offered less, as it would be by a producer that waits for its answers. What
is sent later than it was meant is counted, and each event carries the moment that was meant, so
that whoever reads it measures from there.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from neuralake.broker.errors import BrokerError
from neuralake.broker.events import EventRows

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

Arrivals: TypeAlias = Literal["constant", "poisson"]
_S = 1_000_000_000
_BLOCK_ROWS = 5000
_BLOCKS_A_SECOND = 20
_AHEAD_S = 1
_TICK_S = 0.001  # the shortest sleep: events of one tick are handed over together
_LONGEST_SLEEP_S = 0.1  # so that one that is stopped ends
_FLUSH_S = 60.0
_REACH_S = 30.0
# A broker answers the requests of a connection one after another: what it is not ready for waits
# here, and is put together into fewer and larger ones
_IN_FLIGHT = 5
_WAIT_FOR_ROOM_S = 0.01
# An event is there at most once: what the broker has not acknowledged counts as failed, and is not
# sent again. Idempotence would be the other way, for twice the client's CPU time.
_AT_MOST_ONCE = {"acks": "all", "retries": 0}


@dataclass(frozen=True)
class Produced:
    """What became of the events of a producer.

    Attributes
    ----------
    sent
        Events that the broker has acknowledged: those of the numbers from 0 on.
    failed
        Events that it has not.
    late
        Events that were handed over more than ``late_ns`` after their moment.
    latest_ns
        The longest that one was handed over after its moment.
    start_ns
        Moment of the first, in nanoseconds since 1970.
    elapsed_s
        From the first until the last was acknowledged.
    """

    sent: int
    failed: int
    late: int
    latest_ns: int
    start_ns: int
    elapsed_s: float


class EventProducer:
    """Sends events to a topic at their moments; one run.

    Parameters
    ----------
    brokers
        ``host:port``, several with commas between them.
    topic
        Which is there already.
    rate
        Events a second, on average.
    arrivals
        ``constant``: at even distances. ``poisson``: independent of one another, the distances
        exponential.
    seed
        Of the random distances.
    late_ns
        After how much an event counts as late.
    settings
        Of librdkafka, besides or in place of its own: ``linger.ms`` is 1, ``acks`` all, ``retries``
        0. With ``enable.idempotence`` what is not acknowledged is sent again, and there once.

    Raises
    ------
    BrokerError
        If a setting is none.

    Examples
    --------
    >>> producer = EventProducer("127.0.0.1:9092", "events", rate=1000)
    >>> producer.run(seconds=10).sent
    10000
    """

    def __init__(
        self,
        brokers: str,
        topic: str,
        *,
        rate: float,
        arrivals: Arrivals = "constant",
        seed: int = 0,
        late_ns: int = 2_000_000,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        from confluent_kafka import KafkaException, Producer

        self._brokers = brokers
        self._topic = topic
        self._rate = rate
        self._arrivals = arrivals
        self._seed = seed
        self._late_ns = late_ns
        self._stopped = threading.Event()
        self._failures: list[KafkaError] = []
        self._handed_over = self._late = self._latest_ns = 0
        own: dict[str, Any] = {
            "bootstrap.servers": brokers,
            "linger.ms": 1,
            "max.in.flight.requests.per.connection": _IN_FLIGHT,
            "log_level": 0,
            "queue.buffering.max.messages": 2_000_000,
            "delivery.report.only.error": True,
            "on_delivery": self._hear,
            **_AT_MOST_ONCE,
        }
        try:
            self._producer: Producer = Producer(own | dict(settings or {}))
        except KafkaException as error:
            raise BrokerError(f"no producer: {error.args[0].str()}") from error

    @property
    def handed_over(self) -> int:
        """Events that were due and were given to the client, so far."""
        return self._handed_over

    @property
    def late(self) -> int:
        """Those of them that were late."""
        return self._late

    def stop(self) -> None:
        """Send nothing more, from any thread; ``run`` returns once all is acknowledged."""
        self._stopped.set()

    def run(self, *, seconds: float | None = None, rows: int | None = None) -> Produced:
        """Send events for so long, or so many, or until it is stopped.

        Raises
        ------
        BrokerError
            If no broker answers, it has no such topic, or the client refuses an event.
        """
        most = rows if seconds is None else min(rows or 2**63, round(seconds * self._rate))
        blocks: queue.Queue[_Block] = queue.Queue(_BLOCKS_A_SECOND * _AHEAD_S)
        self._warm_up()
        start_ns = time.monotonic_ns() + _S // 10  # when the first blocks are there
        epoch_ns = time.time_ns() - time.monotonic_ns()  # for all: no step of the clock within
        maker = threading.Thread(
            target=self._make, args=(blocks, epoch_ns + start_ns, most), daemon=True
        )
        maker.start()
        try:
            while not self._stopped.is_set() and (block := blocks.get()).lines:
                self._send(block, start_ns)
        finally:
            self._stopped.set()
            left = self._producer.flush(_FLUSH_S)
        failed = len(self._failures) + left
        return Produced(
            sent=self._handed_over - failed,
            failed=failed,
            late=self._late,
            latest_ns=self._latest_ns,
            start_ns=epoch_ns + start_ns,
            elapsed_s=(time.monotonic_ns() - start_ns) / _S,
        )

    def _warm_up(self) -> None:
        """Reach the broker, and load what makes the rows."""
        from confluent_kafka import KafkaException

        EventRows().lines(0, np.zeros(1, np.int64))
        try:
            found = self._producer.list_topics(self._topic, timeout=_REACH_S)
        except KafkaException as error:
            raise BrokerError(f"no broker answers at {self._brokers}") from error
        fault = found.topics[self._topic].error
        if fault is not None:
            raise BrokerError(f"topic {self._topic} at {self._brokers}: {fault.str()}")

    def _make(self, blocks: queue.Queue[_Block], origin_ns: int, most: int | None) -> None:
        """Put blocks into a queue, ahead of their moments, then an empty one."""
        rows, first = EventRows(), 0
        for offsets_ns in self._offsets():
            wanted = offsets_ns if most is None else offsets_ns[: max(0, most - first)]
            lines = rows.lines(first, wanted + origin_ns)
            first += len(lines)
            block = _Block(wanted, lines)
            while True:
                try:
                    blocks.put(block, timeout=0.1)
                    break
                except queue.Full:
                    if self._stopped.is_set():
                        return
            if not lines:
                return

    def _offsets(self) -> Iterator[npt.NDArray[np.int64]]:
        """Moments in nanoseconds from the start, without end, in arrays of shape (rows,)."""
        distance_ns = _S / self._rate
        size = max(1, min(_BLOCK_ROWS, round(self._rate / _BLOCKS_A_SECOND)))
        if self._arrivals == "constant":
            for block in count():
                numbers = np.arange(block * size, (block + 1) * size, dtype=np.int64)
                yield np.rint(numbers * distance_ns).astype(np.int64)
        random, at = np.random.default_rng((self._seed, 0xA221)), 0.0
        while True:
            moments = at + np.cumsum(random.exponential(distance_ns, size))
            yield np.rint(moments).astype(np.int64)
            at = float(moments[-1])

    def _send(self, block: _Block, start_ns: int) -> None:
        """Hand over each event of a block once its moment has come."""
        sent, size = 0, len(block.lines)
        while sent < size and not self._stopped.is_set():
            now_ns = time.monotonic_ns() - start_ns
            due = int(np.searchsorted(block.offsets_ns, now_ns, "right"))
            if due > sent:
                self._hand_over(block.lines[sent:due])
                self._count(now_ns - block.offsets_ns[sent:due])
                sent = due
                continue
            self._producer.poll(0)
            left_s = (int(block.offsets_ns[sent]) - now_ns) / _S
            time.sleep(min(max(left_s, _TICK_S), _LONGEST_SLEEP_S))

    def _count(self, lateness_ns: npt.NDArray[np.int64]) -> None:
        self._handed_over += len(lateness_ns)
        self._latest_ns = max(self._latest_ns, int(lateness_ns[0]))
        self._late += int(np.count_nonzero(lateness_ns > self._late_ns))

    def _hand_over(self, lines: list[bytes]) -> None:
        """Queue some events, waiting for room where the client's queue is full."""
        from confluent_kafka import KafkaException

        produce, topic = self._producer.produce, self._topic
        for line in lines:
            while True:
                try:
                    produce(topic, line)
                    break
                except BufferError:
                    self._producer.poll(_WAIT_FOR_ROOM_S)
                except KafkaException as error:
                    raise BrokerError(f"an event is refused: {error.args[0].str()}") from error

    def _hear(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failures.append(error)


@dataclass(frozen=True, eq=False)
class _Block:
    """Events with their moments, in nanoseconds from the start."""

    offsets_ns: npt.NDArray[np.int64]
    lines: list[bytes]
