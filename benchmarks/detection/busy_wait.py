"""Slow an adapter down for real, by a busy wait in a commit, and see whether compare finds it.

A clone of this repository gets one commit more, in which an engine's session spins for a fraction
of the time that each query (or one of them) took. ``neuralake compare`` then runs as often as asked
for, and what it says is counted. With a slowdown of 0 the commit waits for nothing: two arms that
differ, and are equally fast.

    python -m benchmarks.detection.busy_wait --engine polars --slowdown 0.03 --trials 10
    python -m benchmarks.detection.busy_wait --engine polars --slowdown 0 --trials 10
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from neuralake.report.comparison import verdicts
from neuralake.results.comparison import Comparison
from neuralake.tpch.workload import queries

REPOSITORY = Path(__file__).parents[2]
TAG = "slowed-down"
SESSIONS = {
    "polars": ("polars.py", "PolarsSession"),
    "datafusion": ("datafusion/engine.py", "DataFusionSession"),
    "duckdb": ("duckdb/engine.py", "DuckDBSession"),
}
WAIT = """

def _slowed_down():
    import hashlib
    import time

    execute = {session}.execute

    def wait_as_well(self, sql):
        began = time.perf_counter()
        result = execute(self, sql)
        took = time.perf_counter() - began
        if not {only!r} or hashlib.sha256(sql.encode()).hexdigest() == {only!r}:
            until = time.perf_counter() + {slowdown!r} * took
            while time.perf_counter() < until:
                pass
        return result

    {session}.execute = wait_as_well


_slowed_down()
"""


def main() -> None:
    """Run the trials and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=sorted(SESSIONS), default="polars")
    parser.add_argument("--slowdown", type=float, default=0.03)
    parser.add_argument("--query", help="slow down this one only, such as q06")
    parser.add_argument("--scale-factor", type=float, default=0.1)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("options", nargs="*", help="of neuralake compare, after --")
    arguments = parser.parse_args()
    suites: Counter[str] = Counter()
    named: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        clone = Path(directory) / "clone"
        _git(REPOSITORY, "clone", "--quiet", "--no-local", str(REPOSITORY), str(clone))
        _commit(clone, arguments)
        for trial in range(arguments.trials):
            found = _compare(clone, arguments)
            (engine,) = found.engines
            suites[engine.suite.verdict] += 1
            hits = [c.query or "" for c in engine.queries if c.verdict in ("slower", "faster")]
            named.update(hits)
            s = engine.suite
            print(
                f"trial {trial + 1}: suite {verdicts.percent(s)} {verdicts.interval(s)} "
                f"{s.verdict} after {s.decided_after_pairs} of {s.pairs} pairs, "
                f"{engine.elapsed_s:.0f} s; queries named: {', '.join(hits) or 'none'}",
                flush=True,
            )
    print(f"suite: {dict(suites)}; queries named: {dict(named) or 'none'}")


def _commit(clone: Path, arguments: argparse.Namespace) -> None:
    """Commit the busy wait, under a tag."""
    file, session = SESSIONS[arguments.engine]
    only = ""
    if arguments.query:
        sql = next(q.sql() for q in queries(arguments.scale_factor) if q.name == arguments.query)
        only = hashlib.sha256(sql.encode()).hexdigest()
    adapter = clone / "neuralake" / "engines" / file
    wait = WAIT.format(session=session, only=only, slowdown=arguments.slowdown)
    adapter.write_text(adapter.read_text() + wait)
    identity = ("-c", "user.name=detection", "-c", "user.email=detection@localhost")
    what = arguments.query or "every query"
    message = f"Wait {arguments.slowdown:.0%} of {what} in {arguments.engine}"
    _git(clone, *identity, "commit", "--quiet", "--all", "--message", message)
    _git(clone, "tag", TAG)
    _git(clone, "reset", "--quiet", "--hard", "HEAD~1")


def _compare(clone: Path, arguments: argparse.Namespace) -> Comparison:
    environment = {
        "NEURALAKE_STORAGE_ROOT": str(Path("data").absolute()),
        "NEURALAKE_RESULTS_ROOT": str(Path("results").absolute()),
        **os.environ,
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "neuralake", "compare", "HEAD", TAG, "--json"),
            *("--engines", arguments.engine, "--scale-factor", str(arguments.scale_factor)),
            *arguments.options,
        ],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode == 2:
        raise SystemExit(2)
    return msgspec.json.decode(done.stdout, type=Comparison)


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True)


if __name__ == "__main__":
    main()
