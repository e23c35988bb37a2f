"""A reader beside the writing: it polls, and notes when each question was due, asked and answered.

Runs in a worker (:mod:`neuralake.measure.worker`), which is spawned for each round.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from neuralake.results.freshness.samples import POLLS, SIGHTINGS
from neuralake.results.parts import Part, PartWriter
from neuralake.storage import one_line
from neuralake.workloads.freshness.events import TABLE
from neuralake.workloads.freshness.questions import (
    SCHEMA,
    WHOLE_QUESTION,
    Checker,
    ImpossibleError,
)
from neuralake.workloads.freshness.readers.protocol import Reader
from neuralake.workloads.places import Target
from neuralake.workloads.polling import Polls
from neuralake.workloads.schedule import Clock, MonotonicClock
from neuralake.workloads.serving.contestants.protocol import Site

_S = 1_000_000_000
_STEP_S = 0.02


@dataclass(frozen=True)
class ReaderTask:
    """What a reader is to do.

    Attributes
    ----------
    reader
        Its name.
    target
        The table.
    site
        Where a server serves it.
    due
        How many records each producer sends.
    window
        Records of each producer that are asked for again.
    poll_s
        From one poll to the next.
    connections
        How many questions may be under way at once.
    samples, stem
        Directory of part files, and the beginning of their names.
    """

    reader: str
    target: Target
    site: Site
    due: tuple[int, ...]
    window: int
    poll_s: float
    connections: int
    samples: Path
    stem: str


@dataclass(frozen=True)
class StartedReader:
    """A reader as it runs."""

    versions: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What came of a round.

    Attributes
    ----------
    polls_part, sightings_part
        Samples.
    polls, asked, failed, apart_ns, violations, violation
        As of :class:`neuralake.results.freshness.records.Round`.
    held
        Up to where answers had the records of each producer.
    last_ns
        When the last answer was there.
    message
        What the first failure said.
    """

    polls_part: Part
    sightings_part: Part
    polls: int
    asked: int
    failed: int
    apart_ns: int | None
    violations: int
    violation: str | None
    held: tuple[int, ...]
    last_ns: int
    message: str | None


@dataclass
class Notes:
    """What was asked and answered so far; safe for many threads."""

    polls: list[tuple[int, int, int, int | None, str | None]] = field(default_factory=list)
    sightings: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    answered_ns: list[int] = field(default_factory=list)
    asked: int = 0
    failed: int = 0
    violations: int = 0
    violation: str | None = None
    message: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def answer(self, due: Sequence[int], asked_ns: int, at_ns: int, ends: Sequence[int]) -> None:
        """A question was answered, and its answer is possible."""
        with self._lock:
            query = self._note(due, asked_ns, at_ns, None)
            self.answered_ns.append(at_ns)
            self.sightings += [
                (query, asked_ns, at_ns, producer, end) for producer, end in enumerate(ends)
            ]

    def fail(self, due: Sequence[int], asked_ns: int, message: str) -> None:
        """A question was not answered."""
        with self._lock:
            self._note(due, asked_ns, None, message)
            self.failed += 1
            self.message = self.message or message

    def violate(self, due: Sequence[int], asked_ns: int, at_ns: int, message: str) -> None:
        """An answer is impossible."""
        with self._lock:
            self._note(due, asked_ns, at_ns, message)
            self.violations += 1
            self.violation = self.violation or message

    def _note(
        self, due: Sequence[int], asked_ns: int, at_ns: int | None, message: str | None
    ) -> int:
        query = self.asked
        self.asked += 1
        self.polls += [(query, due_ns, asked_ns, at_ns, message) for due_ns in due]
        return query


