"""Exactly once, whatever is killed and whenever: the broker, or any process of the writer."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import deltalake
import duckdb
import pytest

from neuralake.broker.events import event_schema
from neuralake.broker.producer import EventProducer
from neuralake.broker.server import Broker
from neuralake.broker.topics import make_topic
from tests.waiting import until
from tests.writer.running import Keeper

Make = Callable[..., str]
KILLS = int(os.environ.get("KILLS", "2"))  # make kill-kafka has 100
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
ROWS_A_SECOND = 200


@pytest.mark.more  # a broker, a process that appends and a writer are each killed by day
def test_nothing_is_lost_or_doubled_whoever_is_killed(
    make_table: Make, own: Broker, tmp_path: Path
) -> None:
    """The broker, the process that appends, another of the writer's, and all of the writer."""
    print(f"SEED={SEED}")  # shown where it fails
    chance = random.Random(SEED)
    make_topic(own.address, "killed", partitions=3)
    table = make_table(event_schema())
    producer = EventProducer(
        own.address,
        "killed",
        rate=ROWS_A_SECOND,
        settings={"enable.idempotence": True, "retries": 2**31 - 1, "message.timeout.ms": 0},
    )
    produced = []
    thread = threading.Thread(target=lambda: produced.append(producer.run()))
    thread.start()
    keeper = Keeper(
        (
            *(table, "--from", f"kafka://{own.address}/killed", "--from-beginning"),
            *("--restarts", 10_000, "--compact-every", "200ms", "--batch-age", "20ms"),
        ),
        tmp_path,
        # one that comes back by its name need not wait until the group has missed it
        {"NEURALAKE_KAFKA_GROUP_INSTANCE_ID": "one"},
    )
    keeper.start()
    killed = 0
    try:
        while killed < KILLS:
            victim = chance.choice(("broker", "append", "append", "compact", "everything"))
            if chance.random() < 0.8:  # mostly at work, now and then while it starts
                more = count(table) + 1
                until(lambda more=more: count(table) >= more, every_s=0.1)  # type: ignore[misc]
            time.sleep(chance.random() * 0.3)
            if victim == "broker":
                own.kill()
                own.start()
                killed += 1
            else:
                killed += keeper.kill(victim)
        producer.stop()
        thread.join()
        assert produced[0].failed == 0
        until(lambda: count(table) >= produced[0].sent, every_s=0.1)
        status = keeper.end()
        assert status == 0, keeper.told()
    finally:
        producer.stop()
        keeper.end()
    sent = produced[0].sent
    found = duckdb.from_arrow(deltalake.DeltaTable(table).to_pyarrow_table())
    [sums] = found.aggregate("count(*), count(distinct id), sum(id)").fetchall()
    assert sums == (sent, sent, sent * (sent - 1) // 2)


def count(table: str) -> int:
    """Rows as the log tells them: no file is read until all of them are there."""
    files = deltalake.DeltaTable(table).get_add_actions(flatten=True)
    return sum(files.column("num_records").to_pylist())
