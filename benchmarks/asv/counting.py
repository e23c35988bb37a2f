"""Instructions of each query, counted under Valgrind: a process of one engine, started a few times.

    python -P -m asv.counting ENGINE OPTIONS DATASET ANSWERS QUERIES ROUNDS

runs under massif and prints ``{"instructions": {"q01": [44275475, …]}, "failures": {}}``. What
counts is this checkout's ``neuralake.measure.massif``, whichever commit is measured: the
instrument must be the same for every commit. A count does not depend on what else the machine does,
so that there is no anchor beside it.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from .dataset import Dataset, module_command, module_environment, project_root, ready_dataset
from .measuring import WHOLE, MeasurementError
from .plan import COUNTED_SCALE_FACTOR, CountedPlan, counted_plans
from .worker import open_engine

PROCESSES: Final = 2
_MEASURE = Path(__file__).parents[2] / "neuralake" / "measure"
_LOCK = Path(__file__).parents[2] / "uv.lock"


@dataclass
class Counted:
    """What one engine executed.

    Attributes
    ----------
    instructions
        By query, a sample an execution.
    failures
        What went wrong, by query or ``engine``.
    """

    instructions: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def query(self, name: str) -> list[float]:
        """Samples of a query. Raises ``MeasurementError`` if an answer was wrong or missing."""
        for kind in (WHOLE, name):
            if kind in self.failures:
                raise MeasurementError(f"{kind}: {self.failures[kind]}")
        return self.instructions[name]


@dataclass(frozen=True)
class CountedAll:
    """Everything that was counted.

    Attributes
    ----------
    plans, found
        By engine.
    uncounted
        Why nothing can be counted here, or None.
    """

    plans: Mapping[str, CountedPlan]
    found: Mapping[str, Counted]
    uncounted: str | None = None


def count_all(environ: Mapping[str, str]) -> CountedAll:
    """Count every engine that is asked for, if anything can be counted here."""
    valgrind = instrument("valgrind")
    chosen = counted_plans(environ)
    try:
        valgrind.find_valgrind()
    except valgrind.NotCountedError as error:
        return CountedAll(chosen, {}, str(error))
    if not chosen:
        return CountedAll(chosen, {})
    dataset = ready_dataset({**environ, "NEURALAKE_ASV_SCALE_FACTOR": COUNTED_SCALE_FACTOR})
    path = project_root(environ) / ".asv" / "engines"
    return CountedAll(chosen, {e: count(p, dataset, path) for e, p in chosen.items()})


def count(plan: CountedPlan, dataset: Dataset, packages: Path) -> Counted:
    """One engine, in several processes: hash seeds and addresses differ between them.

    Parameters
    ----------
    plan
        What it is to do.
    dataset
        On which.
    packages
        Directory in which an engine is installed that the environment lacks.
    """
    found = Counted()
    for _ in range(PROCESSES):
        try:
            reply = _in_a_process(plan, dataset, ready_package(plan.engine, packages))
        except (MeasurementError, OSError, subprocess.CalledProcessError) as error:
            found.failures[WHOLE] = str(error)
            break
        found.failures |= reply["failures"]
        for query, instructions in reply["instructions"].items():
            found.instructions.setdefault(query, []).extend(instructions)
        print(".", end="", flush=True)  # asv waits for output, not for the end
    for what, failure in found.failures.items():
        print(f"{plan.engine}, counted: {what}: {failure}", flush=True)
    return found


def _in_a_process(plan: CountedPlan, dataset: Dataset, path: Sequence[str]) -> dict[str, Any]:
    valgrind, massif = instrument("valgrind"), instrument("massif")
    with tempfile.TemporaryDirectory(prefix="neuralake-counted-") as directory:
        log = Path(directory) / "valgrind.log"
        options = json.dumps(dict(plan.options))
        arguments = (plan.engine, options, dataset.path, dataset.answers, ",".join(plan.queries))
        command = module_command("counting", *map(str, (*arguments, plan.rounds)))
        done = subprocess.run(
            [*massif.Massif(log).launcher(), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**module_environment(*path), **valgrind.ENVIRONMENT, "TMPDIR": directory},
            text=True,
            check=False,
        )
        if done.returncode:
            said = valgrind.complaint(log)
            reason = f": {said}" if said else ""
            raise MeasurementError(f"its process ended with status {done.returncode}{reason}")
    reply: dict[str, Any] = json.loads(done.stdout)
    return reply


def ready_package(engine: str, directory: Path) -> list[str]:
    """What goes first on the path of an engine's process: nothing, where it is installed.

    What the environments of asv have is part of their names, and with another package all series
    would begin anew: DuckDB is installed beside them, once, at the version of uv.lock.
    """
    if engine != "duckdb" or importlib.util.find_spec("duckdb") is not None:
        return []
    version = _locked_version("duckdb")
    target = directory / f"duckdb-{version}"
    if not target.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as unfinished:
            made = Path(unfinished) / "duckdb"
            install = ["install", "--quiet", "--no-deps", "--target", str(made)]
            command = [sys.executable, "-m", "pip", *install, f"duckdb=={version}"]
            subprocess.run(command, check=True)
            made.rename(target)
    return [str(target)]


def _locked_version(package: str) -> str:
    import tomllib

    locked = tomllib.loads(_LOCK.read_text())["package"]
    return str(next(p["version"] for p in locked if p["name"] == package))


def instrument(module: str) -> ModuleType:
    """``massif`` or ``valgrind`` of this checkout's ``neuralake.measure``.

    It is that one whatever package is imported here.
    """
    for name in ("counter", "valgrind", "massif"):
        full = f"neuralake.measure.{name}"
        if full in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(full, _MEASURE / f"{name}.py")
        assert spec is not None  # noqa: S101 - a file with this suffix has a loader
        assert spec.loader is not None  # noqa: S101
        sys.modules[full] = loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    return sys.modules[f"neuralake.measure.{module}"]


def main(arguments: Sequence[str]) -> None:
    """Open the engine, run each query once uncounted, and count the rounds."""
    # engines print too: their output goes where errors go, the reply keeps the pipe to itself
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    engine, options, dataset, answers, queries, rounds = arguments
    counter = instrument("massif").MassifCounter()
    chosen = queries.split(",")
    opened = open_engine(engine, json.loads(options), dataset, Path(answers), chosen)
    failures: dict[str, str] = dict(opened.round()["failures"])
    counted: dict[str, list[int]] = {}
    gc.collect()
    gc.disable()
    for _ in range(int(rounds)):
        for name in (query for query in opened.queries if query not in failures):
            sql = opened.queries[name].sql()
            counter.start()
            opened.session.execute(sql)
            instructions = counter.stop().instructions
            gc.collect()
            counted.setdefault(name, []).append(instructions)
    print(json.dumps({"instructions": counted, "failures": failures}), file=reply, flush=True)
    opened.close()


if __name__ == "__main__":
    main(sys.argv[1:])
