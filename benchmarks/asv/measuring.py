"""Both arms of every engine, side by side: an engine after the other, rounds in turn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from .anchor import AnchorError, ready_anchor
from .dataset import (
    Dataset,
    module_command,
    module_environment,
    project_root,
    ready_dataset,
)
from .plan import Plan, anchor_commit, arms, plans

WHOLE: Final = "engine"
STREAMS: Final = "streams"


class MeasurementError(Exception):
    """There is no number, for the reason given."""


@dataclass
class Measured:
    """What one engine did in one arm.

    Attributes
    ----------
    latency_s
        Seconds by query, a sample a round.
    elapsed_s
        Seconds by number of concurrent streams, a sample a run.
    peak_rss_bytes
        Of its process tree after the rounds, before there are concurrent streams.
    failures
        What went wrong, by query, ``streams`` or ``engine``.
    """

    latency_s: dict[str, list[float]] = field(default_factory=dict)
    elapsed_s: dict[int, list[float]] = field(default_factory=dict)
    peak_rss_bytes: int | None = None
    failures: dict[str, str] = field(default_factory=dict)

    def query(self, name: str) -> list[float]:
        """Samples of a query. Raises ``MeasurementError`` if an answer was wrong or missing."""
        self._complain(name)
        return self.latency_s[name]

    def streams(self, count: int) -> list[float]:
        """Samples of concurrent streams. Raises ``MeasurementError`` as :meth:`query` does."""
        self._complain(STREAMS)
        return self.elapsed_s[count]

    def memory(self) -> int:
        """Peak memory in bytes. Raises ``MeasurementError`` if any query has no number."""
        self._complain(*self.failures)
        if self.peak_rss_bytes is None:
            raise MeasurementError("memory was not measured")
        return self.peak_rss_bytes

    def _complain(self, *kinds: str) -> None:
        for kind in (WHOLE, *kinds):
            if kind in self.failures:
                raise MeasurementError(f"{kind}: {self.failures[kind]}")


@dataclass(frozen=True)
class Measurements:
    """Everything that one commit's environment has measured.

    Attributes
    ----------
    plans
        By engine.
    arms
        By arm and engine.
    """

    plans: Mapping[str, Plan]
    arms: Mapping[str, Mapping[str, Measured]]


class Arm:
    """A running worker, and what it has measured so far."""

    def __init__(self, plan: Plan, dataset: Dataset, path: Sequence[str]) -> None:
        self.measured = Measured()
        options = json.dumps(dict(plan.options))
        arguments = (plan.engine, options, dataset.path, dataset.answers, ",".join(plan.queries))
        self._process = subprocess.Popen(
            module_command("worker", *map(str, arguments)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=module_environment(*path),
            text=True,
        )
        self._guarded(lambda: self._check_origin(self._reply()["neuralake"], path))

    def round(self, *, counted: bool) -> None:
        """Each query once."""
        self._guarded(lambda: self._round(counted=counted))

    def streams(self, count: int) -> None:
        """So many streams at once."""
        self._guarded(lambda: self._streams(count))

    def memory(self) -> None:
        """Peak memory so far."""
        self._guarded(self._memory)

    def close(self) -> None:
        """End the process: a worker ends with its input."""
        self._process.communicate()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Take a step, unless the process has ended; if it ends now, remember that."""
        if WHOLE in self.measured.failures:
            return
        try:
            step()
        except (MeasurementError, OSError) as error:
            self.measured.failures[WHOLE] = str(error)

    def _check_origin(self, package: str, path: Sequence[str]) -> None:
        if path and not package.startswith(path[0]):
            raise MeasurementError(f"the worker has the Neuralake of {package}, not of {path[0]}")

    def _round(self, *, counted: bool) -> None:
        reply = self._ask({"do": "round"})
        self.measured.failures |= reply["failures"]
        if counted:
            for query, seconds in reply["seconds"].items():
                self.measured.latency_s.setdefault(query, []).append(seconds)

    def _streams(self, count: int) -> None:
        reply = self._ask({"do": "streams", "count": count})
        for query, failure in reply["failures"].items():
            self.measured.failures[STREAMS] = f"{query}: {failure}"
        self.measured.elapsed_s.setdefault(count, []).append(reply["seconds"])

    def _memory(self) -> None:
        self.measured.peak_rss_bytes = self._ask({"do": "peak_rss"})["bytes"]

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            status = self._process.wait()
            raise MeasurementError(f"its process ended with status {status}")
        reply: dict[str, Any] = json.loads(line)
        return reply


def measure_all(environ: Mapping[str, str]) -> Measurements:
    """Measure every engine that is asked for, in the arms that are asked for."""
    chosen = plans(environ)
    dataset = ready_dataset(environ)
    paths: dict[str, list[str]] = {"commit": []}
    unusable: dict[str, str] = {}
    if "anchor" in arms(environ):
        try:
            paths["anchor"] = [str(ready_anchor(anchor_commit(environ), project_root(environ)))]
        except AnchorError as error:  # the commit's own numbers do not need it
            unusable["anchor"] = str(error)
    paths = {arm: path for arm, path in paths.items() if arm in arms(environ)}
    found: dict[str, dict[str, Measured]] = {arm: {} for arm in (*paths, *unusable)}
    for engine, plan in chosen.items():
        for arm, measured in measure(plan, dataset, paths).items():
            found[arm][engine] = measured
        for arm, reason in unusable.items():
            found[arm][engine] = Measured(failures={WHOLE: reason})
    return Measurements(chosen, found)


def measure(
    plan: Plan, dataset: Dataset, paths: Mapping[str, Sequence[str]]
) -> dict[str, Measured]:
    """One engine in each arm, in turn.

    Parameters
    ----------
    plan
        What it is to do.
    dataset
        On which.
    paths
        For each arm the directories that go first on the path of its worker.
    """
    workers: dict[str, Arm] = {}
    try:
        for arm, path in paths.items():
            workers[arm] = Arm(plan, dataset, path)
        _in_turn(workers, 1, lambda arm: arm.round(counted=False))
        _in_turn(workers, plan.rounds, lambda arm: arm.round(counted=True))
        _in_turn(workers, 1, lambda arm: arm.memory())
        for count in plan.streams:
            _in_turn(workers, plan.stream_rounds, partial(Arm.streams, count=count))
    finally:
        for worker in workers.values():
            worker.close()
    for arm, worker in workers.items():
        for what, failure in worker.measured.failures.items():
            print(f"{plan.engine}, {arm}: {what}: {failure}", flush=True)
    return {arm: worker.measured for arm, worker in workers.items()}


def _in_turn(workers: Mapping[str, Arm], times: int, step: Callable[[Arm], None]) -> None:
    """A step in each arm so many times; the arm that goes first changes each time."""
    order = list(workers.values())
    for number in range(times):
        for worker in order if number % 2 == 0 else order[::-1]:
            step(worker)
        print(".", end="", flush=True)  # asv waits for output, not for the end
