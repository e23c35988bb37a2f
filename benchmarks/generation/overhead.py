"""What `neuralake generate` costs on top of the generator itself: time, and peak memory.

Where others use the machine too, only the ratio of processor times says something.

Each pair runs both once, in random order, into fresh directories: `neuralake generate` (Parquet,
checksums, Delta tables, everything on the disk) and the bare `tpchgen-cli parquet` with the same
options, which stops at files in the page cache. Run it on a quiet machine:

    python benchmarks/generation/overhead.py --pairs 5 --scale-factor 1
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
POLL_S = 0.05


@dataclass(frozen=True)
class Execution:
    """One process tree from its start to its end."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


def main() -> None:
    """Run the pairs and print them, the median ratio and its interval."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale-factor", type=float, default=1.0)
    parser.add_argument("--files-per-table", type=int, default=1)
    parser.add_argument("--compression", default="SNAPPY")
    parser.add_argument("--row-group-bytes", type=int, default=7 * 2**20)
    parser.add_argument("--directory", type=Path, default=None, help="where to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    order = random.Random(options.seed)
    ratios: list[float] = []
    cpu_ratios: list[float] = []
    peaks: list[int] = []
    print("pair  first       ours s   bare s   ratio   ours CPU s   bare CPU s   ours peak MiB")
    for pair in range(1, options.pairs + 1):
        arms = ["ours", "bare"]
        order.shuffle(arms)
        done = {arm: measure(arm, options) for arm in arms}
        ours, bare = done["ours"], done["bare"]
        ratios.append(ours.wall_s / bare.wall_s)
        cpu_ratios.append(ours.cpu_s / bare.cpu_s)
        peaks.append(ours.peak_rss_bytes)
        print(
            f"{pair:4}  {arms[0]:8} {ours.wall_s:9.2f} {bare.wall_s:8.2f} {ratios[-1]:7.3f} "
            f"{ours.cpu_s:12.2f} {bare.cpu_s:12.2f} {ours.peak_rss_bytes / 2**20:15.0f}",
            flush=True,
        )
    low, high, confidence = median_interval(ratios)
    print(
        f"median ratio {statistics.median(ratios):.3f}, "
        f"{confidence:.1%} interval {low:.3f} to {high:.3f}; "
        f"of processor time {statistics.median(cpu_ratios):.3f}; "
        f"peak memory of the process tree {max(peaks) / 2**20:.0f} MiB"
    )


def measure(arm: str, options: argparse.Namespace) -> Execution:
    """Run one arm into a fresh directory, which is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="overhead-", dir=options.directory))
    try:
        os.sync()  # what one arm leaves in the page cache is not written on the other's time
        return run(command(arm, home / "dataset", options))
    finally:
        shutil.rmtree(home)


def command(arm: str, target: Path, options: argparse.Namespace) -> list[str]:
    """The same work, through Neuralake and bare."""
    if arm == "ours":
        return [
            str(SCRIPTS / "neuralake"),
            "generate",
            f"--scale-factor={options.scale_factor}",
            f"--files-per-table={options.files_per_table}",
            f"--row-group-bytes={options.row_group_bytes}",
            f"--compression={options.compression}",
            f"--to={target}",
        ]
    return [
        str(SCRIPTS / "tpchgen-cli"),
        "parquet",
        f"--scale-factor={options.scale_factor}",
        f"--parts={options.files_per_table}",
        f"--row-group-bytes={options.row_group_bytes}",
        f"--compression={options.compression}",
        "--field-ids=false",
        f"--output-dir={target}",
        "--quiet",
        "--no-progress",
    ]


def run(arguments: Sequence[str]) -> Execution:
    """Run a command to its end.

    The peak of the tree is the greatest sum of the peaks of the processes that live at one time,
    so that it is never less than the true one.
    """
    start = time.perf_counter()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        peak_rss_bytes = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak_rss_bytes = max(peak_rss_bytes, sum(map(high_water_bytes, tree(process.pid))))
            time.sleep(POLL_S)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} failed with status {process.returncode}")
    return Execution(wall_s, usage.ru_utime + usage.ru_stime, peak_rss_bytes)


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found.extend(tree(int(child)))
    except OSError:
        pass  # it has just ended
    return found


def high_water_bytes(pid: int) -> int:
    """Peak resident memory of a process since its start (VmHWM)."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def median_interval(values: Sequence[float], wanted: float = 0.95) -> tuple[float, float, float]:
    """Interval of the median from order statistics: no assumption on the distribution.

    Returns
    -------
    tuple of float
        Lower end, upper end, and the confidence that this many values can give.
    """
    ordered = sorted(values)
    count = len(ordered)
    best = (ordered[0], ordered[-1], 1 - 2 * 0.5**count)
    for cut in range(1, (count + 1) // 2):
        outside = sum(math.comb(count, k) for k in range(cut + 1)) * 0.5**count
        if 1 - 2 * outside < wanted:
            break
        best = (ordered[cut], ordered[-1 - cut], 1 - 2 * outside)
    return best


if __name__ == "__main__":
    main()
