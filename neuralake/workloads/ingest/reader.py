"""A reader beside the producers: it asks again and again which batches there are.

Runs in a worker. Polls are due at even distances, whatever the producers do; those that wait share
an answer, so that they never queue. Each opens the table anew, as a dashboard's query does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from neuralake.results.ingest.samples import SIGHTINGS
from neuralake.results.parts import Part, PartWriter
from neuralake.storage import one_line
from neuralake.workloads.engine_reader import EngineReader
from neuralake.workloads.ingest.producer import FIRST_OF_WARM_UP
from neuralake.workloads.ingest.verification import TABLE
from neuralake.workloads.places import Target
from neuralake.workloads.polling import Polls
from neuralake.workloads.schedule import Clock, MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Iterable


_S = 1_000_000_000


@dataclass(frozen=True)
class ReaderTask:
    """What a reader is to do.

    Attributes
    ----------
    engine
        Its name.
    target
        The table.
    poll_s
        From one poll to the next, in seconds.
    samples
        Directory of part files.
    part
        Name of the part file.
    """

    engine: str
    target: Target
    poll_s: float
    samples: Path
    part: str


@dataclass(frozen=True)
class Polled:
    """What a reader saw in a round.

    Attributes
    ----------
    part
        When it saw each batch.
    polls, failed
        Queries that were answered, and that raised.
    apart_ns
        Median time from one answer to the next: the width of an interval.
    unseen
        Acknowledged batches that it never saw.
    message
        What the first failure said.
    """

    part: Part
    polls: int
    failed: int
    apart_ns: int | None
    unseen: int
    message: str | None


class Sightings:
    """Which batches were seen, and between which two answers each of them came in sight."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.rows: list[tuple[int, int | None, int]] = []
        self.answers_ns: list[int] = []
        self._floor = 0

    @property
    def floor(self) -> int:
        """The least batch that was not seen: nobody needs to ask for those before."""
        while self._floor in self.seen:
            self._floor += 1
        return self._floor

    def answer(self, batches: Iterable[int], at_ns: int) -> None:
        """A query was answered.

        Parameters
        ----------
        batches
            That it holds.
        at_ns
            When its answer was there, from the start of the round.
        """
        before_ns = self.answers_ns[-1] if self.answers_ns else None
        for batch in sorted(set(batches) - self.seen):
            self.rows.append((batch, before_ns, at_ns))
            self.seen.add(batch)
        self.answers_ns.append(at_ns)

    def apart_ns(self) -> int | None:
        """Median time from one answer to the next."""
        pairs = zip(self.answers_ns, self.answers_ns[1:], strict=False)
        apart = [later - earlier for earlier, later in pairs]
        return round(median(apart)) if apart else None


class ReaderProcess:
    """The object in the worker."""

    def prepare(self, task: ReaderTask) -> dict[str, str]:
        """Start the engine, and let it read the table once."""
        self._task = task
        self._reader = EngineReader(task.engine, TABLE, task.target)
        self._sightings = Sightings()
        self._is_enough = threading.Event()
        self._expected: int | None = None
        self._failed = 0
        self._message: str | None = None
        self._ask()
        return self._reader.versions()

    def start(self, start_ns: int) -> None:
        """Poll from the start of the round on; this returns at once.

        Parameters
        ----------
        start_ns
            Reading of the monotonic clock then.
        """
        self._thread = threading.Thread(target=self._poll, args=(MonotonicClock(), start_ns))
        self._thread.start()

    def stop(self, commits: int, patience_s: float) -> Polled:
        """Poll until all batches are seen, and tell when each was.

        Parameters
        ----------
        commits
            How many were acknowledged.
        patience_s
            How long the last of them are waited for.
        """
        self._expected = commits
        self._thread.join(patience_s)
        self._is_enough.set()
        self._thread.join()
        sightings = self._sightings
        writer = PartWriter(self._task.samples, self._task.part, SIGHTINGS)
        writer.write(sightings.rows)
        return Polled(
            part=writer.finish(),
            polls=len(sightings.answers_ns),
            failed=self._failed,
            apart_ns=sightings.apart_ns(),
            unseen=max(commits - len(sightings.seen), 0),
            message=self._message,
        )

    def close(self) -> None:
        """Stop the engine."""
        self._is_enough.set()
        self._reader.close()

    def _poll(self, clock: Clock, start_ns: int) -> None:
        polls = Polls(clock, start_ns, round(self._task.poll_s * _S))
        while not self._is_enough.is_set() and not self._has_seen_all():
            polls.take()
            try:
                batches = self._ask()
            except Exception as error:  # noqa: BLE001 (whatever a table in flux makes it raise)
                self._failed += 1
                self._message = self._message or one_line(error, self._task.target.options)
                continue
            self._sightings.answer(batches, clock.now_ns() - start_ns)

    def _has_seen_all(self) -> bool:
        return self._expected is not None and len(self._sightings.seen) >= self._expected

    def _ask(self) -> list[int]:
        answer = self._reader.ask(
            f"SELECT DISTINCT batch FROM {TABLE} "  # noqa: S608 (our own)
            f"WHERE batch >= {self._sightings.floor} AND batch < {FIRST_OF_WARM_UP}"
        )
        batches: list[int] = answer.column(0).to_pylist()
        return batches
