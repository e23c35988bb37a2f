"""A topic of Kafka as a source: every message in the table once, or in that of dead letters.

Each partition is a sender of its own to the table, with the offset that is read next for its
number (``txn``), in the same commit as the rows. The table is asked where to begin, after a
restart, a rebalance or a failure, and never Kafka.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from neuralake.errors import NeuralakeError, SourceError
from neuralake.sources.kafka.cluster import Cluster, NoBrokerError
from neuralake.sources.kafka.inbox import Inbox, Span
from neuralake.sources.kafka.lanes import Lanes
from neuralake.sources.kafka.options import KafkaOptions, Security
from neuralake.sources.kafka.payload import open_decoder
from neuralake.sources.kafka.positions import Positions, TopicFacts
from neuralake.sources.kafka.reader import Reader
from neuralake.sources.kafka.reading import Letter, Reading
from neuralake.sources.kafka.sink import Sink
from neuralake.sources.source import Delivery

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_INBOX_BYTES = 64 << 20
_RETRY_S = 0.5


class KafkaSource:
    """Messages of one topic.

    Parameters
    ----------
    options
        Which, and from where on.
    security
        What lets in.
    group
        Of consumers, where the options name none.
    sink
        The table.

    Raises
    ------
    SourceError
        If no broker answers, there is no such topic, or a setting is none.
    """

    address: str | None = None
    is_repeatable = True

    def __init__(self, options: KafkaOptions, security: Security, group: str, sink: Sink) -> None:
        check_kafka_extra()
        self._sink = sink
        self._stopped = threading.Event()
        decoder = open_decoder(options, security, sink.schema, sink.tell, self._stopped)
        self._reading = Reading(decoder, sink.fit, sink.schema)
        self._inbox = Inbox(_INBOX_BYTES)
        self._lanes = Lanes()
        self._reader: Reader | None = None
        self._options = options
        self._cluster = Cluster(options, security, options.group or group, self._hear)
        self._topic: TopicFacts | None = None
        self.rejected = 0
        try:
            self._topic = self._cluster.topic()
        except NoBrokerError as error:
            if not options.was_reached:
                raise
            sink.tell(f"{error}; it is tried until one does")

    @property
    def gauges(self) -> Mapping[str, float]:
        """What is to be told of it now."""
        lag = None if self._reader is None else self._reader.lag
        return {} if lag is None else {"lag_messages": lag}

    def batches(self) -> Iterator[Delivery]:
        """Rows of consecutive messages of a partition, until it is closed.

        Raises
        ------
        SourceError
            If messages are gone that were never read, or the topic is.
        """
        topic = self._topic or self._find_topic()
        if topic is None:
            return
        cluster = self._cluster
        positions = Positions(topic, self._options, cluster.watermarks, cluster.at_time)
        self._reader = Reader(cluster, topic, positions, self._inbox, self._lanes, self._sink)
        thread = threading.Thread(target=self._reader.run, name="kafka")
        thread.start()
        try:
            while not self._stopped.is_set() and (span := self._inbox.take()) is not None:
                yield from self._deliveries(topic, span)
        finally:
            self._reader.stop()
            thread.join()

    def close(self) -> None:
        """Read nothing more, from any thread."""
        self._stopped.set()
        self._inbox.close()
        if self._reader is not None:
            self._reader.stop()

    def _hear(self, error: KafkaError) -> None:
        if self._reader is not None:
            self._reader.hear(error)

    def _find_topic(self) -> TopicFacts | None:
        while not self._stopped.is_set():
            try:
                return self._cluster.topic()
            except NoBrokerError:
                self._stopped.wait(_RETRY_S)
        return None

    def _deliveries(self, topic: TopicFacts, span: Span) -> Iterator[Delivery]:
        lanes, partition = self._lanes, span.partition
        if not lanes.is_current(partition, span.generation):
            if not span.messages:  # where a partition begins that is somebody else's to read
                rows, _ = self._reading.read([], {})
                yield Delivery(
                    rows, application=topic.application(partition), sequence=span.position
                )
            return
        lane = lanes.lane(partition)
        for part in _parts(span, lane.careful_until):
            begun_ns = time.monotonic_ns()
            rows, letters = self._reading.read(part.messages, lane.refused)
            if letters and not self._put_aside(lane.application, letters):
                return
            whole = Delivery(rows, received_ns=part.received_ns, begun_ns=begun_ns)
            delivery = lanes.hand_out(lane, part.generation, part.position, whole)
            if delivery is None:
                return
            yield delivery

    def _put_aside(self, application: str, letters: list[Letter]) -> bool:
        """Keep letters, however long that takes; False if it is stopped before."""
        told = ""
        while not self._stopped.is_set():
            try:
                new = self._sink.put_aside(application, letters)
            except NeuralakeError as error:
                if error.remedy not in ("now", "later"):
                    raise
                if str(error) != told:
                    told = str(error)
                    self._sink.tell(f"{error}; it is tried again until that is over")
                self._stopped.wait(_RETRY_S)
            else:
                self.rejected += new
                return True
        return False


def check_kafka_extra() -> None:
    """Refuse to read Kafka without the package that does.

    Raises
    ------
    SourceError
        With the line that installs it.
    """
    from importlib.util import find_spec

    if find_spec("confluent_kafka") is None:
        raise SourceError(
            "Kafka is read by confluent-kafka, which is not installed: "
            "pip install 'neuralake-bench[kafka]'"
        )


def _parts(span: Span, careful_until: int) -> Iterator[Span]:
    """A span, or its messages one by one as far as one of them has been refused."""
    messages = span.messages
    if not messages or (messages[0].offset() or 0) >= careful_until:
        yield span
        return
    now_ns = time.monotonic_ns()
    careful = [m for m in messages if (m.offset() or 0) < careful_until]
    for message in careful:
        position = (message.offset() or 0) + 1
        yield Span(span.partition, span.generation, [message], position, 0, now_ns)
    if len(careful) < len(messages):
        rest = messages[len(careful) :]
        yield Span(span.partition, span.generation, rest, span.position, 0, now_ns)
