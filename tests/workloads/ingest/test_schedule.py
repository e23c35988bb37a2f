"""Who takes a batch, and what counts as its latency: on a clock of the test's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from neuralake.workloads.ingest.schedule import Due, Queue, produce
from neuralake.workloads.schedule import arrivals
from tests.workloads.clock import ScriptedClock

MS = 1_000_000
S = 1_000_000_000


@dataclass(frozen=True)
class Kept:
    """A sample as the producer hands it over."""

    number: int
    intended_ns: int
    started_ns: int
    done_ns: int

    @property
    def latency_ns(self) -> int:
        return self.done_ns - self.intended_ns


def run(
    queue: Queue, took_ns: Callable[[int], int], clock: ScriptedClock | None = None
) -> list[Kept]:
    """One producer whose appends take as long as the script says."""
    clock = clock or ScriptedClock()
    kept: list[Kept] = []

    def prepare(number: int) -> Callable[[], None]:
        return lambda: clock.work(took_ns(number))

    def keep(due: Due, intended_ns: int, started_ns: int, done_ns: int) -> None:
        kept.append(Kept(due.number, intended_ns, started_ns, done_ns))

    produce(clock, clock.now_ns(), queue, prepare, keep)
    return kept


@given(took_ms=st.lists(st.integers(1, 50), min_size=1, max_size=50))
def test_in_a_closed_loop_a_batch_is_due_when_the_one_before_is_done(took_ms: list[int]) -> None:
    kept = run(Queue(None, commits=len(took_ms)), lambda number: took_ms[number] * MS)
    assert [k.latency_ns for k in kept] == [ms * MS for ms in took_ms]
    assert [k.started_ns for k in kept[1:]] == [k.done_ns for k in kept[:-1]]


def test_a_stall_is_in_the_latency_of_all_that_waited_behind_it() -> None:
    """Ten batches a second, one of which takes a second: the omission that is not made."""
    queue = Queue(arrivals("constant", 10, 1), commits=20)
    kept = run(queue, lambda number: S if number == 5 else 10 * MS)
    waited = [k for k in kept if k.latency_ns > 50 * MS]
    # due at 0.6, 0.7 … 1.4 s, while batch 5 took until 1.5 s; then the queue is worked off
    assert [k.number for k in waited][:10] == list(range(5, 15))
    assert kept[6].latency_ns == 1500 * MS + 10 * MS - 600 * MS
    assert kept[6].started_ns - kept[6].intended_ns == 900 * MS
    as_a_closed_loop_would = [k.done_ns - k.started_ns for k in kept]
    assert sum(took > 50 * MS for took in as_a_closed_loop_would) == 1


@given(
    took_ms=st.lists(st.integers(0, 300), min_size=1, max_size=60),
    rate=st.integers(1, 200),
    late_ns=st.integers(0, MS),
)
def test_the_producer_is_a_queue_with_one_server(
    took_ms: list[int], rate: int, late_ns: int
) -> None:
    """Lindley's recursion: a batch begins when it is due, or when the one before is done."""
    queue = Queue(arrivals("constant", rate, 1), commits=len(took_ms))
    kept = run(queue, lambda number: took_ms[number] * MS, ScriptedClock(late_ns))
    free_ns = 0
    for k, ms in zip(kept, took_ms, strict=True):
        starts = free_ns if free_ns >= k.intended_ns else k.intended_ns + late_ns
        assert (k.started_ns, k.done_ns) == (starts, starts + ms * MS)
        free_ns = k.done_ns


@given(
    shares=st.integers(1, 5),
    commits=st.integers(0, 40),
    moments=st.sampled_from(["closed", "constant", "poisson"]),
)
def test_processes_share_out_every_batch_once(shares: int, commits: int, moments: str) -> None:
    taken: list[Due] = []
    for share in range(shares):
        due = None if moments == "closed" else arrivals(moments, 50, 3)  # type: ignore[arg-type]
        queue = Queue(due, share=share, shares=shares, commits=commits)
        taken += iter(lambda q=queue: q.take(0), None)  # type: ignore[misc]
    assert sorted(due.number for due in taken) == list(range(commits))
    offsets = [due.offset_ns for due in sorted(taken, key=lambda due: due.number)]
    expected: Sequence[int | None] = [None] * commits
    if moments != "closed":
        expected = list(itertools.islice(arrivals(moments, 50, 3), commits))  # type: ignore[arg-type]
    assert offsets == expected


@given(rate=st.integers(1, 100), seconds=st.integers(1, 5), took_ms=st.integers(1, 2000))
def test_what_was_due_and_never_begun_is_counted(rate: int, seconds: int, took_ms: int) -> None:
    queue = Queue(arrivals("constant", rate, 1), duration_ns=seconds * S, grace_ns=seconds * S)
    kept = run(queue, lambda _: took_ms * MS)
    assert len(kept) + queue.unstarted() == rate * seconds
    assert all(k.started_ns < 2 * seconds * S for k in kept)
    if rate * took_ms <= 1000:
        assert len(kept) == rate * seconds


def test_a_closed_loop_ends_with_its_duration_and_owes_nothing() -> None:
    queue = Queue(None, duration_ns=S)
    kept = run(queue, lambda _: 300 * MS)
    assert [k.started_ns for k in kept] == [0, 300 * MS, 600 * MS, 900 * MS]
    assert queue.unstarted() == 0


def test_whichever_comes_first_ends_a_round() -> None:
    assert len(run(Queue(None, duration_ns=S, commits=2), lambda _: 300 * MS)) == 2
    assert len(run(Queue(None, duration_ns=S, commits=9), lambda _: 300 * MS)) == 4
