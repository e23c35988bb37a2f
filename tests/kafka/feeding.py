"""A topic written into a table by the process's own code, in threads of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import polars as pl
import pyarrow as pa
from confluent_kafka import Producer

from neuralake.sources.kafka.options import KafkaOptions, TopicAddress
from neuralake.writer.batching import BatchLimits
from neuralake.writer.events import Event
from neuralake.writer.roles import run_role
from neuralake.writer.stopping import Stopping
from neuralake.writer.task import Letters, SourceSpec, Task
from tests.kafka.conftest import Topic
from tests.waiting import until

WAIT_S = 600.0
ROWS = pa.schema([("id", pa.int64()), ("name", pa.string())])


def send(
    topic: Topic,
    values: Sequence[bytes | None],
    partition: int = 0,
    key: bytes | None = None,
) -> None:
    """Send messages, and return when they are there."""
    producer = Producer({"bootstrap.servers": topic.brokers, "linger.ms": 0, "log_level": 0})
    for value in values:
        producer.produce(topic.name, value, key, partition)
    assert producer.flush(WAIT_S) == 0


def lines(*ids: int) -> list[bytes]:
    """Rows as JSON."""
    return [b'{"id": %d, "name": "n%d"}' % (i, i) for i in ids]


def rows_of(table: str) -> pl.DataFrame:
    """The table as it is now."""
    return pl.read_delta(table)


def until_rows(table: str, count: int, has_ended: Callable[[], bool]) -> None:
    """Wait until a table has so many rows, or what writes them has ended."""
    until(lambda: has_ended() or rows_of(table).height >= count)


def ids(table: str) -> list[int]:
    """Sorted."""
    found: list[int] = rows_of(table)["id"].sort().to_list()
    return found


def letters(table: str) -> list[dict[str, Any]]:
    """The dead letters of a table, by their places."""
    if not Path(f"{table}_dead_letters").exists():
        return []
    found = pl.read_delta(f"{table}_dead_letters").sort("partition", "offset")
    return found.to_dicts()


class Feeding:
    """What ``neuralake writer append TABLE --from kafka://…`` does.

    Attributes
    ----------
    events
        What it has told so far.
    status, error
        How it ended.
    """

    def __init__(
        self,
        table: str,
        topic: Topic,
        *,
        age_s: float = 0.005,
        letters: str | None = None,
        **options: Any,
    ) -> None:
        known = KafkaOptions(TopicAddress.parse(topic.uri), start="beginning")
        self.table = table
        self.task = Task(
            "append",
            "events",
            table,
            source=SourceSpec(
                "kafka",
                kafka=replace(known, **options),
                letters=Letters(letters or f"{table}_dead_letters"),
            ),
            limits=BatchLimits(age_s=age_s),
            deadline_s=30,
        )
        self.events: list[Event] = []
        self.status: int | None = None
        self.error: BaseException | None = None
        self._stopping = Stopping()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.status = run_role(self.task, self.events.append, self._stopping)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def told(self, kind: str) -> list[str]:
        """What it has told of a kind."""
        return [event.text for event in list(self.events) if event.kind == kind]

    def gauge(self, name: str) -> float | None:
        """The newest of a gauge."""
        values = [e.figures.gauges.get(name) for e in list(self.events) if e.figures is not None]
        return next((value for value in reversed(values) if value is not None), None)

    def counted(self, name: str) -> float:
        """The sum of a counter."""
        figures = [e.figures for e in list(self.events) if e.figures is not None]
        return sum(one.counters.get(name, 0) for one in figures)

    def until_rows(self, count: int) -> None:
        """Wait until the table has so many rows."""
        until_rows(self.table, count, lambda: self.error is not None)
        if self.error is not None:
            raise self.error

    def stop(self) -> int | None:
        """Ask it to stop, and return its exit status."""
        self._stopping.request()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.status

    def wait(self) -> BaseException:
        """The error that ends it."""
        self._thread.join(WAIT_S)
        assert self.error is not None, (self.status, self.told("trouble"))
        return self.error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(AssertionError):
            self.stop()
