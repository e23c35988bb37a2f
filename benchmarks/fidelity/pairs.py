"""Two arms side by side: single executions alternate in random order, processes are restarted."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from neuralake.catalog.tables import Table
from neuralake.engines.registry import EngineSpec
from neuralake.measure.worker import Worker
from neuralake.queries.query import Query
from neuralake.stats.summary import geometric_mean
from neuralake.workloads.executor import TARGET

# {query: one list a pair of processes: [(first arm, second arm), …] in nanoseconds}
Pairs = dict[str, list[list[tuple[int, int]]]]


class Arm(Protocol):
    """One side: a process that runs a query and says how long it took."""

    def execute(self, sql: str) -> int:
        """Run once; returns nanoseconds."""

    def close(self) -> None:
        """End the process."""


class HarnessArm:
    """An engine as ``neuralake bench`` runs it."""

    def __init__(self, spec: EngineSpec, tables: Mapping[str, Table], target: str = TARGET) -> None:
        self._directory = tempfile.TemporaryDirectory()
        path = Path(self._directory.name)
        self._answer = path / "answer.arrow"
        self._digests: dict[str, str] = {}
        self.worker = Worker(target, path / "log")
        self.worker.call("start", spec)
        self.worker.call("open", tables)

    def execute(self, sql: str) -> int:
        """Run once through the harness; its own sample is returned."""
        done = self.worker.call("execute", sql, self._answer, self._digests.get(sql))
        self._digests[sql] = done.digest
        return int(done.execution.wall_ns)

    def close(self) -> None:
        """End the worker."""
        self.worker.close()
        self._directory.cleanup()


class BareArm:
    """A script that reads a line for each query to run and prints its nanoseconds."""

    def __init__(self, script: Path, *arguments: str) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._sql = Path(self._directory.name) / "query.sql"
        self._process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def execute(self, sql: str) -> int:
        """Run once in the script; its own clock is returned."""
        self._sql.write_text(sql)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the script has no pipes")
        self._process.stdin.write(f"{self._sql}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the script."""
        self._process.communicate()
        self._directory.cleanup()


def interleave(
    make_arms: Callable[[], tuple[Arm, Arm]],
    queries: Sequence[Query],
    *,
    processes: int,
    rounds: int,
    seed: int = 1,
) -> Pairs:
    """Measure both arms; each query runs once unmeasured in every new process.

    Parameters
    ----------
    make_arms
        Starts both arms.
    queries
        Run in random order in every round.
    processes
        How often both arms are started anew.
    rounds
        Pairs of each query in each pair of processes.
    seed
        Of the random order.
    """
    rng = random.Random(seed)
    pairs: Pairs = {query.name: [] for query in queries}
    for process in range(processes):
        arms = make_arms()
        try:
            for query in queries:
                pairs[query.name].append([])
                for arm in arms:
                    arm.execute(query.sql())
            for _ in range(rounds):
                for query in rng.sample(list(queries), len(queries)):
                    took = [0, 0]
                    for side in rng.sample((0, 1), 2):
                        took[side] = arms[side].execute(query.sql())
                    pairs[query.name][process].append((took[0], took[1]))
        finally:
            for arm in arms:
                arm.close()
        print(f"processes {process + 1} of {processes} done", file=sys.stderr)
    return pairs


def report(pairs: Pairs, first: str, second: str) -> None:
    """Print the ratio of medians for each query, and their geometric mean with its interval.

    The 95 % interval comes from a bootstrap that draws process pairs, and pairs within them.
    """
    print(f"{'query':<8}{first + ' ms':>16}{second + ' ms':>16}{'ratio':>9}")
    for query, processes in pairs.items():
        sides = np.array([pair for process in processes for pair in process]).T / 1e6
        a, b = np.median(sides[0]), np.median(sides[1])
        print(f"{query:<8}{a:>16.2f}{b:>16.2f}{a / b:>9.3f}")
    rng = np.random.default_rng(1)
    draws = [math.log(_ratio(_resampled(pairs, rng))) for _ in range(2000)]
    low, high = np.exp(np.quantile(draws, [0.025, 0.975]))
    count = sum(len(process) for process in next(iter(pairs.values())))
    print(
        f"geometric mean of {len(pairs)} ratios {first} ÷ {second}, {count} pairs each: "
        f"{_ratio(pairs):.4f} [{low:.4f}, {high:.4f}]"
    )


def _ratio(pairs: Pairs) -> float:
    ratios = []
    for processes in pairs.values():
        sides = np.array([pair for process in processes for pair in process]).T
        ratios.append(float(np.median(sides[0]) / np.median(sides[1])))
    return geometric_mean(ratios)


def _resampled(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    count = len(next(iter(pairs.values())))
    chosen = rng.integers(0, count, count)
    return {
        query: [
            [processes[i][j] for j in rng.integers(0, len(processes[i]), len(processes[i]))]
            for i in chosen
        ]
        for query, processes in pairs.items()
    }
