"""``neuralake freshness`` through a real broker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
from confluent_kafka.admin import AdminClient

from neuralake.results.parts import read_part
from neuralake.workloads.freshness.senders.by_kafka import end_of
from tests.workloads.freshness.conftest import SMALL, carry_out, plan_for


def test_every_record_is_sent_through_its_partition_and_seen_once(
    broker: str, tmp_path: Path
) -> None:
    before = set(AdminClient({"bootstrap.servers": broker}).list_topics(timeout=30).topics)
    load = replace(SMALL, source="kafka", brokers=broker, pieces=1, pause_s=0.0)
    done = carry_out(plan_for(tmp_path, "in-process", load=load, compaction=(False,)), tmp_path)
    (found,) = done.run.rounds
    assert (found.status, found.message, found.violation) == ("ok", None, None)
    records = round(load.rates[0] * (load.warm_up_s + load.duration_s))
    assert (found.records, found.acknowledged, found.unseen) == (records, records, 0)
    assert done.run.is_right
    assert found.parts is not None
    commits = read_part(done.directory, found.parts.commits)
    ends = dict(pair for own in commits["ends"].to_pylist() for pair in own)
    assert ends == {0: records // 2, 1: records // 2}
    batches = read_part(done.directory, found.parts.batches)
    assert pc.all(pc.greater(batches["acknowledged_ns"], batches["sent_ns"])).as_py()
    assert batches["version"].null_count == batches.num_rows  # the broker knows of no table
    after = set(AdminClient({"bootstrap.servers": broker}).list_topics(timeout=30).topics)
    assert not {topic for topic in after - before if topic.startswith("in-process")}


@pytest.mark.parametrize(
    ("application", "found"),
    [
        ("kafka/events/HdghnvGBQmqEpfCEjm5u7A/3", (3, 17)),
        ("kafka/a-topic/_-A/0", (0, 17)),
        ("neuralake-freshness-1", None),
        ("kafka/events/x/y", None),
    ],
)
def test_a_transaction_tells_the_partition_and_the_next_offset(
    application: str, found: tuple[int, int] | None
) -> None:
    assert end_of(application, 17) == found
