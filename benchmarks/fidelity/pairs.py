"""Two arms side by side: single executions alternate in random order, processes are restarted.

    python -m benchmarks.fidelity.pairs FILE...

reports what ``--out`` has kept.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neuralake.catalog.tables import Table
from neuralake.engines.registry import EngineSpec
from neuralake.measure.worker import Worker
from neuralake.queries.query import Query
from neuralake.stats.paired import hodges_lehmann
from neuralake.workloads.executor import TARGET

Array = npt.NDArray[np.float64]
BOOTSTRAP_DRAWS = 2000


@dataclass
class Pairs:
    """What was measured.

    Attributes
    ----------
    first, second
        Names of the arms.
    one_process
        Both arms live in one process, so that it is the same for both; else each has its own, and
        two processes of the same code differ by more than their pairs explain.
    queries
        Names of the queries.
    processes
        For each process (or pair of them) nanoseconds of shape (rounds, queries, 2).
    """

    first: str
    second: str
    one_process: bool
    queries: list[str]
    processes: list[npt.NDArray[np.int64]] = field(default_factory=list)


@dataclass(frozen=True)
class Terms:
    """How often, and where to keep the pairs.

    Attributes
    ----------
    processes
        How often both arms are started anew.
    rounds
        Pairs of each query in each of them.
    warm_rounds
        Rounds before these that are not kept, 1 or more: a first run is no hot one.
    out
        File to which each round is added, or None.
    seed
        Of the random order.
    """

    processes: int
    rounds: int
    warm_rounds: int
    out: Path | None
    seed: int = 1

    @classmethod
    def add_to(cls, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--processes", type=_at_least_one, default=3)
        parser.add_argument("--rounds", type=_at_least_one, default=5)
        parser.add_argument("--warm-rounds", type=_at_least_one, default=1)
        parser.add_argument("--out", type=Path, help="JSON lines, for benchmarks.fidelity.pairs")

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Terms:
        """Take them from what was parsed."""
        return cls(arguments.processes, arguments.rounds, arguments.warm_rounds, arguments.out)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: expected 1 or more")
    return int(text)


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
    names: tuple[str, str],
    one_process: bool,
    terms: Terms,
) -> Pairs:
    """Measure both arms; every new process runs each query unmeasured first.

    Parameters
    ----------
    make_arms
        Starts both arms.
    queries
        Run in random order in every round.
    names
        Of both arms.
    one_process
        As in :class:`Pairs`.
    terms
        How often, and where to keep the pairs.
    """
    rng = random.Random(terms.seed)
    pairs = Pairs(*names, one_process, [query.name for query in queries])
    for process in range(terms.processes):
        arms = make_arms()
        try:
            for _ in range(terms.warm_rounds):
                _round(arms, queries, rng)
            rounds = []
            for number in range(terms.rounds):
                rounds.append(_round(arms, queries, rng))
                _keep(terms.out, pairs, process, rounds[-1])
                print(f"process {process + 1}, round {number + 1} done", file=sys.stderr)
            pairs.processes.append(np.array(rounds))
        finally:
            for arm in arms:
                arm.close()
    return pairs


def _round(
    arms: tuple[Arm, Arm], queries: Sequence[Query], rng: random.Random
) -> list[tuple[int, int]]:
    """Run each query once in each arm; nanoseconds in the order of the queries."""
    took = {}
    for query in rng.sample(list(queries), len(queries)):
        sides = [0, 0]
        for side in rng.sample((0, 1), 2):
            sides[side] = arms[side].execute(query.sql())
        took[query.name] = (sides[0], sides[1])
    return [took[query.name] for query in queries]


def _keep(path: Path | None, pairs: Pairs, process: int, took: list[tuple[int, int]]) -> None:
    if path is None:
        return
    kept = {
        "arms": [pairs.first, pairs.second],
        "one_process": pairs.one_process,
        "process": process,
        "ns": dict(zip(pairs.queries, took, strict=True)),
    }
    with path.open("a") as file:
        file.write(json.dumps(kept) + "\n")


def read(paths: Sequence[Path]) -> Pairs:
    """Read what ``--out`` has kept; processes of different files are different ones."""
    rounds: dict[tuple[Path, int], list[list[tuple[int, int]]]] = {}
    kept: dict[str, Any] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            kept = json.loads(line)
            rounds.setdefault((path, kept["process"]), []).append(list(kept["ns"].values()))
    first, second = kept["arms"]
    processes = [np.array(process) for process in rounds.values()]
    return Pairs(first, second, kept["one_process"], list(kept["ns"]), processes)


def report(pairs: Pairs) -> None:
    """Print the ratio for each query, and their geometric mean with its interval.

    A ratio is the Hodges-Lehmann estimate of the paired ones, in logarithms. The 95 % interval
    comes from a bootstrap that draws rounds, and before them pairs of processes if each arm has
    its own.
    """
    width = max(len(pairs.first), len(pairs.second)) + 5
    print(f"{'query':<8}{pairs.first + ' ms':>{width}}{pairs.second + ' ms':>{width}}{'ratio':>9}")
    together = np.concatenate(pairs.processes)
    medians = np.median(together, axis=0) / 1e6
    logs = [np.log(process[..., 0] / process[..., 1]) for process in pairs.processes]
    ratios = np.exp(hodges_lehmann(np.concatenate(logs)))
    for name, (a, b), ratio in zip(pairs.queries, medians, ratios, strict=True):
        print(f"{name:<8}{a:>{width}.2f}{b:>{width}.2f}{ratio:>9.3f}")
    for number, process in enumerate(logs, 1):
        print(f"process {number}: {_mean(process):.4f} from {len(process)} rounds")
    rng = np.random.default_rng(1)
    draws = [_mean(_resampled(logs, rng, pairs.one_process)) for _ in range(BOOTSTRAP_DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    of_medians = np.exp(np.mean(np.log(medians[:, 0] / medians[:, 1])))
    print(
        f"geometric mean of {len(ratios)} ratios {pairs.first} ÷ {pairs.second}, "
        f"{len(together)} pairs each: {_mean(np.concatenate(logs)):.4f} [{low:.4f}, {high:.4f}]; "
        f"of the ratios of medians: {of_medians:.4f}"
    )


def _mean(logs: Array) -> float:
    return float(np.exp(hodges_lehmann(logs).mean()))


def _resampled(logs: list[Array], rng: np.random.Generator, one_process: bool) -> Array:
    count = len(logs)
    chosen = range(count) if one_process else rng.integers(0, count, count)
    return np.concatenate([logs[i][rng.integers(0, len(logs[i]), len(logs[i]))] for i in chosen])


def main() -> None:
    """Report files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    report(read(parser.parse_args().files))


if __name__ == "__main__":
    main()
