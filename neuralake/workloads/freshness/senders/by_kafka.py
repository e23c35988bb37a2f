"""Through Kafka: lines of JSON to one partition a producer, acknowledged by the broker.

Only the last message of a batch is asked for its delivery: those of a partition are delivered in
their order. One that is lost nevertheless shifts all offsets after it, and is missing in the table,
where every answer and the end of the round would tell of it.
"""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from neuralake.workloads.freshness.senders.protocol import Acknowledge

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

_POLL_S = 0.005
_ROOM_S = 0.001
# As of neuralake.broker.producer: what is not acknowledged is not sent again
_SETTINGS = {
    "acks": "all",
    "retries": 0,
    "linger.ms": 1,
    "log_level": 0,
    "queue.buffering.max.messages": 2_000_000,
}


class KafkaClient:
    """A client that all producers of a process share, and the thread that hears of deliveries.

    Parameters
    ----------
    brokers
        ``host:port``, several with commas between them.
    """

    def __init__(self, brokers: str) -> None:
        from confluent_kafka import Producer as Client

        self.producer: Producer = Client({"bootstrap.servers": brokers, **_SETTINGS})
        self._is_over = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Hear of nothing more."""
        self._is_over.set()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            self.producer.poll(_POLL_S)


class KafkaSender:
    """One producer's partition.

    Parameters
    ----------
    client
        Shared.
    topic
        Its name.
    partition
        Number of the partition, and of the producer.
    acknowledge
        Called for each batch that the broker has.
    """

    def __init__(
        self, client: KafkaClient, topic: str, partition: int, acknowledge: Acknowledge
    ) -> None:
        self._client, self._topic, self._partition = client, topic, partition
        self._acknowledge = acknowledge
        self._open = 0
        self._failure: str | None = None
        self._changed = threading.Condition()
        self._client.producer.list_topics(topic, timeout=10)  # it is connected

    def prepare(self, records: pa.RecordBatch) -> list[bytes]:
        """Each record as a JSON object: decimals are texts, times have their offset."""
        written = io.BytesIO()
        frame = pl.from_arrow(records)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - of a record batch
        frame.write_ndjson(written)
        return written.getvalue().splitlines()

    def send(self, prepared: list[bytes], first: int, end: int) -> None:
        """Queue the messages; waits for room where the client's queue is full."""
        with self._changed:
            self._open += 1
        for line in prepared[first : end - 1]:
            self._queue(line)
        self._queue(prepared[end - 1], on_delivery=self._hear)

    def finish(self, longest_s: float) -> str | None:
        """Wait until the broker has each batch."""
        self._client.producer.flush(longest_s)
        give_up_s = time.monotonic() + longest_s
        with self._changed:
            self._changed.wait_for(lambda: not self._open, give_up_s - time.monotonic())
            if self._failure is None and self._open:
                return f"the broker has not acknowledged each batch within {longest_s:g} s"
            return self._failure

    def _queue(self, line: bytes, **more: Any) -> None:
        produce = self._client.producer.produce
        while True:
            try:
                produce(self._topic, line, partition=self._partition, **more)
            except BufferError:
                time.sleep(_ROOM_S)
            else:
                return

    def _hear(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self._acknowledge(None)
        with self._changed:
            self._open -= 1
            if error is not None:
                self._failure = self._failure or f"a message was not delivered: {error.str()}"
            self._changed.notify_all()


def end_of(application: str, version: int) -> tuple[int, int] | None:
    """Producer, and up to where the table has its records: the writer notes the next offset."""
    words = application.split("/")
    if words[0] != "kafka" or not words[-1].isdecimal():
        return None
    return int(words[-1]), version
