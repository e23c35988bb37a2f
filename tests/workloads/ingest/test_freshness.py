"""When a reader saw a batch: between its last answer without it and its first with it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.results.ingest.records import Freshness, Load
from neuralake.results.ingest.samples import SIGHTINGS
from neuralake.results.parts import read_part
from neuralake.workloads.ingest.reader import Sightings
from tests.workloads.ingest.conftest import ROWS, carry_out, plan_for


@given(
    visible_ns=st.lists(st.integers(0, 1000), max_size=30),
    answers=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 50)), max_size=40),
)
def test_the_moment_at_which_a_batch_came_in_sight_is_within_its_interval(
    visible_ns: list[int], answers: list[tuple[int, int]]
) -> None:
    """A query that takes a snapshot some time before its answer."""
    sightings = Sightings()
    now_ns = 0
    for apart_ns, query_ns in answers:
        snapshot_ns = now_ns + apart_ns
        now_ns = snapshot_ns + query_ns
        floor = sightings.floor
        assert set(range(floor)) <= sightings.seen
        batches = [b for b, at_ns in enumerate(visible_ns) if at_ns <= snapshot_ns and b >= floor]
        sightings.answer(batches, now_ns)
    for batch, without_ns, with_ns in sightings.rows:
        assert visible_ns[batch] <= with_ns
        if without_ns is not None:
            # the query before had its snapshot earlier than its answer, and not seen it then
            earlier = dict(itertools.pairwise(sightings.answers_ns))
            assert earlier[without_ns] == with_ns
    assert len({batch for batch, *_ in sightings.rows}) == len(sightings.rows)


@pytest.mark.more
@pytest.mark.parametrize("reader", ["polars"])
def test_readers_poll_beside_the_producers(tmp_path: Path, reader: str) -> None:
    load = Load(
        arrivals="constant", rates=(20.0 * ROWS,), batch_rows=ROWS, duration_s=1.5, warm_up=1
    )
    plan = plan_for(
        tmp_path,
        *("neuralake", "disk"),
        load=load,
        rounds=1,
        freshness=Freshness((reader,), poll_s=0.01),
    )
    done = carry_out(plan, tmp_path)
    assert done.run.is_right
    readers = [(key.case.contestant, key.reader) for key in done.witness.begun]
    assert readers == [("neuralake", None), ("disk", None), ("neuralake", reader)]
    found = done.run.rounds[-1]
    assert found.sightings is not None
    assert (found.failed_polls, found.unseen) == (0, 0)
    table = read_part(done.directory, found.sightings)
    assert table.schema == SIGHTINGS
    assert sorted(table["batch"].to_pylist()) == list(range(found.commits))
    (line,) = done.summary.fresh
    assert (line.reader, line.status, line.batches) == (reader, "ok", 30)
    assert 0 <= line.least_ms["50"] <= line.most_ms["50"]
    assert len(done.summary.lines) == 2  # rounds with a reader are in no other figure
    assert sum(summary.commits for summary in done.summary.lines) == 60
