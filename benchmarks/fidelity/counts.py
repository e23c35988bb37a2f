"""Check that counted instructions are the engine's own.

In one process under Valgrind the harness and a bare loop run the same queries on the same session,
alternating: the bare loop has Valgrind's two requests around the call and nothing else. The ratio
of the medians should be 1.000 ± 0.001, query by query as far as the engine counts alike itself.

    python -m benchmarks.fidelity.counts --engine datafusion --dataset data/tpch/sf0.01
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path
from statistics import fmean, median
from typing import Any

from neuralake.arms.agent import Agent
from neuralake.arms.counted import counted_engines
from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.measure.massif import Massif
from neuralake.measure.valgrind import ENVIRONMENT
from neuralake.measure.worker import Worker
from neuralake.queries.workload import select_queries
from neuralake.tpch.dataset import open_workload


class Beside(Agent):
    """An arm's agent with a bare loop beside it, on the same session and counter."""

    def bare(self, sql: str) -> int | None:
        """Instructions of one execution, with nothing of the harness between the requests."""
        execute, counter = self._session.execute, self._simulator
        if counter is None:
            return None
        counter.start()
        execute(sql)
        return counter.stop().instructions


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--queries", default=None, help="such as 1,6,9-12")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    (spec,) = counted_engines([EngineSpec(arguments.engine)])
    uri = str(Path(arguments.dataset).absolute())
    workload = open_workload(uri, Settings.from_environ(os.environ))
    queries = select_queries(workload.queries, arguments.queries)
    with tempfile.TemporaryDirectory() as directory:
        how = Massif(Path(directory) / "valgrind.log")
        worker = Worker(
            f"benchmarks.fidelity.counts:{Beside.__name__}",
            Path(directory) / "log",
            ENVIRONMENT,
            launcher=how.launcher(),
        )
        try:
            worker.call("load", uri, None, None)
            worker.call("start", spec.name, dict(spec.options))
            worker.call("count_with", how.tool, str(how.log))
            worker.call("open")
            answer = str(Path(directory) / "answer")
            texts = {query.name: query.sql() for query in queries}
            _report(worker, texts, answer, arguments.rounds)
        finally:
            worker.close()


def _report(worker: Worker, texts: dict[str, str], answer: str, rounds: int) -> None:
    logs = []
    for name, sql in texts.items():
        counts: dict[str, list[int]] = {"harness": [], "bare": []}
        for turn in range(rounds + 1):
            for kind in ("harness", "bare") if turn % 2 else ("bare", "harness"):
                found = _counted(worker, kind, sql, answer)
                if turn:  # the first loads what the others have
                    counts[kind].append(found)
        ratio = median(counts["harness"]) / median(counts["bare"])
        alike = max(counts["bare"]) / min(counts["bare"])
        logs.append(math.log(ratio))
        print(f"{name}  harness ÷ bare {ratio:.5f}  (bare loop alone: {alike:.5f})", flush=True)
    print(f"geometric mean {math.exp(fmean(logs)):.5f}")


def _counted(worker: Worker, kind: str, sql: str, answer: str) -> int:
    if kind == "bare":
        return int(worker.call("bare", sql))
    done: dict[str, Any] = worker.call("execute", sql, answer, None, [])
    return int(done["execution"]["instructions"])


if __name__ == "__main__":
    main()
