"""One round: a server and a driver, each in a process of its own, from start to verdict."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuralake.catalog.tables import Table
from neuralake.errors import LoadError
from neuralake.measure.worker import Worker
from neuralake.results.parts import SAMPLES
from neuralake.results.records import EngineRecord
from neuralake.results.serving.records import Capacity, Key, Rate, Round
from neuralake.results.timestamps import timestamp
from neuralake.starting import free_ports
from neuralake.workloads.recording import Roster
from neuralake.workloads.rounds import RoundError, answer, answers, round_worker
from neuralake.workloads.serving.contestants.protocol import HOST, Site
from neuralake.workloads.serving.driver import DriverTask, Found, Started
from neuralake.workloads.serving.pace import Pace
from neuralake.workloads.serving.plan import ServingPlan
from neuralake.workloads.serving.server import Used

_DRIVER = "neuralake.workloads.serving.driver:DriverProcess"
_SERVER = "neuralake.workloads.serving.server:ServerProcess"
_HEAD_START_NS = 50_000_000
_START_TIMEOUT_S = 120.0
_CHECK_TIMEOUT_S = 3600.0
_LEAST_LOW_PER_SECOND = 10.0
_LOW_SHARE = 0.1
_SATURATING = 1.0
_BEFORE_NS = 1_000_000_000
_S = 1_000_000_000


@dataclass(frozen=True)
class Stage:
    """What all rounds of a run have in common.

    Attributes
    ----------
    tables
        By name.
    catalog
        A file that declares them.
    answers
        Directory of TPC-H's answers.
    scratch
        Directory in which each server gets an empty one.
    """

    tables: dict[str, Table]
    catalog: Path
    answers: Path
    scratch: Path


class RoundRunner:
    """Measures the rounds of a plan, one after another.

    Parameters
    ----------
    plan
        What is measured.
    directory
        Of the run.
    stage
        Tables, and right answers.
    roster
        That contestants are entered in as they are met.
    """

    def __init__(self, plan: ServingPlan, directory: Path, stage: Stage, roster: Roster) -> None:
        self._plan, self._directory = plan, directory
        self._stage, self._roster = stage, roster

    def search(self, contestant: str) -> Capacity:
        """Find the capacity of a contestant; one that cannot be found says why."""
        try:
            with ExitStack() as stack:
                pair = self._start(contestant, f"{contestant}-capacity", stack)
                answer(partial(pair.driver.call, "warm_up", timeout_s=_CHECK_TIMEOUT_S))
                found: Found = answer(
                    partial(pair.driver.call, "search", timeout_s=_CHECK_TIMEOUT_S)
                )
        except RoundError as failure:
            return Capacity(contestant, failure.status, message=failure.message)
        best = max((step.per_second for step in found.steps), default=0.0)
        return Capacity(
            contestant=contestant,
            status="ok" if best > 0 else "error",
            per_second=best or None,
            steps=found.steps,
            parts=(found.part,),
            wrong=found.wrong,
            ready_ns=pair.ready_ns,
            message=found.message,
        )

    def measure(self, key: Key, rate: Rate, capacity: Capacity) -> Round:
        """Measure a round; one that does not come to its end says why."""
        started_at = timestamp()
        if capacity.per_second is None:
            said = f"its capacity is not known: {capacity.message or capacity.status}"
            return Round(key, "error", started_at, message=said)
        offered = rate.offered(capacity.per_second)
        try:
            with ExitStack() as stack:
                pair = self._start(key.contestant, key.stem, stack)
                return self._measure(key, offered, capacity, pair, started_at)
        except RoundError as failure:
            return Round(key, failure.status, started_at, offered, message=failure.message)

    def _measure(
        self, key: Key, offered: float, capacity: Capacity, pair: _Pair, started_at: str
    ) -> Round:
        load = self._plan.load
        load_ns = round(load.duration_s * _S)
        most = capacity.per_second or 0.0
        is_saturating = offered >= _SATURATING * most and load.recovery_s > 0
        pace = Pace(
            kind=load.arrivals,
            per_second=offered,
            duration_ns=load_ns,
            low_per_second=max(_LOW_SHARE * most, _LEAST_LOW_PER_SECOND),
            before_ns=_BEFORE_NS if is_saturating else 0,
            after_ns=round(load.recovery_s * _S) if is_saturating else 0,
            seed=load.seed + key.round,
        )
        answer(partial(pair.driver.call, "warm_up", timeout_s=_CHECK_TIMEOUT_S))
        start_ns = time.monotonic_ns() + _HEAD_START_NS + pace.before_ns
        driven: Found
        used: Used
        driven, used = answers(
            [
                partial(
                    pair.driver.call,
                    "run",
                    pace,
                    start_ns,
                    timeout_s=load.duration_s + load.timeout_s + _CHECK_TIMEOUT_S,
                ),
                partial(pair.server.call, "use_between", start_ns, start_ns + load_ns),
            ]
        )
        is_inside = pair.ready_ns is None
        return Round(
            key=key,
            status="ok",
            started_at=started_at,
            offered=offered,
            requests=driven.requests,
            answered=driven.answered,
            refused=driven.refused,
            failed=driven.failed,
            timeouts=driven.timeouts,
            wrong=driven.wrong,
            elapsed_ns=driven.elapsed_ns,
            parts=(driven.part,),
            cpu_ns=None if is_inside else used.cpu_ns,
            peak_rss_bytes=driven.peak_rss_bytes if is_inside else used.peak_rss_bytes,
            driver_cpu_ns=driven.cpu_ns,
            recovery_ns=driven.recovery_ns,
            recovers=driven.recovery_ns is not None if is_saturating else None,
            message=driven.message,
        )

    def _start(self, contestant: str, stem: str, stack: ExitStack) -> _Pair:
        site = stack.enter_context(self._site(stem))
        logs = self._directory / "logs"
        server = stack.enter_context(round_worker(_SERVER, logs / f"{stem}-server.log"))
        patience_s = _START_TIMEOUT_S
        ready_ns = answer(
            partial(server.call, "start", contestant, site, patience_s, timeout_s=2 * patience_s)
        )
        driver = stack.enter_context(round_worker(_DRIVER, logs / f"{stem}-driver.log"))
        task = DriverTask(
            contestant=contestant,
            site=site,
            load=self._plan.load,
            queries=() if self._plan.tpch is None else self._plan.tpch.queries,
            answers=self._stage.answers,
            samples=self._directory / SAMPLES,
            part=stem,
        )
        started: Started = answer(partial(driver.call, "prepare", task, timeout_s=_START_TIMEOUT_S))
        self._roster.enter(
            EngineRecord(contestant, versions=started.versions, settings=started.settings)
        )
        return _Pair(server, driver, ready_ns)

    @contextmanager
    def _site(self, stem: str) -> Iterator[Site]:
        directory = self._stage.scratch / stem
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        first, second = free_ports(HOST, (0, 0), "a server", LoadError)
        try:
            yield Site(self._stage.tables, self._stage.catalog, directory, (first, second))
        finally:
            shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True)
class _Pair:
    """A server and its driver, both ready."""

    server: Worker
    driver: Worker
    ready_ns: int | None
