"""Every message is a row, once: from where the table stands, whoever reads and however often."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import deltalake
import polars as pl
import pyarrow as pa
import pytest
from confluent_kafka import Producer

from neuralake.broker.events import EventRows, event_schema
from neuralake.broker.producer import EventProducer
from neuralake.delta.place import open_store
from neuralake.delta.state import load_state
from neuralake.sources.kafka import source as kafka_source
from neuralake.writer import Writer
from tests.kafka.conftest import Topic
from tests.kafka.feeding import ROWS, Feeding, ids, letters, lines, rows_of, send
from tests.more import few
from tests.waiting import until

Make = Callable[..., str]


def remembered(table: str) -> dict[str, int]:
    """What a table knows of partitions, by ``TOPIC/PARTITION``."""
    state = load_state(open_store(table, {}))
    found = {}
    for name, transaction in state.transactions.items():
        _, topic, _, partition = name.split("/")
        found[f"{topic}/{partition}"] = transaction.version
    return found


def test_events_are_rows_and_partitions_are_remembered(make_table: Make, topic: Topic) -> None:
    table = make_table(event_schema())
    produced = EventProducer(topic.brokers, topic.name, rate=20_000).run(rows=4000)
    with Feeding(table, topic) as feeding:
        feeding.until_rows(4000)
        assert feeding.stop() == 0
    rows = rows_of(table).sort("id")
    moments = produced.start_ns + pl.Series(range(4000)) * 50_000
    expected = EventRows().frame(0, moments.to_numpy())
    assert rows.to_arrow().cast(event_schema()).equals(expected.to_arrow().cast(event_schema()))
    known = remembered(table)
    assert set(known) == {f"{topic.name}/0", f"{topic.name}/1"}
    assert sum(known.values()) == 4000  # the offsets that are read next


NESTED = pa.schema(
    [
        ("id", pa.int64()),
        ("price", pa.decimal128(20, 4)),
        ("at", pa.timestamp("us", "UTC")),
        ("local", pa.timestamp("us")),
        ("day", pa.date32()),
        ("place", pa.struct([("lat", pa.float64()), ("tags", pa.list_(pa.string()))])),
    ]
)


def test_nested_columns_decimals_and_times_come_exactly(make_table: Make, topic: Topic) -> None:
    table = make_table(NESTED)
    one = {
        "id": 9007199254740993,
        "price": "1234567890123456.7891",
        "at": "2026-11-26T01:02:03.123456+01:00",
        "local": "2026-11-26T01:02:03",
        "day": "2026-02-28",
        "place": {"lat": 0.1, "tags": ["a", None, "ü"]},
    }
    two = json.dumps({"id": 2, "price": 1}).replace("1}", "1234567890123456.7892}")
    pretty = json.dumps({**one, "id": 3}, indent=2, ensure_ascii=False) + "\n"
    send(topic, [json.dumps(one).encode(), two.encode(), pretty.encode()])
    with Feeding(table, topic) as feeding:
        feeding.until_rows(3)
    first = {
        "id": 9007199254740993,
        "price": Decimal("1234567890123456.7891"),
        "at": datetime(2026, 11, 26, 0, 2, 3, 123456, UTC),
        "local": datetime(2026, 11, 26, 1, 2, 3),  # noqa: DTZ001 - it has no zone
        "day": date(2026, 2, 28),
        "place": {"lat": 0.1, "tags": ["a", None, "ü"]},
    }
    rows = deltalake.DeltaTable(table).to_pyarrow_table().to_pylist()
    by_id = {row["id"]: row for row in rows}
    assert by_id[first["id"]] == first
    assert by_id[3] == {**first, "id": 3}
    assert by_id[2]["price"] == Decimal("1234567890123456.7892")
    assert letters(table) == []


def test_it_goes_on_where_the_table_stands_whatever_kafka_knows(
    make_table: Make, topic: Topic
) -> None:
    table = make_table(ROWS)
    send(topic, lines(*range(100)), partition=0)
    send(topic, lines(*range(100, 200)), partition=1)
    with Feeding(table, topic) as feeding:
        feeding.until_rows(200)
    send(topic, lines(*range(200, 250)), partition=1)
    with Feeding(table, topic, group=f"another-{topic.name}", start="end") as feeding:
        feeding.until_rows(250)
        send(topic, lines(250))
        feeding.until_rows(251)
    assert ids(table) == list(range(251))


def test_it_begins_at_the_end_and_then_misses_nothing(make_table: Make, topic: Topic) -> None:
    """Where it began is in the table before anything else is: also of a partition without rows."""
    table = make_table(ROWS)
    send(topic, lines(*range(10)))
    with Feeding(table, topic, start="end"):
        until(lambda: len(remembered(table)) == 2)
    assert remembered(table) == {f"{topic.name}/0": 10, f"{topic.name}/1": 0}
    send(topic, lines(10), partition=0)
    send(topic, lines(11), partition=1)
    with Feeding(table, topic, start="end") as feeding:
        feeding.until_rows(2)
    assert ids(table) == [10, 11]


def test_it_begins_at_a_moment(make_table: Make, topic: Topic) -> None:
    table = make_table(ROWS)
    producer = Producer({"bootstrap.servers": topic.brokers})
    now_ms = int(time.time() * 1000)
    for number, line in enumerate(lines(*range(10))):
        producer.produce(topic.name, line, partition=0, timestamp=now_ms - 10_000 + number * 1000)
    assert producer.flush(60) == 0
    with Feeding(table, topic, start=now_ms - 4000) as feeding:
        feeding.until_rows(4)
    assert ids(table) == [6, 7, 8, 9]
    assert remembered(table) == {f"{topic.name}/0": 10, f"{topic.name}/1": 0}


def test_a_transaction_that_was_aborted_is_no_row(make_table: Make, topic: Topic) -> None:
    """Its messages and the markers leave gaps between the offsets, which are none in the table."""
    table = make_table(ROWS)
    producer = Producer({"bootstrap.servers": topic.brokers, "transactional.id": topic.name})
    producer.init_transactions(60)
    with Feeding(table, topic) as feeding:
        for number in range(8):
            producer.begin_transaction()
            for line in lines(number * 2, number * 2 + 1):
                producer.produce(topic.name, line, partition=0)
            producer.flush(60)
            if number % 2:
                producer.abort_transaction(60)
            else:
                producer.commit_transaction(60)
        feeding.until_rows(8)
    with Feeding(table, topic) as feeding:
        producer.begin_transaction()
        producer.produce(topic.name, lines(99)[0], partition=0)
        producer.commit_transaction(60)
        feeding.until_rows(9)
    assert ids(table) == [0, 1, 4, 5, 8, 9, 12, 13, 99]


def test_more_than_may_wait_is_read_later(
    make_table: Make, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading pauses while polling goes on."""
    monkeypatch.setattr(kafka_source, "_INBOX_BYTES", 2000)
    table = make_table(ROWS)
    send(topic, lines(*range(3000)), partition=0)
    send(topic, lines(*range(3000, 6000)), partition=1)
    with Feeding(table, topic) as feeding:
        feeding.until_rows(6000)
    assert ids(table) == list(range(6000))


