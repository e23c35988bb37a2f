"""From deliveries to the table: each is answered once, by what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from neuralake.errors import SourceError
from neuralake.sources.source import Committed, Delivery
from neuralake.writer.append import Writer
from neuralake.writer.appending import Appender, Outcome
from neuralake.writer.batching import BatchLimits
from neuralake.writer.errors import SequenceError
from neuralake.writer.metrics import Figures, Tally
from tests.writer.conftest import EVENTS, events

Make = Callable[..., str]
SLOW = BatchLimits(age_s=3600)  # everything is put together that may be


@dataclass
class Listed:
    """A source of deliveries that are there already."""

    deliveries: Sequence[Delivery]
    address: str | None = None
    is_repeatable: bool = True  # so that a failure does not end it
    error: Exception | None = None
    rejected: int = 0
    is_closed: threading.Event = field(default_factory=threading.Event)

    def batches(self) -> Iterator[Delivery]:
        for delivery in self.deliveries:
            if self.is_closed.is_set():
                return
            yield delivery
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.is_closed.set()


class Answers:
    """What each delivery was answered, by its place."""

    def __init__(self) -> None:
        self.committed: dict[int, Committed] = {}
        self.failed: dict[int, Exception] = {}

    def delivery(self, place: int, batch: pa.RecordBatch, **more: Any) -> Delivery:
        return Delivery(
            batch,
            acknowledge=lambda commit: self.committed.__setitem__(place, commit),
            fail=lambda error: self.failed.__setitem__(place, error),
            **more,
        )

    def sent(self, application: str, *sequences: int) -> list[Delivery]:
        """Deliveries of one stream: one that fails voids those after it."""
        return [
            self.delivery(
                len(self.committed) + i,
                one(sequence),
                application=application,
                sequence=sequence,
                is_void=lambda: bool(self.failed),
            )
            for i, sequence in enumerate(sequences)
        ]


def one(number: int) -> pa.RecordBatch:
    (batch,) = events(number, 1).to_batches()
    return batch


def wrong() -> pa.RecordBatch:
    return pa.record_batch({"id": ["x"]})


def run(table: str, source: Listed, limits: BatchLimits = SLOW) -> tuple[Outcome, Figures]:
    tally = Tally()
    with Writer(table) as writer:
        outcome = Appender(writer, source, limits, tally).run()
    return outcome, tally.take()


def ids(table: str) -> list[int]:
    return sorted(deltalake.DeltaTable(table).to_pyarrow_table().column("id").to_pylist())


def test_numbered_deliveries_share_a_commit_and_are_answered_each(make_table: Make) -> None:
    table, told = make_table(), Answers()
    outcome, figures = run(table, Listed(told.sent("a", 1, 2, 3)))
    assert {place: c.version for place, c in told.committed.items()} == {0: 1, 1: 1, 2: 1}
    assert (outcome.rows, outcome.version, outcome.failed) == (3, 1, 0)
    assert figures.counters["rows"] == 3
    assert figures.counters["commits"] == 1
    assert figures.steps["total"].sum_s > 0
    assert Writer(table).state.transactions["a"].version == 3


def test_what_is_there_in_part_is_completed_and_not_doubled(make_table: Make) -> None:
    table, first, again = make_table(), Answers(), Answers()
    run(table, Listed(first.sent("a", 1, 2, 3)))
    outcome, figures = run(table, Listed(again.sent("a", 2, 3, 4, 5)))
    assert [again.committed[i].is_repeated for i in range(4)] == [True, True, False, False]
    assert outcome.rows == 2
    assert figures.counters["repeated"] == 2
    assert ids(table) == [1, 2, 3, 4, 5]


def test_part_of_it_is_committed_by_another_meanwhile(make_table: Make) -> None:
    """By a writer that was thought to be dead: whoever knows an older state must not double it."""
    table = make_table()
    with Writer(table, "a") as stale, Writer(table, "a") as other:
        other.append(events(1, 1), sequence=1)
        other.append(events(2, 1), sequence=2)
        with pytest.raises(SequenceError, match="the sequences of a up to 2, and the batch those"):
            stale.append(events(1, 3), sequence=3, after=0)
        assert ids(table) == [1, 2]
        assert stale.append(events(1, 2), sequence=2, after=0).is_repeated
        stale.append(events(3, 1), sequence=3, after=2)
    assert ids(table) == [1, 2, 3]


def test_one_that_does_not_fit_fails_alone_and_voids_its_successors(make_table: Make) -> None:
    table, told = make_table(), Answers()
    deliveries = told.sent("a", 1, 2, 3, 4)
    deliveries[2] = told.delivery(2, wrong(), application="a", sequence=3)
    outcome, _ = run(table, Listed(deliveries))
    assert sorted(told.committed) == [0, 1]
    assert sorted(told.failed) == [2, 3]
    assert "'id'" in str(told.failed[2])
    assert str(told.failed[3]) == "a batch before it, in the same stream, has failed"
    assert (outcome.failed, outcome.error) == (2, None)
    assert Writer(table).state.transactions["a"].version == 2  # so that 3 can be sent again
    assert ids(table) == [1, 2]


def test_one_that_breaks_a_constraint_fails_alone(make_table: Make) -> None:
    table, told = make_table(), Answers()
    deltalake.DeltaTable(table).alter.add_constraint({"small": "id < 10"})
    numbers = (1, 99, 2)
    run(table, Listed([told.delivery(i, one(n)) for i, n in enumerate(numbers)]))
    assert sorted(told.committed) == [0, 2]
    assert "small" in str(told.failed[1])
    assert ids(table) == [1, 2]


def test_a_source_that_is_read_ends_at_a_batch_that_does_not_fit(make_table: Make) -> None:
    table, told = make_table(), Answers()
    source = Listed([told.delivery(0, wrong())], is_repeatable=False)
    outcome, _ = run(table, source)
    assert source.is_closed.is_set()
    assert "'id'" in str(outcome.error)


def test_what_came_before_the_end_of_a_source_is_committed(make_table: Make) -> None:
    table, told = make_table(), Answers()
    deliveries = [told.delivery(i, one(i)) for i in range(5)]
    outcome, _ = run(table, Listed(deliveries, error=SourceError("it breaks off")))
    assert str(outcome.error) == "it breaks off"
    assert sorted(told.committed) == [0, 1, 2, 3, 4]
    assert ids(table) == [0, 1, 2, 3, 4]


def test_a_fault_of_ours_is_raised_and_whoever_waits_is_told(
    make_table: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, told = make_table(), Answers()
    monkeypatch.setattr(Writer, "append", lambda *_, **__: 1 / 0)
    outcome, _ = run(table, Listed([told.delivery(0, one(0))]))
    assert isinstance(outcome.error, ZeroDivisionError)
    assert str(told.failed[0]) == "the writer failed: division by zero"


@pytest.mark.parametrize("applications", [1, 5])
def test_many_deliveries_of_many_applications(make_table: Make, applications: int) -> None:
    table, told = make_table(EVENTS), Answers()
    deliveries = [
        told.delivery(i, one(i), application=f"a{i % applications}", sequence=i) for i in range(200)
    ]
    limits = BatchLimits(rows=7, age_s=0.001, waiting_bytes=500)
    outcome, _ = run(table, Listed(deliveries), limits)
    assert outcome.rows == 200
    assert sorted(told.committed) == list(range(200))
    assert ids(table) == list(range(200))
