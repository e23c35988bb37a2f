"""Deliveries become batches by rows, bytes or age, in their order, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralake.sources.source import Delivery
from neuralake.writer.batching import Batcher, BatchLimits, Group

FOREVER_S = 3600.0


def delivery(
    rows: int = 1, application: str | None = None, sequence: int | None = None
) -> Delivery:
    batch = pa.record_batch({"id": pa.array(range(rows), pa.int64())})
    return Delivery(batch, application=application, sequence=sequence)


def groups(batcher: Batcher) -> list[Group]:
    """All that is left, each done before the next is taken."""
    batcher.close()
    found = []
    while (group := batcher.take()) is not None:
        batcher.done(group)
        found.append(group)
    return found


def rows(found: Sequence[Group]) -> list[list[int]]:
    return [[d.batch.num_rows for d in group.deliveries] for group in found]


def test_a_batch_is_due_by_its_rows() -> None:
    batcher = Batcher(BatchLimits(rows=10, age_s=FOREVER_S))
    for _ in range(5):
        batcher.offer(delivery(3))
    first = batcher.take()
    assert first is not None
    assert rows([first]) == [[3, 3, 3]]
    batcher.done(first)
    assert rows(groups(batcher)) == [[3, 3]]


def test_a_batch_is_due_by_its_bytes() -> None:
    batcher = Batcher(BatchLimits(size_bytes=80, age_s=FOREVER_S))
    for _ in range(3):
        batcher.offer(delivery(5))
    first = batcher.take()
    assert first is not None
    assert first.size_bytes == 80


def test_a_batch_is_due_by_its_age() -> None:
    batcher = Batcher(BatchLimits(age_s=0.05))
    batcher.offer(delivery())
    begin = time.monotonic()
    group = batcher.take()
    assert group is not None
    assert time.monotonic_ns() - group.deliveries[0].received_ns >= 0.05e9
    assert time.monotonic() >= begin


def test_a_batch_is_due_before_its_age_while_the_process_rests() -> None:
    batcher = Batcher(BatchLimits(age_s=FOREVER_S, share=1000.0))
    batcher.offer(delivery(1))
    first = batcher.take()
    assert first is not None
    assert rows([first]) == [[1]]


def test_what_comes_meanwhile_is_written_together() -> None:
    batcher = Batcher(BatchLimits(age_s=FOREVER_S, share=1000.0))
    batcher.offer(delivery(1, "a", 1))
    first = batcher.take()
    assert first is not None
    for sequence in (2, 3):
        batcher.offer(delivery(1, "a", sequence))
        batcher.offer(delivery(1, "b", sequence))
    taken: list[Group] = []

    def take() -> None:
        while (group := batcher.take()) is not None:
            taken.append(group)

    thread = threading.Thread(target=take)  # it waits for the first one, which is under way
    thread.start()
    batcher.done(first)
    batcher.close()
    thread.join(300)
    assert [group.application for group in taken] == ["a", "b"]
    assert [[d.sequence for d in group.deliveries] for group in taken] == [[2, 3], [2, 3]]


def test_a_batch_waits_for_its_age_while_the_process_works() -> None:
    batcher = Batcher(BatchLimits(age_s=0.05, share=1e-9))
    batcher.offer(delivery())
    group = batcher.take()
    assert group is not None
    assert time.monotonic_ns() - group.deliveries[0].received_ns >= 0.05e9


def test_a_delivery_is_not_divided() -> None:
    batcher = Batcher(BatchLimits(rows=10, age_s=FOREVER_S))
    for count in (4, 100, 4):
        batcher.offer(delivery(count))
    assert rows(groups(batcher)) == [[4], [100], [4]]


def test_deliveries_of_two_schemas_are_not_put_together() -> None:
    batcher = Batcher(BatchLimits(age_s=FOREVER_S))
    batcher.offer(delivery(1))
    batcher.offer(Delivery(pa.record_batch({"other": [1]})))
    batcher.offer(delivery(2))
    found = groups(batcher)
    assert rows(found) == [[1], [1], [2]]
    assert all(group.rows().num_rows for group in found)


def test_one_application_has_one_batch_under_way() -> None:
    batcher = Batcher(BatchLimits(rows=1, age_s=FOREVER_S))
    for sequence in (1, 2):
        batcher.offer(delivery(1, "a", sequence))
    batcher.offer(delivery(1, "b", 7))
    batcher.offer(delivery())
    batcher.offer(delivery())
    taken = [batcher.take() for _ in range(4)]
    assert sorted(str(group.application) for group in taken if group) == ["None", "None", "a", "b"]
    assert taken[0] is not None
    assert taken[0].sequence == 1
    batcher.done(taken[0])
    following = batcher.take()
    assert following is not None
    assert (following.application, following.sequence) == ("a", 2)


def test_what_is_sent_again_waits_for_what_was_sent_before() -> None:
    batcher = Batcher(BatchLimits(age_s=FOREVER_S))
    for sequence in (1, 2, 3, 2, 3, 4):
        batcher.offer(delivery(1, "a", sequence))
    found = groups(batcher)
    assert [[d.sequence for d in g.deliveries] for g in found] == [[1, 2, 3], [2, 3, 4]]


@given(
    st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(1, 30)), max_size=40),
    st.integers(1, 40),
)
def test_everything_comes_out_once_and_in_the_order_of_its_application(
    sent: list[tuple[str | None, int]], most: int
) -> None:
    batcher = Batcher(BatchLimits(rows=most, age_s=FOREVER_S))
    deliveries = [delivery(count, app, i if app else None) for i, (app, count) in enumerate(sent)]
    for each in deliveries:
        batcher.offer(each)
    found = groups(batcher)
    for application in (None, "a", "b"):
        out = [d for g in found if g.application == application for d in g.deliveries]
        assert out == [d for d in deliveries if d.application == application]
    assert all(sum(g) <= most or len(g) == 1 for g in rows(found))
    assert batcher.waiting_bytes == 0
    assert batcher.oldest_ns() is None


def test_who_offers_waits_until_there_is_room() -> None:
    batcher = Batcher(BatchLimits(age_s=FOREVER_S, waiting_bytes=100))
    offered: list[int] = []

    def offer() -> None:
        for i in range(6):
            batcher.offer(delivery(5))  # 40 bytes
            offered.append(i)

    thread = threading.Thread(target=offer)
    thread.start()
    for _ in range(2):
        group = batcher.take()  # is due although it is young: somebody waits
        assert group is not None
        assert batcher.waiting_bytes <= 100
        assert len(offered) <= 4
        batcher.done(group)
    thread.join(300)
    assert len(offered) == 6
    assert rows(groups(batcher)) == [[5, 5]]


def test_what_is_larger_than_all_room_is_taken_alone() -> None:
    batcher = Batcher(BatchLimits(age_s=0.001, waiting_bytes=100))
    batcher.offer(delivery(1))
    thread = threading.Thread(target=batcher.offer, args=(delivery(1000),))
    thread.start()
    first = batcher.take()
    assert first is not None
    assert first.size_bytes == 8
    batcher.done(first)
    second = batcher.take()
    assert second is not None
    assert second.size_bytes == 8000
    thread.join()


def test_the_oldest_is_told_until_it_is_durable() -> None:
    batcher = Batcher(BatchLimits(rows=1))
    old, young = delivery(), delivery()
    batcher.offer(old)
    batcher.offer(young)
    assert batcher.oldest_ns() == old.received_ns
    group = batcher.take()
    assert group is not None
    assert batcher.oldest_ns() == old.received_ns
    batcher.done(group)
    assert batcher.oldest_ns() == young.received_ns


def test_nothing_comes_after_the_end() -> None:
    batcher = Batcher(BatchLimits())
    batcher.close()
    assert batcher.take() is None


def test_whoever_waits_for_a_batch_learns_of_the_end() -> None:
    batcher = Batcher(BatchLimits())
    found: list[Group | None] = []
    threads = [threading.Thread(target=lambda: found.append(batcher.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    batcher.close()
    for thread in threads:
        thread.join(300)
    assert found == [None] * 3


def test_of_many_that_wait_few_wake_for_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    due = Batcher._due

    def counted(self: Batcher) -> object:
        nonlocal looks
        looks += 1
        return due(self)

    batcher = Batcher(BatchLimits(age_s=0.002))
    taken = threading.Semaphore(0)

    def work() -> None:
        while (group := batcher.take()) is not None:
            batcher.done(group)
            taken.release()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    monkeypatch.setattr(Batcher, "_due", counted)
    batches = 40
    for number in range(batches):
        batcher.offer(delivery(application="one", sequence=number))
        assert taken.acquire(timeout=300)
    batcher.close()
    for thread in threads:
        thread.join(300)
    # one that is told, waits until it is due, and takes it; and each at the end
    assert looks <= 5 * batches + 4 * len(threads)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("limits", [BatchLimits(50, age_s=0.001), BatchLimits(50, share=1.0)])
def test_many_threads_lose_and_double_nothing(workers: int, limits: BatchLimits) -> None:
    batcher = Batcher(replace(limits, waiting_bytes=4000))
    taken: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        while (group := batcher.take()) is not None:
            with lock:
                taken.extend(d.sequence or 0 for d in group.deliveries)
            batcher.done(group)

    def send(application: str, first: int) -> None:
        for i in range(first, first + 200):
            batcher.offer(delivery(3, application, i))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    senders = [threading.Thread(target=send, args=(f"a{n}", n * 1000 + 1)) for n in range(3)]
    for thread in (*threads, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    batcher.close()
    for thread in threads:
        thread.join(300)
    assert sorted(taken) == [n * 1000 + i for n in range(3) for i in range(1, 201)]
