"""The thread that reads a topic: it is never late to poll, whoever waits for whom.

It follows the group's rebalances, begins each partition where the table stands, pauses while too
much waits, reads again what was not committed, and tells Kafka how far the table is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import groupby
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar

from neuralake.errors import NeuralakeError, SourceError
from neuralake.sources.kafka.cluster import Cluster, is_unknown_topic, refusal_of, words
from neuralake.sources.kafka.inbox import Inbox, Span
from neuralake.sources.kafka.lanes import Lane, Lanes
from neuralake.sources.kafka.positions import Beginning, Positions, TopicFacts
from neuralake.sources.kafka.sink import Sink

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

T = TypeVar("T")

_PARTITION, _ERROR = methodcaller("partition"), methodcaller("error")
_MOST_MESSAGES = 50_000
_WAIT_S = 0.1  # for the first message, within which whoever stops it is noticed
_MANY = 200  # after so many at once it is worth to wait for more
_GATHER_S = 0.005
_TELL_KAFKA_S = 5.0
_CHECK_TOPIC_S = 10.0
_LOOK_S = 1.0  # between two looks at how far the brokers are ahead
_SETTLE_S = 10.0  # how long what is under way may take when a partition is given up
_RETRY_S = 0.5


class Reader:
    """Reads a topic into an inbox, in a thread of its own.

    Parameters
    ----------
    cluster
        Where the topic is.
    topic
        The topic as it was when it was found.
    positions
        What says where its partitions begin.
    inbox
        What messages are put into.
    lanes
        The partitions.
    sink
        What is asked where the table stands.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: TopicFacts,
        positions: Positions,
        inbox: Inbox,
        lanes: Lanes,
        sink: Sink,
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._positions = positions
        self._inbox = inbox
        self._lanes = lanes
        self._sink = sink
        self._stopped = threading.Event()
        self._troubles: set[str] = set()
        self._paused: set[int] = set()
        self._is_halted = False
        self._due: dict[int, float] = {}  # when a partition that failed is read again
        self._last_count = 0
        self._looked_s = self._told_s = self._checked_s = time.monotonic()
        self._told: dict[int, int] = {}
        self._question: Future[Any] | None = None
        self.lag: int | None = None  # messages that the table does not have

    def stop(self) -> None:
        """Come to an end, from any thread."""
        self._stopped.set()

    def hear(self, error: KafkaError) -> None:
        """Take note of what troubles the client."""
        from confluent_kafka import KafkaError as Kafka

        if (refusal := refusal_of(error)) is not None:
            self._inbox.fail(refusal)
            self.stop()
        elif error.code() == Kafka._ALL_BROKERS_DOWN:
            self._trouble("no broker answers; it is tried until one does")

    def run(self) -> None:
        """Read until it is stopped; what ends it is told to the inbox."""
        consumer = self._cluster.consumer
        try:
            consumer.subscribe(
                [self._topic.name],
                on_assign=self._assign,
                on_revoke=self._revoke,
                on_lost=self._lose,
            )
            while not self._stopped.is_set():
                self._begin_anew_what_failed()
                self._hold_back()
                self._take(self._poll(consumer))
                self._now_and_then()
        except BaseException as error:  # noqa: BLE001 - raised where rows are taken
            self._inbox.fail(error)
        finally:
            self._leave(consumer)

    def _poll(self, consumer: Consumer) -> list[Message]:
        """What has come: one message is waited for, and more only where there are many."""
        first = consumer.poll(0.005 if self._due or self._is_halted else _WAIT_S)
        if first is None:
            self._last_count = 0
            return []
        gather_s = _GATHER_S if self._last_count >= _MANY else 0
        messages = [first, *consumer.consume(_MOST_MESSAGES, gather_s)]
        self._last_count = len(messages)
        return messages

    def _take(self, messages: Sequence[Message]) -> None:
        """Sort messages by their partitions; errors come among them."""
        found: dict[int, list[Message]] = {}
        # in C as far as that goes: this is done for each message
        for partition, run in groupby(messages, _PARTITION):
            several = list(run)
            if any(map(_ERROR, several)):
                before = self._lanes.generation(partition)
                for message in several:
                    if (error := message.error()) is not None:
                        self._look_into(error, partition)
                if self._lanes.generation(partition) != before:  # they are read once more
                    found.pop(partition or 0, None)
                    continue
                several = [message for message in several if message.error() is None]
            if several and partition is not None:
                found.setdefault(partition, []).extend(several)
        if not found:
            return
        self._relieve()
        self._inbox.put([self._span(*pair) for pair in found.items()])

    def _span(self, partition: int, messages: list[Message]) -> Span:
        return Span(
            partition,
            self._lanes.lane(partition).generation,
            messages,
            position=messages[-1].offset() + 1,  # type: ignore[operator]
            size_bytes=sum(map(len, messages)),
        )

    def _look_into(self, error: KafkaError, partition: int | None) -> None:
        from confluent_kafka import KafkaError as Kafka

        if error.code() == Kafka._AUTO_OFFSET_RESET and partition is not None:
            self._check_topic(self._patiently(lambda: self._cluster.ask().result(_SETTLE_S)))
            self._begin_anew(self._lanes.lane(partition))
        elif is_unknown_topic(error):
            self._check_topic(self._patiently(lambda: self._cluster.ask().result(_SETTLE_S)))
        else:
            self.hear(error)
            if error.code() == Kafka.INCONSISTENT_GROUP_PROTOCOL:
                self._trouble(
                    "others of its group share partitions in another way than cooperative-sticky: "
                    "it reads nothing until they leave; --group names another group"
                )

    # what becomes of partitions

    def _assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Begin partitions that are ours from now on."""
        partitions = [place.partition for place in places]
        found = self._patiently(lambda: self._positions.find(partitions, self._known()))
        if found is None:  # it is stopped
            return
        # where all others begin, too, if the table has nothing of the topic yet
        new = [n for n in found if n in partitions or not self._lanes.has(n)]
        self._inbox.put([self._begin(n, found[n], is_assigned=n in partitions) for n in new])
        consumer.incremental_assign(
            [self._cluster.place(number, found[number].position) for number in partitions]
        )
        if self._is_halted:
            self._pause(partitions)

    def _known(self) -> dict[str, int]:
        """Where the table stands, and where else partitions will begin that were seen before."""
        known = self._lanes.known()
        for application, position in self._sink.committed().items():
            known[application] = max(position, known.get(application, 0))
        return known

    def _begin(self, partition: int, beginning: Beginning, *, is_assigned: bool) -> Span:
        """The partition's new generation; its first span tells the table where it begins."""
        self._say_what_is_skipped(partition, beginning)
        lane = self._lanes.begin(
            partition,
            self._topic.application(partition),
            beginning.position,
            is_assigned=is_assigned,
        )
        return Span(partition, lane.generation, [], beginning.position, 0)

    def _revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Give partitions up, once what is under way is in the table: the next one begins there."""
        self._lose(consumer, places)
        self._tell_kafka(consumer, is_last=True)

    def _lose(self, _: Consumer, places: list[TopicPartition]) -> None:
        """Partitions are somebody else's; what is under way may be committed still, and once."""
        partitions = [place.partition for place in places]
        self._lanes.release(partitions)
        for partition in partitions:
            self._inbox.drop(partition)
            self._paused.discard(partition)
            self._due.pop(partition, None)
        self._lanes.wait_until_settled(_SETTLE_S, partitions)

    def _begin_anew_what_failed(self) -> None:
        """Read again what was not committed, after a while where that may help."""
        now_s = time.monotonic()
        for lane in self._lanes.failed():
            error = lane.error
            if not isinstance(error, NeuralakeError) or error.remedy == "none":
                raise error or AssertionError
            if lane.partition not in self._due:
                self._due[lane.partition] = now_s + lane.pause_s
                self._pause([lane.partition])
                if error.remedy == "later":
                    self._trouble(f"{error}; it is tried again until that is over")
            if self._due[lane.partition] <= now_s:
                self._begin_anew(lane)

    def _begin_anew(self, lane: Lane) -> None:
        """Read a partition from where the table stands."""

        def find() -> Beginning:
            return self._positions.follow(lane.partition, self._known()[lane.application])

        found = self._patiently(find)
        if found is None:
            return
        self._say_what_is_skipped(lane.partition, found)
        self._lanes.begin(lane.partition, lane.application, found.position, is_assigned=True)
        self._inbox.drop(lane.partition)
        self._cluster.move(lane.partition, found.position)
        self._due.pop(lane.partition, None)
        if not self._is_halted:
            self._resume([lane.partition])

    def _say_what_is_skipped(self, partition: int, beginning: Beginning) -> None:
        if beginning.skipped:
            self._sink.tell(
                f"{self._topic.name}, partition {partition}: {beginning.skipped} offsets were "
                f"deleted before they were read, and are skipped; it goes on at offset "
                f"{beginning.position}"
            )

    # how much is read

    def _hold_back(self) -> None:
        """Read nothing while too much waits, and go on polling."""
        if not self._is_halted and self._inbox.is_full:
            self._is_halted = True
            self._pause([lane.partition for lane in self._lanes.assigned()])
        elif self._is_halted and self._inbox.has_room:
            self._is_halted = False
            self._resume([p for p in self._paused if p not in self._due])

    def _pause(self, partitions: Sequence[int]) -> None:
        new = [partition for partition in partitions if partition not in self._paused]
        if new:
            self._paused.update(new)
            self._cluster.consumer.pause([self._cluster.place(partition) for partition in new])

    def _resume(self, partitions: Sequence[int]) -> None:
        old = [partition for partition in partitions if partition in self._paused]
        if old:
            self._paused.difference_update(old)
            self._cluster.consumer.resume([self._cluster.place(partition) for partition in old])

    # what is done beside it

    def _now_and_then(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._look_ahead()
        if now_s - self._told_s >= _TELL_KAFKA_S:
            self._told_s = now_s
            self._tell_kafka(self._cluster.consumer)
        if self._question is not None and self._question.done():
            question, self._question = self._question, None
            if question.exception() is None:
                self._check_topic(question.result())
        elif self._question is None and now_s - self._checked_s >= _CHECK_TOPIC_S:
            self._checked_s = now_s
            self._question = self._cluster.ask()

    def _look_ahead(self) -> None:
        """How many messages the table does not have of the partitions that are ours."""
        lag = 0
        for lane in self._lanes.assigned():
            high = self._cluster.known_high(lane.partition)
            lag += 0 if high is None else max(0, high - lane.durable)
        self.lag = lag

    def _tell_kafka(self, consumer: Consumer, *, is_last: bool = False) -> None:
        """Commit to Kafka what the table has, for who watches the group; nobody here reads it."""
        from confluent_kafka import KafkaException

        new = {p: at for p, at in self._lanes.durable_offsets().items() if self._told.get(p) != at}
        if not new:
            return
        places = [self._cluster.place(partition, offset) for partition, offset in new.items()]
        try:
            if is_last:
                consumer.commit(offsets=places, asynchronous=False)
            else:
                consumer.commit(offsets=places, asynchronous=True)
            self._told.update(new)
        except KafkaException as error:
            self.hear(error.args[0])  # otherwise the table knows

    def _check_topic(self, description: Any) -> None:
        """Refuse a topic that was made anew while it was read."""
        if description is None:
            return
        facts = self._cluster.facts(description)
        if facts.id != self._topic.id:
            raise SourceError(
                f"topic {facts.name} was deleted and made anew while it was read: start again with "
                "--accept-new-topic to write its messages besides those of the one before"
            )

    def _leave(self, consumer: Consumer) -> None:
        from confluent_kafka import KafkaException

        try:
            self._lanes.wait_until_settled(_SETTLE_S)
            self._tell_kafka(consumer, is_last=True)
            consumer.close()
        except (KafkaException, RuntimeError):  # the brokers are away
            return

    # when brokers, or the table, are away

    def _patiently(self, ask: Callable[[], T]) -> T | None:
        """Ask until there is an answer; None once it is stopped."""
        from confluent_kafka import KafkaException

        while not self._stopped.is_set():
            try:
                answer = ask()
            except KafkaException as error:
                if (refusal := refusal_of(error.args[0])) is not None:
                    raise refusal from error
                if is_unknown_topic(error.args[0]):
                    raise SourceError(
                        f"topic {self._topic.name} is gone: it was deleted"
                    ) from error
                self._trouble(f"no broker answers ({words(error)}); it is tried until one does")
            except TimeoutError:
                self._trouble("no broker answers; it is tried until one does")
            except NeuralakeError as error:
                if error.remedy != "later":
                    raise
                self._trouble(f"{error}; it is tried again until that is over")
            else:
                return answer
            self._stopped.wait(_RETRY_S)
        return None

    def _trouble(self, words: str) -> None:
        """Say what is wrong, once until it is over."""
        if words not in self._troubles:
            self._troubles.add(words)
            self._sink.tell(words)

    def _relieve(self) -> None:
        """Messages come again: what troubled is over."""
        if self._troubles:
            self._troubles.clear()
            self._sink.tell("messages come again")
