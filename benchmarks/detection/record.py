"""Record counted instructions of one code, process by process, for the trials of counts.

    python -m benchmarks.detection.record polars --dataset data/tpch/sf0.01 --processes 30

Each process is an arm of ``neuralake compare --by instructions``: started under Valgrind, each
query once uncounted, and then so many rounds in random orders. Any two of them make a pair, since
nothing of a count depends on what runs beside it; so they need no idle machine, and their time is
told as CPU time. Their modules are compiled before, as those of an arm are. What is there is kept
after each process.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.detection.counted import HERE, Array, Counted, write_counted
from neuralake.arms.agent import TARGET
from neuralake.arms.counted import counted_engines
from neuralake.arms.fingerprints import take_over
from neuralake.engines.registry import EngineSpec
from neuralake.measure.massif import Massif
from neuralake.measure.process import tree_usage
from neuralake.measure.valgrind import ENVIRONMENT
from neuralake.measure.worker import Worker
from neuralake.queries.digest import digest

_COMPILED = {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True)
class Process:
    """What one process told.

    Attributes
    ----------
    digests
        Of the answers, by query.
    instructions
        Of shape (rounds, queries), these by their names.
    cpu_s, round_cpu_s
        CPU time from its start to its end, and of a round on average.
    """

    digests: dict[str, str]
    instructions: Array
    cpu_s: float
    round_cpu_s: float


def count_process(engine: EngineSpec, uri: str, rounds: int) -> Process:
    """Run all queries in a new process, once uncounted and then in rounds.

    Raises
    ------
    ValueError
        If a query answers otherwise than before.
    """
    with tempfile.TemporaryDirectory() as directory:
        how = Massif(Path(directory) / "valgrind.log")
        worker = Worker(TARGET, Path(directory) / "log", _COMPILED, launcher=how.launcher())
        try:
            queries = _started(worker, engine, uri)
            worker.call("count_with", how.tool, str(how.log))
            worker.call("open")
            names = sorted(queries)
            answer = Path(directory) / "answer"
            digests: dict[str, str] = {}
            counts = np.zeros((rounds, len(names)))
            began_s = 0.0
            for turn in range(-1, rounds):
                if turn == 0:
                    began_s = _cpu_s(worker)
                for name in random.sample(names, len(names)):
                    count, found = _executed(worker, queries[name], answer)
                    if digests.setdefault(name, found) != found:
                        raise ValueError(f"{name} answers otherwise than before")
                    if turn >= 0:
                        counts[turn, names.index(name)] = count
            cpu_s = _cpu_s(worker)
        finally:
            worker.close()
    return Process(digests, counts, cpu_s, (cpu_s - began_s) / rounds)


def compile_modules(engine: EngineSpec, uri: str) -> None:
    """Have a process that is not counted load all that the others do."""
    with tempfile.TemporaryDirectory() as directory:
        worker = Worker(TARGET, Path(directory) / "log", _COMPILED)
        try:
            _started(worker, engine, uri)
            worker.call("open")
        finally:
            worker.close()


def _started(worker: Worker, engine: EngineSpec, uri: str) -> dict[str, dict[str, Any]]:
    """The queries of a dataset, once the engine has been started."""
    queries: dict[str, dict[str, Any]] = worker.call("load", uri, None, None)["queries"]
    worker.call("start", engine.name, dict(engine.options))
    return queries


def _executed(worker: Worker, query: dict[str, Any], answer: Path) -> tuple[int, str]:
    """Instructions of an execution, and the digest of its result."""
    done = worker.call("execute", query["sql"], str(answer), None, [])
    order_by = [column for column, *_ in query["order_by"]]
    return int(done["execution"]["instructions"]), digest(take_over(answer), order_by)


def _cpu_s(worker: Worker) -> float:
    return (tree_usage([worker.pid]).cpu_ns or 0) / 1e9


def recorded(name: str, processes: list[Process]) -> Counted:
    """Processes as a recording.

    Raises
    ------
    ValueError
        If two of them answer differently.
    """
    first = processes[0].digests
    if any(process.digests != first for process in processes):
        raise ValueError("two processes answer differently")
    return Counted(
        name,
        tuple(sorted(first)),
        np.array([process.instructions for process in processes]),
        np.array([process.cpu_s for process in processes]),
        float(np.mean([process.round_cpu_s for process in processes])),
    )


def main() -> None:
    """Record, and keep what there is after each process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--processes", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=HERE, help="directory for the recording")
    arguments = parser.parse_args()
    (engine,) = counted_engines([EngineSpec(arguments.engine)])
    uri = str(Path(arguments.dataset).absolute())
    compile_modules(engine, uri)
    found: list[Process] = []
    with ThreadPoolExecutor(arguments.at_once) as pool:
        doing = [
            pool.submit(count_process, engine, uri, arguments.rounds)
            for _ in range(arguments.processes)
        ]
        try:
            for done in as_completed(doing):
                found.append(done.result())
                path = write_counted(recorded(engine.name, found), arguments.keep)
                print(f"{len(found)} processes: {path}", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
