"""Events at the moments that were meant: each once, with its moment in it, late ones counted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from confluent_kafka import Consumer

from neuralake.broker.errors import BrokerError
from neuralake.broker.events import EventRows, event_schema
from neuralake.broker.producer import Arrivals, EventProducer
from tests.kafka.conftest import Topic

WAIT_S = 60


def read(topic: Topic, count: int) -> list[dict[str, Any]]:
    """So many events, by their numbers."""
    consumer = Consumer(
        {"bootstrap.servers": topic.brokers, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic.name])
    found: list[dict[str, Any]] = []
    try:
        while len(found) < count:
            found += [json.loads(m.value() or b"") for m in consumer.consume(count, WAIT_S)]
    finally:
        consumer.close()
    return sorted(found, key=lambda event: int(event["id"]))


def test_at_even_distances(topic: Topic) -> None:
    produced = EventProducer(topic.brokers, topic.name, rate=2000).run(seconds=0.5)
    events = read(topic, 1000)
    assert (produced.sent, produced.failed) == (1000, 0)
    assert [event["id"] for event in events] == list(range(1000))
    assert [event["moment_ns"] - produced.start_ns for event in events] == [
        number * 500_000 for number in range(1000)
    ]


def test_at_random_ones(topic: Topic) -> None:
    producer = EventProducer(topic.brokers, topic.name, rate=10_000, arrivals="poisson", seed=3)
    produced = producer.run(rows=3000)
    moments = np.array([event["moment_ns"] for event in read(topic, 3000)]) - produced.start_ns
    distances = np.diff(moments)
    assert (distances >= 0).all()
    # of an exponential distribution mean and standard deviation are equal
    assert abs(distances.mean() / 100_000 - 1) < 0.1
    assert abs(distances.std() / distances.mean() - 1) < 0.1


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_none_is_handed_over_before_its_moment(topic: Topic, arrivals: Arrivals) -> None:
    produced = EventProducer(topic.brokers, topic.name, rate=500, arrivals=arrivals).run(rows=50)
    assert produced.latest_ns >= 0
    last = read(topic, 50)[-1]["moment_ns"]
    assert produced.elapsed_s * 1e9 >= last - produced.start_ns


def test_what_is_late_is_counted(topic: Topic) -> None:
    """More than can be sent: the schedule does not wait, and every delay is told."""
    producer = EventProducer(topic.brokers, topic.name, rate=9e6, late_ns=0)
    produced = producer.run(rows=50_000)
    assert produced.sent == 50_000
    assert produced.late > 40_000
    assert produced.latest_ns > 1_000_000


def test_lines_are_the_rows() -> None:
    rows = EventRows()
    moments = 1_795_656_737_281_000_001 + np.arange(500, dtype=np.int64) * 7_000_003
    frame = rows.frame(10_000, moments)
    table = frame.to_arrow().cast(event_schema())
    assert len(table.schema) == 10
    lines = [json.loads(line) for line in rows.lines(10_000, moments)]
    assert [line["moment_ns"] for line in lines] == moments.tolist()
    for name in ("id", "device", "kind", "quantity", "price", "is_valid", "note"):
        assert [line[name] for line in lines] == table[name].to_pylist()
    assert [line["amount"] for line in lines] == [f"{a:.2f}" for a in table["amount"].to_pylist()]
    read = pa.array([line["at"] for line in lines]).cast(pa.timestamp("us", "UTC"))
    assert read.equals(table["at"].combine_chunks())


def test_a_topic_that_is_not_there(topic: Topic) -> None:
    producer = EventProducer(topic.brokers, "absent", rate=10)
    with pytest.raises(BrokerError, match=r"topic absent at .*: .*[Uu]nknown topic"):
        producer.run(rows=1)


def test_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralake.broker.producer._REACH_S", 0.5)
    with pytest.raises(BrokerError, match=r"no broker answers at 127\.0\.0\.1:9"):
        EventProducer("127.0.0.1:9", "events", rate=10).run(rows=1)


def test_a_setting_that_is_none(topic: Topic) -> None:
    with pytest.raises(BrokerError, match=r"no producer: .*acks"):
        EventProducer(topic.brokers, topic.name, rate=10, settings={"acks": "many"})


def test_the_command(topic: Topic) -> None:
    command = [sys.executable, "-m", "neuralake.broker.produce", topic.brokers, topic.name]
    done = subprocess.run(
        [*command, "--rate", "1000", "--seconds", "0.2"], check=True, capture_output=True
    )
    assert json.loads(done.stdout)["sent"] == 200
    assert len(read(topic, 200)) == 200
