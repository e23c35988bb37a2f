"""A contestant's process: producers append to its table, and every append is a sample.

Runs in a worker (:mod:`neuralake.measure.worker`), which is spawned for each round.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralake.measure.execution import settle
from neuralake.measure.process import (
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    shows_descendants,
    tree_usage,
)
from neuralake.results.ingest.records import Load
from neuralake.results.ingest.samples import COMMITS
from neuralake.results.parts import Part, PartWriter
from neuralake.storage import one_line
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Appender, Receipt
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.schedule import Due, Queue, produce
from neuralake.workloads.places import Target
from neuralake.workloads.schedule import MonotonicClock, arrivals

FIRST_OF_WARM_UP = 1_000_000_000
_FLUSH_EVERY_S = 1.0
_S = 1_000_000_000


@dataclass(frozen=True)
class Task:
    """What one process of a round is to do.

    Attributes
    ----------
    contestant
        Its name.
    target
        Its table, which exists.
    load
        What is written.
    rate
        Rows per second offered by all processes, or None.
    share
        Number of this process, from 0.
    samples
        Directory of part files.
    part
        Name of the part file.
    """

    contestant: str
    target: Target
    load: Load
    rate: float | None
    share: int
    samples: Path
    part: str


@dataclass(frozen=True)
class Started:
    """A contestant as it runs."""

    versions: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Produced:
    """What a process did in a round.

    Attributes
    ----------
    part
        Its samples.
    last_ns
        When its last append was done, from the start of the round.
    commits, rows, size_bytes, failed, unstarted
        As of :class:`neuralake.results.ingest.records.Round`.
    cpu_ns, peak_rss_bytes
        Of its process tree during the round.
    message
        The first failure.
    """

    part: Part
    last_ns: int
    commits: int
    rows: int
    size_bytes: int | None
    failed: int
    unstarted: int
    cpu_ns: int | None
    peak_rss_bytes: int | None
    message: str | None


class ProducerProcess:
    """The object in the worker."""

    def __init__(self) -> None:
        self._close: list[Callable[[], None]] = []

    def prepare(self, task: Task) -> Started:
        """Start the contestant, make the batches, and warm up."""
        load, self._task = task.load, task
        self._batches = Batches(load.batch_rows, load.seed)
        contestant = contestant_type(task.contestant)(task.target)
        threads = range(task.share, load.producers, load.processes)
        self._appenders = [contestant.appender(self._batches) for _ in threads]
        self._close = [*(appender.close for appender in self._appenders), contestant.close]
        self._keeper = _Keeper(task, self._batches.rows)
        for index in range(task.share, load.warm_up, load.processes):
            self._warm_up(index)
        return Started(contestant.versions(), contestant.settings)

    def produce(self, start_ns: int) -> Produced:
        """Append until no batch is left.

        Parameters
        ----------
        start_ns
            Reading of the monotonic clock at which the round begins, in all its processes.
        """
        task, load = self._task, self._task.load
        duration_ns = None if load.duration_s is None else round(load.duration_s * _S)
        moments = None
        if load.arrivals != "closed" and task.rate is not None:
            moments = arrivals(load.arrivals, task.rate / load.batch_rows, load.seed)
        queue = Queue(
            moments,
            share=task.share,
            shares=load.processes,
            commits=load.commits,
            duration_ns=duration_ns,
            grace_ns=duration_ns or 0,
        )
        settle()
        pid = os.getpid()
        whole = shows_descendants(pid)
        reset_peak_memory(process_tree(pid))
        before = tree_usage(process_tree(pid))
        self._keeper.begin()
        self._run(start_ns, queue)
        tree = process_tree(pid)
        used, peak = tree_usage(tree).since(before), peak_memory_bytes(tree)
        return self._keeper.finish(
            queue.unstarted(), used.cpu_ns if whole else None, peak if whole else None
        )

    def close(self) -> None:
        """Let go of appenders and contestant."""
        for close in self._close:
            with suppress(Exception):  # everything is measured, and the process ends
                close()

    def _run(self, start_ns: int, queue: Queue) -> None:
        clock = MonotonicClock()
        producers = [
            threading.Thread(
                target=produce,
                args=(
                    clock,
                    start_ns,
                    queue,
                    _Producer(appender, self._batches, self._keeper, number).prepare,
                    self._keeper.keep,
                ),
                name=f"producer-{number}",
            )
            for number, appender in enumerate(self._appenders)
        ]
        clock.sleep_until(start_ns)
        for producer in producers:
            producer.start()
        for producer in producers:
            producer.join()

    def _warm_up(self, index: int) -> None:
        number = FIRST_OF_WARM_UP + index
        producer = _Producer(self._appenders[0], self._batches, self._keeper, 0)
        append = producer.prepare(number)
        clock = MonotonicClock()
        started_ns = clock.now_ns()
        append()
        # when the round begins is not known yet: only the length means anything
        took_ns = clock.now_ns() - started_ns
        self._keeper.keep(Due(number, None), -took_ns, -took_ns, 0)


class _Producer:
    """One thread's appender; what came of its last append is kept with the sample."""

    def __init__(self, appender: Appender, batches: Batches, keeper: _Keeper, number: int) -> None:
        self._appender, self._batches, self._keeper = appender, batches, keeper
        self._number = number

    def prepare(self, number: int) -> Callable[[], None]:
        batch = self._batches.batch(number)

        def append() -> None:
            try:
                outcome: Receipt | BaseException = self._appender.append(batch, number)
            except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
                outcome = error
            self._keeper.outcomes[number] = (self._number, outcome)

        return append


