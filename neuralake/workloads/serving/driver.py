"""The driver's process: it asks a contestant, keeps what became of each request, and checks it.

Runs in a worker (:mod:`neuralake.measure.worker`), which is spawned for each round. Answers are
checked when nothing is measured any more.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neuralake.measure.execution import settle
from neuralake.measure.process import (
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    shows_descendants,
    tree_usage,
)
from neuralake.queries.query import Query
from neuralake.results.parts import Part
from neuralake.results.serving.records import Load, Step
from neuralake.results.serving.samples import ERROR, OK, REFUSED, TIMEOUT, WRONG
from neuralake.workloads.schedule import MonotonicClock
from neuralake.workloads.serving.by_calls import CallDriver
from neuralake.workloads.serving.contestants.protocol import (
    ByCalls,
    Constant,
    Contestant,
    OverHttp,
    Site,
)
from neuralake.workloads.serving.contestants.registry import contestant_type
from neuralake.workloads.serving.events import make_events
from neuralake.workloads.serving.expected import Expected, Verdict, read_answers
from neuralake.workloads.serving.keeping import Keeper
from neuralake.workloads.serving.outcomes import Outcomes
from neuralake.workloads.serving.over_http import HttpDriver
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.recovery import recovery_ns
from neuralake.workloads.serving.requests import Request, Requests

_S = 1_000_000_000
_MORE = 1.05  # times the best step before: less is no more
_WARM_UP_CONNECTIONS = 4


@dataclass(frozen=True)
class DriverTask:
    """What a driver is to do.

    Attributes
    ----------
    contestant
        Its name.
    site
        Where it serves.
    load
        What is asked.
    queries
        TPC-H's, where they are asked.
    answers
        Directory of their answers.
    samples
        Directory of part files.
    part
        Name of the part file.
    """

    contestant: str
    site: Site
    load: Load
    queries: tuple[Query, ...]
    answers: Path
    samples: Path
    part: str


@dataclass(frozen=True)
class Started:
    """A contestant as it runs."""

    versions: Mapping[str, str]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What came of a driver's work.

    Attributes
    ----------
    part
        Its samples.
    steps
        Of a search for the capacity.
    requests, answered, refused, failed, timeouts, wrong
        While a load lasted, as of :class:`neuralake.results.serving.records.Round`; of a search,
        ``wrong`` alone.
    elapsed_ns
        Until the last answer to the load.
    cpu_ns, peak_rss_bytes
        Of the driver's process while the load lasted.
    recovery_ns
        As of the round.
    message
        The first failure, or the first wrong answer.
    """

    part: Part
    steps: tuple[Step, ...] = ()
    requests: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    timeouts: int = 0
    wrong: int = 0
    elapsed_ns: int = 0
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    recovery_ns: int | None = None
    message: str | None = None


class _Driver(Protocol):
    def run(
        self,
        outcomes: Outcomes,
        pace: Pace | ClosedLoop,
        requests: Iterator[Request],
        start_ns: int,
    ) -> None: ...

    def close(self) -> None: ...


