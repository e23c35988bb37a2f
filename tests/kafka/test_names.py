"""Readers that have a name of their own in the group, and what comes of two with the same."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Self

import pytest

from neuralake.sources.kafka.cluster import FencedError
from neuralake.sources.kafka.options import INSTANCE, variable_of
from neuralake.writer.events import Event
from neuralake.writer.stopping import Stopping
from neuralake.writer.supervise import Patience, Supervisor
from tests.kafka.conftest import Topic
from tests.kafka.feeding import ROWS, WAIT_S, Feeding, ids, lines, send, until_rows
from tests.waiting import until

Make = Callable[..., str]
WORDS = (
    "another reader took this one's place in the group by the same name: give each its own "
    "NEURALAKE_KAFKA_GROUP_INSTANCE_ID"
)


@pytest.fixture(autouse=True)
def _one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of(INSTANCE), "one")


def send_to_both(topic: Topic, first: int) -> None:
    """Ten rows from a number on, in both partitions."""
    send(topic, lines(*range(first, first + 5)), partition=0)
    send(topic, lines(*range(first + 5, first + 10)), partition=1)


def test_whoever_comes_takes_over_and_whoever_was_there_says_so(
    make_table: Make, topic: Topic
) -> None:
    table = make_table(ROWS)
    with Feeding(table, topic) as before:
        send_to_both(topic, 0)
        before.until_rows(10)
        with Feeding(table, topic) as after:
            error = before.wait()
            assert isinstance(error, FencedError)
            assert str(error).startswith(WORDS)
            send_to_both(topic, 10)
            after.until_rows(20)
            assert after.stop() == 0
    assert ids(table) == list(range(20))


def test_both_at_work_write_every_row_once(make_table: Make, topic: Topic) -> None:
    """Until it is told, the one before reads what the other reads: the table takes it once."""
    table = make_table(ROWS)
    with Feeding(table, topic) as before:
        send_to_both(topic, 0)
        before.until_rows(10)
        with Feeding(table, topic) as after:
            sent = 10
            while before.error is None:  # messages come all the while
                send_to_both(topic, sent)
                sent += 10
            after.until_rows(sent)
            assert after.stop() == 0
    assert isinstance(before.wait(), FencedError)
    assert ids(table) == list(range(sent))


def test_a_process_that_is_started_again_by_its_name_does_not_wait_until_it_is_missed(
    make_table: Make, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group would miss it after five minutes: it has its partitions before."""
    monkeypatch.setenv("NEURALAKE_KAFKA_SESSION_TIMEOUT_MS", "300000")
    table = make_table(ROWS)
    with Kept(table, topic) as kept:
        send_to_both(topic, 0)
        kept.until_rows(10)
        os.kill(kept.starts[-1], signal.SIGKILL)
        send_to_both(topic, 10)
        kept.until_rows(20)
        assert kept.stop() == 0
    assert ids(table) == list(range(20))
    assert len(kept.starts) == 2


def test_two_that_are_started_again_do_not_go_on_for_ever(make_table: Make, topic: Topic) -> None:
    """Each takes the name from the other, until the first has died too often."""
    table = make_table(ROWS)
    with Kept(table, topic) as before:
        send_to_both(topic, 0)
        before.until_rows(10)
        with Kept(table, topic) as after:
            assert before.wait() == 70
            assert [WORDS in text for text in before.deaths] == [True, True]
            send_to_both(topic, 10)
            after.until_rows(20)
            until(lambda: len(after.starts) == 2)  # it had died, too
            assert after.stop() == 0
    assert ids(table) == list(range(20))


class Kept:
    """A process that appends, and its supervisor, with which it may die once."""

    def __init__(self, table: str, topic: Topic) -> None:
        self.starts: list[int] = []
        self.deaths: list[str] = []
        self._table = table
        self._status: int | None = None
        self._stopping = Stopping()
        task = Feeding(table, topic).task
        supervisor = Supervisor([task], self._hear, self._stopping, Patience(deaths=2))
        self._thread = threading.Thread(target=self._run, args=(supervisor,))

    def _run(self, supervisor: Supervisor) -> None:
        self._status = supervisor.run()

    def _hear(self, event: Event) -> None:
        if event.kind == "started":
            self.starts.append(event.facts["pid"])
        elif event.kind == "died":
            self.deaths.append(event.text)

    def until_rows(self, count: int) -> None:
        until_rows(self._table, count, lambda: not self._thread.is_alive())
        assert len(ids(self._table)) >= count, self.deaths

    def stop(self) -> int | None:
        self._stopping.request()
        return self.wait()

    def wait(self) -> int | None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self._status

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
