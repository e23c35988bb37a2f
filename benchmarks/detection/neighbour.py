"""Run a command beside a noisy neighbour: a process that burns a core for a share of the time.

    python -m benchmarks.detection.neighbour -- neuralake calibrate --engines polars
    python -m benchmarks.detection.neighbour --share 0 --until 1 --over 8m -- neuralake calibrate …

It burns and rests in turns of random length, exponentially distributed, a second of both on
average. With `--until` its share changes evenly over a time, so that the machine drifts; from then
on it stays. The exit status is the command's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from neuralake.quantities import parse_duration

TURN_S = 1.0


def share_at(elapsed_s: float, share: float, until: float | None, over_s: float) -> float:
    """Share of the time that the neighbour is busy, ``elapsed_s`` after its start."""
    if until is None:
        return share
    return share + (until - share) * min(elapsed_s / over_s, 1.0)


def turns(share: float, rng: random.Random) -> tuple[float, float]:
    """Seconds to burn and to rest."""
    return (
        rng.expovariate(1 / (TURN_S * share)) if share > 0 else 0.0,
        rng.expovariate(1 / (TURN_S * (1 - share))) if share < 1 else 0.0,
    )


def _burn(share: float, until: float | None, over_s: float) -> None:
    rng, began = random.Random(1), time.monotonic()
    while True:
        busy_s, rest_s = turns(share_at(time.monotonic() - began, share, until, over_s), rng)
        end = time.monotonic() + busy_s
        while time.monotonic() < end:
            pass
        time.sleep(rest_s)


@contextmanager
def neighbour(share: float, until: float | None = None, over_s: float = 600.0) -> Iterator[None]:
    """A noisy neighbour for as long as the block runs."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_burn, args=(share, until, over_s), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--until", type=float)
    parser.add_argument("--over", type=parse_duration, default=600.0, metavar="10m")
    parser.add_argument("command", nargs="+", help="after --")
    arguments = parser.parse_args()
    with neighbour(arguments.share, arguments.until, arguments.over):
        done = subprocess.run(arguments.command, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