class _Keeper:
    """Takes samples from all threads, and streams them to the part file once a second."""

    def __init__(self, task: Task, rows: int) -> None:
        self.outcomes: dict[int, tuple[int, Receipt | BaseException]] = {}
        self._task, self._rows = task, rows
        self._writer = PartWriter(task.samples, task.part, COMMITS)
        self._samples: list[tuple[Any, ...]] = []
        self._is_over = threading.Event()
        self._flusher = threading.Thread(target=self._flush_now_and_then, daemon=True)
        self._is_warming_up = True
        self._commits = self._failed = self._last_ns = 0
        self._size_bytes: int | None = None
        self._message: str | None = None

    def begin(self) -> None:
        """The round begins: from now on samples count."""
        self._is_warming_up = False
        self._flusher.start()

    def keep(self, due: Due, intended_ns: int, started_ns: int, done_ns: int) -> None:
        """One append is done: its outcome was left by its producer."""
        producer, outcome = self.outcomes.pop(due.number)
        receipt, message = Receipt(), None
        if isinstance(outcome, Receipt):
            receipt = outcome
        else:
            message = one_line(outcome, self._task.target.options)
        self._samples.append(
            (
                due.number,
                producer,
                self._is_warming_up,
                intended_ns,
                started_ns,
                done_ns,
                self._rows,
                message is None,
                receipt.version,
                receipt.size_bytes,
                receipt.appends,
                receipt.attempts,
                *receipt.steps_ns,
                message,
            )
        )

    def finish(self, unstarted: int, cpu_ns: int | None, peak_rss_bytes: int | None) -> Produced:
        """The round is over."""
        self._is_over.set()
        self._flusher.join()
        self._flush()
        return Produced(
            part=self._writer.finish(),
            last_ns=self._last_ns,
            commits=self._commits,
            rows=self._commits * self._rows,
            size_bytes=self._size_bytes,
            failed=self._failed,
            unstarted=unstarted,
            cpu_ns=cpu_ns,
            peak_rss_bytes=peak_rss_bytes,
            message=self._message,
        )

    def _flush_now_and_then(self) -> None:
        while not self._is_over.wait(_FLUSH_EVERY_S):
            self._flush()

    def _flush(self) -> None:
        # appends of other threads go to the end of the list meanwhile, and stay in it
        count = len(self._samples)
        taken, self._samples[:count] = self._samples[:count], []
        self._writer.write(taken)
        for sample in taken:
            self._count(dict(zip(COMMITS.names, sample, strict=True)))

    def _count(self, sample: Mapping[str, Any]) -> None:
        if not sample["is_acknowledged"]:
            self._failed += 1
            self._message = self._message or sample["message"]
        if sample["is_warm_up"] or not sample["is_acknowledged"]:
            return
        self._commits += 1
        self._last_ns = max(self._last_ns, sample["done_ns"])
        if sample["size_bytes"] is not None:  # of a commit, which several appends may share
            share = sample["size_bytes"] // (sample["appends"] or 1)
            self._size_bytes = (self._size_bytes or 0) + share
