"""What a broker, a topic or a disk can do to a writer: nothing is lost, and no gap is silent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from neuralake.broker.server import Broker
from neuralake.broker.topics import delete_topic, make_topic
from neuralake.delta.place import open_store
from neuralake.delta.state import load_state
from neuralake.errors import SourceError
from neuralake.sources.kafka import cluster, reader
from neuralake.sources.kafka.cluster import Cluster
from neuralake.sources.kafka.inbox import Inbox
from neuralake.sources.kafka.options import KafkaOptions, Security, TopicAddress, variable_of
from neuralake.sources.kafka.positions import Positions, TopicFacts, Watermarks
from tests.kafka.conftest import Topic
from tests.kafka.feeding import ROWS, Feeding, ids, lines, send
from tests.waiting import until

Make = Callable[..., str]
AWAY_S = float(os.environ.get("AWAY", "0"))  # make kafka-away has 60


def delete_before(topic: Topic, partition: int, offset: int) -> None:
    """As retention does."""
    admin = AdminClient({"bootstrap.servers": topic.brokers})
    place = TopicPartition(topic.name, partition, offset)
    admin.delete_records([place])[place].result(60)


def test_what_was_deleted_before_it_was_read_is_no_silent_gap(
    make_table: Make, topic: Topic
) -> None:
    table = make_table(ROWS)
    send(topic, lines(*range(5)))
    with Feeding(table, topic) as feeding:
        feeding.until_rows(5)
    send(topic, lines(*range(5, 20)))
    delete_before(topic, 0, 12)
    with Feeding(table, topic) as feeding:
        error = feeding.wait()
    assert isinstance(error, SourceError)
    words = rf"{topic.name}, partition 0: the messages from offset 5 to 11 were deleted before"
    assert str(error).startswith(words)
    assert "--skip-deleted goes on after them" in str(error)
    assert ids(table) == list(range(5))
    with Feeding(table, topic, is_skipping_deleted=True) as feeding:
        feeding.until_rows(13)
    assert ids(table) == [*range(5), *range(12, 20)]
    assert any("7 offsets were deleted" in text for text in feeding.told("trouble"))


def test_what_is_deleted_while_it_is_read_is_told_as_well(
    make_table: Make, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is held back finds its place gone when it goes on."""
    monkeypatch.setattr(Inbox, "is_full", True)
    monkeypatch.setattr(Inbox, "has_room", False)
    table = make_table(ROWS)
    with Feeding(table, topic) as feeding:
        until(lambda: load_state(open_store(table, {})).version > 0)  # it knows where it begins
        send(topic, lines(*range(10)))
        delete_before(topic, 0, 8)
        monkeypatch.undo()
        error = feeding.wait()
    assert "from offset 0 to 7 were deleted before they were read" in str(error)
    assert ids(table) == []


def test_it_goes_on_after_what_was_deleted_while_it_was_read_if_that_is_wanted(
    make_table: Make, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inbox, "is_full", True)
    monkeypatch.setattr(Inbox, "has_room", False)
    table = make_table(ROWS)
    with Feeding(table, topic, is_skipping_deleted=True) as feeding:
        until(lambda: load_state(open_store(table, {})).version > 0)  # it knows where it begins
        send(topic, lines(*range(10)))
        delete_before(topic, 0, 8)
        monkeypatch.undo()
        feeding.until_rows(2)
        send(topic, lines(10))
        feeding.until_rows(3)
        assert feeding.stop() == 0
    assert ids(table) == [8, 9, 10]


def test_a_topic_that_was_made_anew_is_not_taken_for_the_one_before(
    make_table: Make, topic: Topic
) -> None:
    """Also one that has grown beyond what the table has of the one before."""
    table = make_table(ROWS)
    send(topic, lines(*range(5)))
    with Feeding(table, topic) as feeding:
        feeding.until_rows(5)
    delete_topic(topic.brokers, topic.name)
    make_topic(topic.brokers, topic.name, partitions=2)
    send(topic, lines(*range(10, 20)))
    with Feeding(table, topic) as feeding:
        error = feeding.wait()
    assert "is not the one that the table has messages of" in str(error)
    assert "--accept-new-topic" in str(error)
    assert ids(table) == list(range(5))
    with Feeding(table, topic, is_accepting_new_topic=True) as feeding:
        feeding.until_rows(15)
    with Feeding(table, topic) as feeding:  # which is known now
        send(topic, lines(20))
        feeding.until_rows(16)
    assert ids(table) == [*range(5), *range(10, 21)]


