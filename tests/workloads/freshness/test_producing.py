"""Producers send each record when it is due, and a stall delays none of those that come later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from neuralake.results.freshness.records import Load
from neuralake.workloads.freshness.blocks import blocks_ahead
from neuralake.workloads.freshness.events import SCHEMA, Events
from neuralake.workloads.freshness.moments import Records
from neuralake.workloads.freshness.producing import Sent, produce
from tests.workloads.clock import ScriptedClock

MS = 1_000_000
LOAD = Load(duration_s=1.0, warm_up_s=0.1, pieces=1, pause_s=0.0, producers=2)


@dataclass
class Writer:
    """Takes batches, and a while for some of them."""

    clock: ScriptedClock
    took_ns: Callable[[int], int] = lambda _: 0
    batches: list[pa.RecordBatch] = field(default_factory=list)

    def prepare(self, records: pa.RecordBatch) -> pa.RecordBatch:
        return records

    def send(self, prepared: pa.RecordBatch, first: int, end: int) -> None:
        self.clock.work(self.took_ns(len(self.batches)))
        self.batches.append(prepared.slice(first, end - first))

    def finish(self, longest_s: float) -> str | None:
        del longest_s
        return None


def sent_by(writer: Writer, producer: int = 1, linger_ns: int = 5 * MS) -> Sent:
    sent = Sent(producer)
    blocks = blocks_ahead(Records(LOAD, 1000.0), Events(1), producer, writer)
    produce(writer.clock, 0, blocks, linger_ns, sent, writer)
    return sent


def test_a_batch_has_what_is_due_by_its_linger_and_each_record_once() -> None:
    writer = Writer(ScriptedClock())
    sent = sent_by(writer)
    records = Records(LOAD, 1000.0)
    count = records.of_producer(1)
    table = pa.Table.from_batches(writer.batches)
    assert table.schema == SCHEMA
    assert table["number"].to_pylist() == list(range(count))
    assert set(table["producer"].to_pylist()) == {1}
    due_us = (records.due_ns(1, 0, count) // 1000).tolist()
    assert table["intended_at"].cast(pa.int64()).to_pylist() == due_us
    for first, size, due_ns, sent_ns in sent.batches:
        assert due_ns == records.due_ns(1, first, first + 1)[0]
        assert sent_ns == due_ns + 5 * MS
        assert size in (1, 3)  # one each 2 ms: those due within 5 ms of the first, it included
    assert sent.late_ns == 0
    assert sent.records == (count, 0)


def test_what_a_stall_delays_is_sent_together_and_counts_from_its_own_moments() -> None:
    """The writer takes nothing for 300 ms: 150 records wait, and none is sent later for it."""
    writer = Writer(ScriptedClock(), took_ns=lambda number: 300 * MS if number == 10 else 0)
    sent = sent_by(writer)
    stalled = sent.batches[10]
    after_ns = stalled[3] + 300 * MS
    late = [batch for batch in sent.batches if batch[3] == after_ns]
    assert sum(size for _, size, *_ in late) == pytest.approx(150, abs=3)
    assert sent.late_ns == after_ns - (late[0][2] + 5 * MS)
    assert late[0][0] == stalled[0] + stalled[1]
    place = sent.batches.index(late[-1]) + 1
    assert sent.batches[place][3] - sent.batches[place][2] == 5 * MS  # and all is as before


def test_acknowledgements_are_those_of_the_first_batches() -> None:
    sent = sent_by(Writer(ScriptedClock()))
    for number in range(3):
        sent.acknowledge(1000 + number, version=number)
    (_, acknowledged), rows = sent.records, sent.rows()
    assert acknowledged == sum(size for _, size, *_ in sent.batches[:3])
    assert [row[-2:] for row in rows[:4]] == [(1000, 0), (1001, 1), (1002, 2), (None, None)]


def test_sums_are_those_of_the_records() -> None:
    """Over the end of the cycle in which the seven columns come again."""
    events = Events(3)
    count = 65_536 + 1_000
    moments = Records(Load(duration_s=100.0), 1000.0).due_ns(0, 0, count)
    batches = [events.batch(0, first, moments[first : first + 40_000]) for first in (0, 40_000)]
    table = pa.Table.from_batches(batches)
    sums = events.sums(count)
    assert table.num_rows == count
    assert pa.compute.sum(table["number"]).as_py() == sums.number
    assert pa.compute.sum(table["amount"]).as_py() == sums.amount
    assert pa.compute.sum(table["code"]).as_py() == sums.code
