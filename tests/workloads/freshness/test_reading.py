"""What a reader notes of a table: one that is stale says so, and a stall is in every figure."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest

from neuralake.stats.sightings import reached
from neuralake.workloads.freshness.questions import SCHEMA, Checker
from neuralake.workloads.freshness.reading import Notes, ask_until
from neuralake.workloads.polling import Polls
from tests.workloads.clock import ScriptedClock
from tests.workloads.freshness.test_questions import answer

COUNT = 200  # records, of which one is visible each 10 from 0 on
EVERY = 10


@dataclass
class Table:
    """A reader of a table that gets a record each 10, by a clock that a test moves on.

    Attributes
    ----------
    clock
        The time.
    stale
        How old the state is that it answers from.
    took
        How long the answer to each question takes, by its number.
    """

    clock: ScriptedClock
    stale: int = 0
    took: Callable[[int], int] = lambda _: 1
    asked: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def versions(self) -> dict[str, str]:
        return {}

    def ask(self, sql: str, schema: pa.Schema) -> pa.Table:
        assert schema == SCHEMA
        floor = int(sql.rpartition("number >= ")[2].split()[0])
        visible = range(0, COUNT * EVERY, EVERY)
        held = bisect.bisect_right(visible, self.clock.now_ns() - self.stale)
        self.clock.work(self.took(self.asked))
        self.asked += 1
        return answer([range(held)], floor)

    def close(self) -> None:
        return


def read(table: Table, every_ns: int) -> tuple[Notes, list[int], list[int]]:
    """Poll until all is seen; and of each record the two ends of its interval, from its moment."""
    checker, notes = Checker(due=(COUNT,), window=10), Notes()
    polls = Polls(table.clock, start_ns=0, every_ns=every_ns)
    ask_until(lambda: checker.held == (COUNT,), polls, table.clock, 0, table, checker, notes, {})
    ends = [end for *_, end in notes.sightings]
    answered = [at for _, _, at, *_ in notes.sightings]
    without, within = reached(ends, answered).intervals(0, COUNT, unknown_ns=0)
    moments = range(0, COUNT * EVERY, EVERY)
    least = [max(w - m, 0) for w, m in zip(without.tolist(), moments, strict=True)]
    most = [w - m for w, m in zip(within.tolist(), moments, strict=True)]
    return notes, least, most


@pytest.mark.parametrize("stale", [0, 50, 500])
def test_a_reader_that_is_stale_says_so(stale: int) -> None:
    notes, least, most = read(Table(ScriptedClock(), stale=stale), every_ns=5)
    assert notes.violations == 0
    assert min(most) >= stale
    assert max(most) <= stale + 5 + 1  # but for the poll period and the query
    assert max(low for low in least) <= stale + 1
    assert min(least[1:]) >= stale - 5


def test_a_stall_is_in_what_was_seen_and_in_what_was_asked() -> None:
    """The 100th question takes 400: 40 records come in sight late, 80 polls have waited."""
    slow = Table(ScriptedClock(), took=lambda number: 400 if number == 100 else 1)
    notes, _, most = read(slow, every_ns=5)
    assert sum(value > 100 for value in most) == pytest.approx(30, abs=2)
    assert max(most) == pytest.approx(400, abs=12)
    latency = [at - due for _, due, _, at, _ in notes.polls if at is not None]
    assert sum(value > 100 for value in latency) == pytest.approx(60, abs=2)
    due = [due for _, due, *_ in notes.polls]
    assert sorted(due) == [5 * number for number in range(len(due))]  # none is left out


def test_a_question_that_fails_is_noted_and_the_next_one_is_asked() -> None:
    class Broken(Table):
        def ask(self, sql: str, schema: pa.Schema) -> pa.Table:
            if self.asked == 3:
                self.asked += 1
                raise OSError("no such file: key=secret")
            return super().ask(sql, schema)

    notes, _, most = read(Broken(ScriptedClock()), every_ns=5)
    assert (notes.failed, notes.violations) == (1, 0)
    assert notes.message == "no such file: key=secret"
    assert [row for row in notes.polls if row[3] is None] == [(3, 15, 15, None, notes.message)]
    assert max(most) <= 11


def test_an_answer_that_is_impossible_shows_no_record() -> None:
    class Double(Table):
        def ask(self, sql: str, schema: pa.Schema) -> pa.Table:
            found = super().ask(sql, schema)
            if self.asked == 4:
                rows = found.to_pylist()
                rows[0]["n"] += 1
                return pa.Table.from_pylist(rows, schema=found.schema)
            return found

    notes, *_ = read(Double(ScriptedClock()), every_ns=5)
    assert notes.violations == 1
    assert "double" in (notes.violation or "")
    assert {query for query, *_ in notes.sightings} == set(range(notes.asked)) - {3}