class DriverProcess:
    """The object in the worker."""

    def __init__(self) -> None:
        self._close: list[Callable[[], None]] = []

    def prepare(self, task: DriverTask) -> Started:
        """Load everything that asking and checking need, and open the samples."""
        self._task, self._load = task, task.load
        self._contestant: Contestant = contestant_type(task.contestant)(task.site)
        self._requests = Requests(task.load.mix, task.queries)
        tpch = read_answers(task.answers, len(task.queries))
        events = make_events(task.load.mix.table_rows, task.load.seed)
        self._expected = Expected(self._requests, events, tpch)
        self._drawn = self._requests.draw(task.load.seed)
        self._keeper = Keeper(task.samples, task.part)
        self._driver = self._make_driver()
        return Started(self._contestant.versions(), self._contestant.settings)

    def warm_up(self) -> None:
        """A closed loop that is in no figure."""
        outcomes = self._outcomes()
        duration_ns = round(self._load.warm_up_s * _S)
        pace = ClosedLoop(_WARM_UP_CONNECTIONS, duration_ns)
        self._driver.run(outcomes, pace, self._drawn, time.monotonic_ns())
        self._keeper.keep(outcomes, "warm-up", self._verdicts(outcomes))

    def search(self) -> Found:
        """Find the capacity, by closed loops of one connection, two, four and so on.

        The capacity is the most that any of them has answered a second. The search ends when two
        steps in a row bring less than 5 % more than the best before them, or connections are used
        up.
        """
        steps: list[Step] = []
        wrong, message = 0, None
        connections, without_gain = 1, 0
        while without_gain < 2:
            outcomes = self._outcomes()
            duration_ns = round(self._load.capacity_step_s * _S)
            settle()
            self._driver.run(
                outcomes, ClosedLoop(connections, duration_ns), self._drawn, time.monotonic_ns()
            )
            best = max((step.per_second for step in steps), default=0.0)
            steps.append(_step(outcomes, connections, duration_ns))
            self._keeper.keep(outcomes, "search", self._verdicts(outcomes))
            wrong += outcomes.count(WRONG)
            message = message or _first_message(outcomes)
            without_gain = 0 if steps[-1].per_second > _MORE * best else without_gain + 1
            if connections >= self._load.connections:
                break
            connections = min(2 * connections, self._load.connections)
        part = self._keeper.finish()
        return Found(part, tuple(steps), wrong=wrong, message=message)

    def run(self, pace: Pace, start_ns: int) -> Found:
        """Offer a load, and perhaps a low rate before and after it.

        Parameters
        ----------
        pace
            When requests are due.
        start_ns
            Reading of the monotonic clock at which the load begins.
        """
        outcomes = self._outcomes()
        settle()
        pid = os.getpid()
        whole = shows_descendants(pid)
        reset_peak_memory(process_tree(pid))
        usage = _UsageOfLoad(start_ns, pace.duration_ns)
        self._driver.run(outcomes, pace, self._drawn, start_ns)
        cpu_ns = usage.cpu_ns()
        peak = peak_memory_bytes(process_tree(pid))
        self._keeper.keep(outcomes, "load", self._verdicts(outcomes), pace.duration_ns)
        intended = outcomes.column("intended")
        of_load = np.flatnonzero((intended >= 0) & (intended < pace.duration_ns)).tolist()
        recovery = None
        if pace.after_ns:
            recovery = recovery_ns(outcomes, pace.duration_ns, pace.after_ns)
        return Found(
            part=self._keeper.finish(),
            requests=len(of_load),
            answered=outcomes.count(OK, of_load),
            refused=outcomes.count(REFUSED, of_load),
            failed=outcomes.count(ERROR, of_load),
            timeouts=outcomes.count(TIMEOUT, of_load),
            wrong=outcomes.count(WRONG),
            elapsed_ns=max([0, *(outcomes.done[n] for n in of_load)]),
            cpu_ns=cpu_ns if whole else None,
            peak_rss_bytes=peak if whole else None,
            recovery_ns=recovery,
            message=_first_message(outcomes),
        )

    def close(self) -> None:
        """Let go of connections and contestant."""
        for close in self._close:
            with suppress(Exception):  # everything is measured, and the process ends
                close()

    def _make_driver(self) -> _Driver:
        contestant, connections = self._contestant, self._load.connections
        driver: _Driver
        if isinstance(contestant, OverHttp):
            message, text = contestant.message, self._requests.sql
            driver = HttpDriver(contestant.address, lambda r: message(text(r)), connections)
            self._close = [driver.close]
        elif isinstance(contestant, ByCalls):
            driver = CallDriver(contestant.connect, self._requests.sql, connections)
            self._close = [driver.close, contestant.close]
        else:
            raise TypeError(f"{contestant.name} is asked neither over HTTP nor by calls")
        return driver

    def _outcomes(self) -> Outcomes:
        return Outcomes(round(self._load.timeout_s * _S))

    def _verdicts(self, outcomes: Outcomes) -> dict[tuple[Request, int], Verdict]:
        """Check each answer that differs from all others; then what was wrong is."""
        bodies = outcomes.bodies
        if isinstance(self._contestant, Constant):
            constant = self._contestant.constant
            judged = [
                Verdict(1) if body == constant else Verdict(None, "it is not the constant answer")
                for body in bodies.values()
            ]
        else:
            asked = [(request, body) for (request, _), body in bodies.items()]
            judged = self._expected.judge(asked, self._contestant.read)
        verdicts = dict(zip(bodies, judged, strict=True))
        outcomes.judge({key: v.fault for key, v in verdicts.items() if v.fault is not None})
        return verdicts


class _UsageOfLoad:
    """Processor time of this process from the start of a load to its end."""

    def __init__(self, start_ns: int, load_ns: int) -> None:
        self._used: int | None = None
        self._thread = threading.Thread(
            target=self._read_at, args=(start_ns, start_ns + load_ns), daemon=True
        )
        self._thread.start()

    def cpu_ns(self) -> int | None:
        """The figure."""
        self._thread.join()
        return self._used

    def _read_at(self, start_ns: int, end_ns: int) -> None:
        clock = MonotonicClock()
        clock.sleep_until(start_ns)
        before = tree_usage([os.getpid()])
        clock.sleep_until(end_ns)
        self._used = tree_usage([os.getpid()]).since(before).cpu_ns


def _step(outcomes: Outcomes, connections: int, duration_ns: int) -> Step:
    is_ok = outcomes.column("status") == OK
    done = outcomes.column("done")[is_ok]
    latency = done - outcomes.column("intended")[is_ok]
    elapsed_s = max(duration_ns, int(done.max()) if done.size else 0) / _S
    return Step(
        connections=connections,
        answered=int(is_ok.sum()),
        refused=outcomes.count(REFUSED),
        failed=outcomes.count(ERROR) + outcomes.count(TIMEOUT),
        per_second=float(is_ok.sum() / elapsed_s),
        median_ms=float(np.median(latency)) / 1e6 if latency.size else None,
    )


def _first_message(outcomes: Outcomes) -> str | None:
    return outcomes.messages[min(outcomes.messages)] if outcomes.messages else None