def test_how_far_it_is_behind_is_told_to_prometheus_and_to_kafka(
    make_table: Make, topic: Topic
) -> None:
    from confluent_kafka import Consumer, TopicPartition

    table = make_table(ROWS)
    send(topic, lines(*range(50)))
    with Feeding(table, topic, group=topic.name) as feeding:
        feeding.until_rows(50)
        until(lambda: feeding.gauge("lag_messages") == 0)
    consumer = Consumer({"bootstrap.servers": topic.brokers, "group.id": topic.name})
    [place] = consumer.committed([TopicPartition(topic.name, 0)], 60)
    consumer.close()
    assert place.offset == 50


def test_rows_that_another_writer_has_meanwhile_are_cut_off(make_table: Make, topic: Topic) -> None:
    """A commit of whoever had the partition before comes while a batch waits: it is sent anew."""
    table = make_table(ROWS)
    with Feeding(table, topic, age_s=1) as feeding:
        until(lambda: len(remembered(table)) == 2)
        send(topic, lines(*range(10)))
        [name] = [n for n in load_state(open_store(table, {})).transactions if n.endswith("/0")]
        with Writer(table, application=name) as other:
            rows = pa.table({"id": range(4), "name": [f"n{i}" for i in range(4)]}, ROWS)
            other.append(rows, sequence=4)
        feeding.until_rows(10)
    assert ids(table) == list(range(10))
    assert feeding.error is None


@pytest.mark.parametrize("age_s", few([0.005, 0.3]))
def test_two_writers_share_a_topic_and_one_leaves_in_the_middle(
    make_table: Make, topic: Topic, age_s: float
) -> None:
    """Partitions go from hand to hand while rows come: with what is under way then."""
    table = make_table(event_schema())
    producer = EventProducer(
        topic.brokers, topic.name, rate=3000, settings={"enable.idempotence": True, "retries": 9}
    )
    producing = threading.Thread(target=lambda: producer.run(rows=4500))
    with Feeding(table, topic, age_s=age_s) as first:
        until(lambda: len(remembered(table)) == 2)
        producing.start()
        with Feeding(table, topic, age_s=age_s) as second:
            until(lambda: producer.handed_over > 2000)
            assert second.stop() == 0
        with Feeding(table, topic, age_s=age_s) as second:
            until(lambda: producer.handed_over > 3000)
            assert first.stop() == 0
            producing.join()
            second.until_rows(4500)
    rows = rows_of(table)
    assert rows.height == 4500
    assert rows["id"].sum() == 4500 * 4499 // 2
    assert rows["id"].n_unique() == 4500
    assert sum(remembered(table).values()) == 4500
