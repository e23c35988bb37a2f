"""Compare released versions in pairs, counted and timed, and say how well the two agree.

    python -m benchmarks.detection.versions polars 2.1.0 2.0.0 1.35.0 1.30.0 1.25.0 --by both
    python -m benchmarks.detection.versions datafusion 55.0.0 54.0.0 53.0.0 --by instructions

Each version is compared with the one that comes after it in the list, as the base. What is timed
wants a machine that is otherwise idle; what is counted does not.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys

import msgspec

from neuralake.report.comparison.beside import Beside, correlation, side_by_side
from neuralake.results.comparison import SAME, Change, Comparison


def main() -> None:
    """Run the comparisons and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=("polars", "datafusion", "duckdb"))
    parser.add_argument("versions", nargs="+", help="newest first, two or more")
    parser.add_argument("--by", choices=("time", "instructions", "both"), default="both")
    parser.add_argument("--max-time", default="10m")
    parser.add_argument("--queries", default="1-22", help="where not all versions run all of them")
    arguments = parser.parse_args()
    pairs: list[Beside] = []
    for newer, older in itertools.pairwise(arguments.versions):
        arms = [f"HEAD+{arguments.package}=={version}" for version in (older, newer)]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "neuralake", "compare", *arms, "--json"),
                *("--by", arguments.by, "--engines", arguments.package),
                *("--max-time", arguments.max_time, "--queries", arguments.queries),
            ],
            stdout=subprocess.PIPE,
            check=False,
        )
        if not done.stdout:
            print(f"{older} → {newer}: failed with status {done.returncode}")
            continue
        comparison = msgspec.json.decode(done.stdout, type=Comparison)
        pairs += told(f"{older} → {newer}", comparison)
    found = correlation(pairs)
    if found is not None:
        print(f"{len(pairs)} queries: correlation of counted with timed change {found:.2f}")


def told(name: str, comparison: Comparison) -> list[Beside]:
    """Print a comparison; returns its queries where they were counted and timed."""
    (engine,) = comparison.engines
    print(f"{name}, {comparison.by}: suite {_change(engine.suite)}, {engine.elapsed_s:.0f} s")
    print("  " + ", ".join(_change(q) for q in engine.queries if q.verdict not in SAME))
    if comparison.counted is None:
        return []
    told(name, comparison.counted)
    (counted,) = comparison.counted.engines
    pairs = list(side_by_side(counted.queries, engine.queries))
    for pair in pairs:
        if pair.disagrees:
            print(f"  {pair.query}: {pair.points_to()}")
    return pairs


def _change(change: Change) -> str:
    name = change.query or ""
    if change.ratio is None:
        return f"{name} {change.verdict}".strip()
    return f"{name} {change.ratio - 1:+.2%} {change.verdict}".strip()


if __name__ == "__main__":
    main()
