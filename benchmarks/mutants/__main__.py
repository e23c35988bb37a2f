"""Draws mutants of the core, runs the tests against each, and fails if too many survive.

python -m benchmarks.mutants --sample 60 --seed 1

The code that is mutated is a copy; nothing in the work tree is touched.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.testing import run_tests
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome

from benchmarks.mutants.outcomes import Outcome, report
from benchmarks.mutants.places import draw
from benchmarks.mutants.targets import TARGETS

ROOT = Path(__file__).parents[2]
# A mutant may make a loop endless; the tests of one module take a minute on a busy machine.
TIMEOUT_S = 600.0


def main() -> int:
    """Run the sample; 1 if fewer were killed than must be, 2 if nothing can be said."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, default=60, help="number of mutants")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--least", type=float, default=0.85, help="share that must be killed")
    parser.add_argument("--minutes", type=float, default=60.0, help="no mutant is begun after them")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--only", default="", help="modules whose path has this in it")
    options = parser.parse_args()
    modules = [module for module in TARGETS if options.only in module]
    mutants = draw(ROOT, modules, options.sample, options.seed)
    if not mutants:
        print(f"no module of the core has {options.only!r} in its path", file=sys.stderr)
        return 2
    deadline = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="mutants-") as home:
        copies = [copy(Path(home) / str(number)) for number in range(options.jobs)]
        failure = baseline(copies[0], {module_of(mutant) for mutant in mutants})
        if failure is not None:
            print(failure, file=sys.stderr)
            return 2
        outcomes = list(run(mutants, copies, deadline))
    return report(outcomes, len(mutants), options.least, options.seed)


def copy(directory: Path) -> Path:
    """The files of the work tree that git knows, and those that it would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("results/"):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    return directory


def test_command(root: Path, tests: str) -> str:
    """The command that runs tests of a copy, on the code of that copy."""
    paths = [str(root / path) for path in tests.split()]
    options = ["-x", "-q", "-p", "no:cacheprovider", "--benchmark-disable", f"--rootdir={root}"]
    python = ["env", f"PYTHONPATH={root}", sys.executable, "-m", "pytest"]
    return shlex.join([*python, f"--config-file={root / 'pyproject.toml'}", *options, *paths])


def baseline(root: Path, modules: set[str]) -> str | None:
    """Why nothing can be said: the tests fail without any mutant."""
    for tests in sorted({TARGETS[module] for module in modules}):
        outcome, output = run_tests(test_command(root, tests), TIMEOUT_S)
        if outcome is not TestOutcome.SURVIVED:
            return f"{tests} fails without a mutant:\n{output[-2000:]}"
    return None


def run(
    mutants: Sequence[MutationSpec], copies: Sequence[Path], deadline: float
) -> Iterator[Outcome]:
    """Run the tests against each mutant, in as many copies at a time as there are."""
    free: SimpleQueue[Path] = SimpleQueue()
    for root in copies:
        free.put(root)

    def one(mutant: MutationSpec) -> Outcome | None:
        if time.monotonic() > deadline:
            return None
        root = free.get()
        try:
            return run_one(mutant, root)
        finally:
            free.put(root)

    with ThreadPoolExecutor(len(copies)) as executor:
        for outcome in executor.map(one, mutants):
            if outcome is not None:
                word = "SURVIVED" if outcome.survived else "killed"
                print(f"{word:9}{outcome.module}:{outcome.line}", flush=True)
                yield outcome


def run_one(mutant: MutationSpec, root: Path) -> Outcome:
    """Put one mutant into a copy, run the tests of its module, and take it out again."""
    module = module_of(mutant)
    there = MutationSpec(
        module_path=root / module,
        operator_name=mutant.operator_name,
        occurrence=mutant.occurrence,
        start_pos=mutant.start_pos,
        end_pos=mutant.end_pos,
    )
    result = mutate_and_test([there], test_command(root, TARGETS[module]), TIMEOUT_S)
    if result.worker_outcome is not WorkerOutcome.NORMAL:
        raise RuntimeError(f"{module}:{mutant.start_pos[0]} was not mutated: {result.output}")
    diff = (result.diff or "").replace(str(root) + "/", "")
    return Outcome(module, mutant.start_pos[0], not result.is_killed, diff)


def module_of(mutant: MutationSpec) -> str:
    """Path of a mutant's module under the root."""
    path: Path = mutant.module_path
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main())