def ask_until(
    is_over: Callable[[], bool],
    polls: Polls,
    clock: Clock,
    start_ns: int,
    reader: Reader,
    checker: Checker,
    notes: Notes,
    secrets: Mapping[str, str],
) -> None:
    """Ask whenever a poll is due: what each connection does.

    Parameters
    ----------
    is_over
        Whether no further poll is to be taken.
    polls
        Shared by the connections.
    clock, start_ns
        Of the machine, and its reading at the moment 0.
    reader, checker, notes
        Who is asked, who judges, and where it is noted.
    secrets
        Not to be in a message.
    """
    while not is_over():
        due = polls.take()
        question = checker.question()
        asked_ns = clock.now_ns() - start_ns
        try:
            answer = reader.ask(question.sql, SCHEMA)
        except Exception as error:  # noqa: BLE001 (whatever a table in flux makes it raise)
            notes.fail(due, asked_ns, one_line(error, secrets))
            continue
        at_ns = clock.now_ns() - start_ns
        try:
            ends = checker.check(question, answer)
        except ImpossibleError as error:
            notes.violate(due, asked_ns, at_ns, str(error))
        else:
            notes.answer(due, asked_ns, at_ns, ends)


class ReadingProcess:
    """The object in the worker."""

    def prepare(self, task: ReaderTask) -> StartedReader:
        """Start the reader, and let it read the table once."""
        from neuralake.workloads.freshness.readers.registry import open_reader

        self._task = task
        self._reader = open_reader(task.reader, TABLE, task.target, task.site)
        self._checker = Checker(task.due, task.window)
        self._notes = Notes()
        self._is_over = threading.Event()
        question = self._checker.question()
        self._checker.check(question, self._reader.ask(question.sql, SCHEMA))
        return StartedReader(self._reader.versions(), self._reader.settings)

    def start(self, start_ns: int) -> None:
        """Poll from a reading of the monotonic clock on; this returns at once."""
        task, clock = self._task, MonotonicClock()
        polls = Polls(clock, start_ns, round(task.poll_s * _S))
        shared = (clock, start_ns, self._reader, self._checker, self._notes, task.target.options)
        self._threads = [
            threading.Thread(
                target=ask_until, args=(self._is_over.is_set, polls, *shared), daemon=True
            )
            for _ in range(task.connections)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, ends: Sequence[int], patience_s: float) -> Asked:
        """Poll until all records are seen, ask for everything once more, and tell what came of it.

        After an answer that is impossible nothing more is waited for: the round is lost.

        Parameters
        ----------
        ends
            How many records of each producer were acknowledged.
        patience_s
            How long the last of them are waited for.
        """
        give_up_s = time.monotonic() + patience_s
        while time.monotonic() < give_up_s and not self._has_seen(ends):
            if self._notes.violations:
                break
            time.sleep(_STEP_S)
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._ask_for_everything()
        return self._told()

    def close(self) -> None:
        """Stop the reader."""
        self._is_over.set()
        self._reader.close()

    def _has_seen(self, ends: Sequence[int]) -> bool:
        return all(h >= end for h, end in zip(self._checker.held, ends, strict=True))

    def _ask_for_everything(self) -> None:
        notes = self._notes
        try:
            self._checker.check_whole(self._reader.ask(WHOLE_QUESTION, SCHEMA))
        except ImpossibleError as error:
            notes.violations += 1
            notes.violation = notes.violation or str(error)
        except Exception as error:  # noqa: BLE001 (whatever the reader raises)
            notes.violations += 1
            reason = one_line(error, self._task.target.options)
            notes.violation = notes.violation or f"everything could not be asked for: {reason}"

    def _told(self) -> Asked:
        notes, task = self._notes, self._task
        polls = PartWriter(task.samples, f"{task.stem}-polls", POLLS)
        polls.write(notes.polls)
        sightings = PartWriter(task.samples, f"{task.stem}-sightings", SIGHTINGS)
        sightings.write(notes.sightings)
        answered = sorted(notes.answered_ns)
        apart = [b - a for a, b in pairwise(answered)]
        return Asked(
            polls_part=polls.finish(),
            sightings_part=sightings.finish(),
            polls=len(notes.polls),
            asked=notes.asked,
            failed=notes.failed,
            apart_ns=round(median(apart)) if apart else None,
            violations=notes.violations,
            violation=notes.violation,
            held=self._checker.held,
            last_ns=answered[-1] if answered else 0,
            message=notes.message,
        )
