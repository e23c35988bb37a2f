"""Brokers: how they are reached, and what they tell of a topic.

Source: librdkafka, CONFIGURATION.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from neuralake.errors import SourceError
from neuralake.sources.kafka.options import INSTANCE, KafkaOptions, Security, variable_of
from neuralake.sources.kafka.positions import TopicFacts, Watermarks

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, TopicPartition
    from confluent_kafka.admin import AdminClient

REACH_S = 20.0
_ANSWER_S = 10.0
_URL_SAFE = str.maketrans("+/", "-_")
_READING = {
    "client.id": "neuralake",
    "enable.auto.commit": False,  # the table's commits count, and Kafka is told of them
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",  # what is gone is said
    "isolation.level": "read_committed",
    "partition.assignment.strategy": "cooperative-sticky",
    # a writer that was killed is missed after so long, and its partitions go to others
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 1500,
    # what has come is answered at once: the reader puts together what is much
    "fetch.wait.max.ms": 100,
    "fetch.min.bytes": 1,
    "fetch.error.backoff.ms": 100,
    "fetch.queue.backoff.ms": 10,
    "queued.max.messages.kbytes": 32768,
    "reconnect.backoff.max.ms": 1000,
    "topic.metadata.refresh.interval.ms": 10_000,  # new partitions are noticed
    "allow.auto.create.topics": False,
    "log_level": 0,
}


class Cluster:
    """The brokers of a topic.

    Parameters
    ----------
    options
        Which topic, and who reads it.
    security
        What lets in.
    group
        Of consumers.
    hear
        Told of what troubles the client.

    Raises
    ------
    SourceError
        If a setting is none.
    """

    def __init__(
        self,
        options: KafkaOptions,
        security: Security,
        group: str,
        hear: Callable[[KafkaError], None],
    ) -> None:
        from confluent_kafka import Consumer, KafkaException
        from confluent_kafka.admin import AdminClient

        self._options = options
        self._told = hear
        self._last_heard = ""
        servers = {"bootstrap.servers": options.address.servers}
        reading: dict[str, Any] = {
            **_READING,
            **servers,
            **security.settings,
            **security.membership,
            "group.id": group,
            "error_cb": self._hear,
            "on_commit": self._hear_of_commit,
        }
        asking: dict[str, Any] = {
            **servers,
            **security.settings,
            "log_level": 0,
            "error_cb": self._hear,
        }
        try:
            self.consumer: Consumer = Consumer(reading)
            self._admin: AdminClient = AdminClient(asking)
        except KafkaException as error:
            raise SourceError(f"Kafka's client refuses a setting: {words(error)}") from error

    def topic(self) -> TopicFacts:
        """The topic.

        Raises
        ------
        SourceError
            If no broker answers, or there is no such topic.
        """
        from confluent_kafka import KafkaException

        name, servers = self._options.address.topic, self._options.address.servers
        try:
            found = self.ask().result(REACH_S)
        except (KafkaException, TimeoutError) as error:
            if is_unknown_topic(error.args[0] if error.args else None):
                raise SourceError(
                    f"there is no topic {name} at {servers}: make it, or name another"
                ) from error
            reason = self._last_heard or words(error)
            raise NoBrokerError(f"no broker answers at {servers}: {reason}") from error
        return self.facts(found)

    def ask(self) -> Future[Any]:
        """Ask for what :meth:`facts` reads."""
        from confluent_kafka import TopicCollection

        name = self._options.address.topic
        topics = TopicCollection([name])
        asked: Mapping[str, Future[Any]] = self._admin.describe_topics(
            topics, request_timeout=REACH_S
        )
        return asked[name]

    def _hear(self, error: KafkaError) -> None:
        self._last_heard = str(error.str())
        self._told(error)

    def _hear_of_commit(self, error: KafkaError | None, _: object) -> None:
        """What becomes of a commit for which nobody waits."""
        if error is not None and refusal_of(error) is not None:
            self._hear(error)

    @staticmethod
    def facts(description: Any) -> TopicFacts:
        """A topic as it was described."""
        partitions = tuple(sorted(partition.id for partition in description.partitions))
        # as Kafka writes it: the client has the alphabet of base64 with a slash in it
        name = str(description.topic_id).translate(_URL_SAFE)
        return TopicFacts(description.name, name, partitions)

    def watermarks(self, partition: int) -> Watermarks:
        """The offsets that a partition has now.

        Raises
        ------
        KafkaException
            If no broker answers.
        """
        low, high = self.consumer.get_watermark_offsets(self.place(partition), timeout=_ANSWER_S)
        return Watermarks(low, high)

    def known_high(self, partition: int) -> int | None:
        """The end of a partition as the last answer had it."""
        _, high = self.consumer.get_watermark_offsets(self.place(partition), cached=True)
        return high if high >= 0 else None

    def at_time(self, partition: int, moment_ms: int) -> int | None:
        """The first offset of a moment or later; None if there is none.

        Raises
        ------
        KafkaException
            If no broker answers.
        """
        asked = [self.place(partition, moment_ms)]
        [found] = self.consumer.offsets_for_times(asked, timeout=_ANSWER_S)
        return found.offset if found.offset >= 0 else None

    def move(self, partition: int, offset: int) -> None:
        """Read a partition that is ours from an offset on."""
        from confluent_kafka import KafkaException

        place = self.place(partition, offset)
        try:
            self.consumer.seek(place)
        except KafkaException:  # it is not read any more: the offset before was gone
            self.consumer.incremental_unassign([place])
            self.consumer.incremental_assign([place])

    def place(self, partition: int, offset: int | None = None) -> TopicPartition:
        """A partition, or an offset of it, as the client takes it."""
        from confluent_kafka import OFFSET_INVALID, TopicPartition

        topic = self._options.address.topic
        return TopicPartition(topic, partition, OFFSET_INVALID if offset is None else offset)


class NoBrokerError(SourceError):
    """No broker answers; one may later."""

    remedy = "later"


class FencedError(SourceError):
    """Another reader has this one's place in the group, by the same name for it.

    A process that is started again may have it back: brokers that were killed can have forgotten
    who had it last. Of two that live, the one that was there first is the first to have died too
    often.
    """

    exit_status = 70  # which a supervisor starts again, a few times


def words(error: BaseException) -> str:
    """What an error of the client says."""
    from confluent_kafka import KafkaError

    first = error.args[0] if error.args else None
    if isinstance(first, KafkaError):
        return str(first.str())
    return str(error) or type(error).__name__


def refusal_of(error: KafkaError) -> SourceError | None:
    """Why nothing more comes after an error; None if something may.

    Parameters
    ----------
    error
        Of the client. One that was fenced off is told so by a message whose error does not call
        itself fatal, or by the answer to a commit.
    """
    from confluent_kafka import KafkaError as Kafka

    fenced = (Kafka._FATAL, Kafka._FENCED, Kafka.FENCED_INSTANCE_ID)
    if error.fatal() or error.code() in fenced:
        return FencedError(
            "another reader took this one's place in the group by the same name: give each its own "
            f"{variable_of(INSTANCE)} ({error.str()})"
        )
    refused = (
        Kafka._AUTHENTICATION,
        Kafka.SASL_AUTHENTICATION_FAILED,
        Kafka.TOPIC_AUTHORIZATION_FAILED,
        Kafka.GROUP_AUTHORIZATION_FAILED,
    )
    return SourceError(f"Kafka refuses: {error.str()}") if error.code() in refused else None


def is_unknown_topic(error: Any) -> bool:
    """Whether an error of the client says that there is no such topic."""
    from confluent_kafka import KafkaError

    return isinstance(error, KafkaError) and error.code() in (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,
    )