def test_a_topic_that_is_made_anew_while_it_is_read(
    make_table: Make, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_CHECK_TOPIC_S", 0.1)
    table = make_table(ROWS)
    with Feeding(table, topic) as feeding:
        send(topic, lines(0))
        feeding.until_rows(1)
        delete_topic(topic.brokers, topic.name)
        make_topic(topic.brokers, topic.name, partitions=2)
        error = feeding.wait()
    assert isinstance(error, SourceError)
    assert "made anew" in str(error) or "deleted" in str(error) or "lost some" in str(error)


def test_an_id_with_a_slash_in_the_clients_alphabet_is_one_part_of_a_name() -> None:
    told = SimpleNamespace(name="t", topic_id="a/b+c/d", partitions=[SimpleNamespace(id=0)])
    facts = Cluster.facts(told)
    assert facts.application(0) == "kafka/t/a_b-c_d/0"
    found = positions(facts).find([0], {"kafka/t/a_b-c_d/0": 4})
    assert found[0].position == 4
    with pytest.raises(SourceError, match=r"its id is other, and was a_b-c_d\)"):
        positions(TopicFacts("t", "other", (0,))).find([0], {"kafka/t/a_b-c_d/0": 4})


def positions(facts: TopicFacts, **options: bool) -> Positions:
    known = KafkaOptions(TopicAddress.parse("kafka://127.0.0.1:1/t"), **options)  # type: ignore[arg-type]
    return Positions(facts, known, lambda _: Watermarks(2, 9), lambda *_: None)


def test_a_partition_that_comes_later_is_read_from_its_beginning() -> None:
    """What came into it before it was noticed is not lost, though the topic began at its end."""
    facts = TopicFacts("t", "id", (0, 1))
    found = positions(facts).find([0, 1], {"kafka/t/id/0": 9})
    assert {number: begin.position for number, begin in found.items()} == {0: 9, 1: 2}
    assert found[1].is_new


def test_a_group_whose_others_share_in_another_way_is_told_and_waited_for(
    make_table: Make, topic: Topic
) -> None:
    """Kafka lets nobody in meanwhile, and says so to whoever asks."""
    table = make_table(ROWS)
    send(topic, lines(1, 2))
    settings = {"bootstrap.servers": topic.brokers, "group.id": topic.name, "log_level": 0}
    other = Consumer({**settings, "partition.assignment.strategy": "range"})
    other.subscribe([topic.name])
    until(lambda: bool(other.poll(0.1) is None and other.assignment()))
    with Feeding(table, topic, group=topic.name) as feeding:
        until(lambda: other.poll(0.05) is None and bool(feeding.told("trouble")))
        assert "others of its group share partitions in another way" in feeding.told("trouble")[0]
        other.close()
        feeding.until_rows(2)
    assert ids(table) == [1, 2]


def test_a_broker_that_has_lost_messages_is_told() -> None:
    with pytest.raises(SourceError, match="has messages below offset 9 and the table those below"):
        positions(TopicFacts("t", "id", (0,))).find([0], {"kafka/t/id/0": 10})


def test_a_topic_that_is_not_there(make_table: Make, topic: Topic) -> None:
    absent = Topic(topic.brokers, "absent")
    with Feeding(make_table(ROWS), absent) as feeding:
        error = feeding.wait()
    assert str(error) == f"there is no topic absent at {topic.brokers}: make it, or name another"


def test_no_broker(make_table: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "REACH_S", 0.5)
    with Feeding(make_table(ROWS), Topic("127.0.0.1:9", "events")) as feeding:
        error = feeding.wait()
    assert str(error).startswith("no broker answers at 127.0.0.1:9: ")
    assert "\n" not in str(error)


def test_a_broker_that_is_away_for_a_while_is_waited_for(make_table: Make, own: Broker) -> None:
    """Killed, and later back: one line says so, one that it is over, and no row is lost."""
    make_topic(own.address, "away", partitions=2)
    topic = Topic(own.address, "away")
    table = make_table(ROWS)
    with Feeding(table, topic) as feeding:
        send(topic, lines(*range(10)))
        feeding.until_rows(10)
        own.kill()
        until(lambda: any("no broker answers" in text for text in feeding.told("trouble")))
        time.sleep(AWAY_S)
        own.start()
        send(topic, lines(*range(10, 20)))
        feeding.until_rows(20)
        assert feeding.stop() == 0
    assert ids(table) == list(range(20))
    told = feeding.told("trouble")
    assert sum("no broker answers" in text for text in told) == 1
    assert told[-1] == "messages come again"


@pytest.mark.more  # by day a process waits for a broker that is away
def test_a_process_that_follows_one_that_has_reached_the_broker_waits_for_it(
    make_table: Make, own: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_topic(own.address, "later")
    topic = Topic(own.address, "later")
    table = make_table(ROWS)
    send(topic, lines(0))
    own.kill()
    monkeypatch.setattr(cluster, "REACH_S", 0.5)
    with Feeding(table, topic, was_reached=True) as feeding:
        until(lambda: any("it is tried until one does" in t for t in feeding.told("trouble")))
        own.start()
        feeding.until_rows(1)
    assert ids(table) == [0]


def test_security_comes_from_the_environment_and_is_never_shown() -> None:
    security = Security.from_environ(
        {
            "NEURALAKE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "NEURALAKE_KAFKA_SASL_PASSWORD": "hunter2",
            "NEURALAKE_KAFKA_GROUP_INSTANCE_ID": "one",
            "OTHER": "x",
        }
    )
    assert security.settings == {"security.protocol": "SASL_SSL", "sasl.password": "hunter2"}
    assert security.membership == {"group.instance.id": "one"}
    assert "hunter2" not in repr(security)
    assert variable_of("sasl.username") == "NEURALAKE_KAFKA_SASL_USERNAME"
    with pytest.raises(SourceError, match="NEURALAKE_KAFKA_SASL_PASWORD is no setting: expected"):
        Security.from_environ({"NEURALAKE_KAFKA_SASL_PASWORD": "hunter2"})


@pytest.mark.parametrize(
    "text",
    ["kafka://", "kafka://host:1", "kafka://host:1/", "kafka://host/t", "kafka://host:1/a b"],
)
def test_an_address_that_names_no_topic(text: str) -> None:
    with pytest.raises(SourceError, match="expected"):
        TopicAddress.parse(text)


def test_several_brokers() -> None:
    address = TopicAddress.parse("kafka://one:9092,[::1]:9093/a.b-c_d")
    assert address.servers == "one:9092,[::1]:9093"
    assert str(address) == "kafka://one:9092,[::1]:9093/a.b-c_d"
