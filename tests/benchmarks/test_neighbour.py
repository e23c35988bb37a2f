"""The noisy neighbour of the detection benchmarks."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import time

import pytest

from benchmarks.detection.neighbour import neighbour, share_at, turns
from neuralake.measure.process import tree_usage


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_turns_are_busy_for_the_share_of_the_time(share: float) -> None:
    rng = random.Random(1)
    drawn = [turns(share, rng) for _ in range(20_000)]
    busy_s, rest_s = (sum(part) for part in zip(*drawn, strict=True))
    assert busy_s / (busy_s + rest_s) == pytest.approx(share, abs=0.01)


def test_the_share_drifts_to_its_end_and_stays() -> None:
    assert share_at(3, 0.5, None, 10) == 0.5
    assert [share_at(s, 0.2, 1.0, 10) for s in (0, 5, 10, 20)] == pytest.approx([0.2, 0.6, 1, 1])


def test_a_neighbour_burns_until_it_is_sent_away() -> None:
    with neighbour(1.0):
        (process,) = multiprocessing.active_children()
        assert process.pid is not None
        deadline = time.monotonic() + 300
        while (tree_usage([process.pid]).cpu_ns or 0) < 500_000_000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert multiprocessing.active_children() == []


def test_the_command_runs_beside_it_and_its_status_is_kept() -> None:
    command = [sys.executable, "-c", "import sys; print('here'); sys.exit(3)"]
    run = [sys.executable, "-m", "benchmarks.detection.neighbour", "--share", "0.1", "--"]
    done = subprocess.run([*run, *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "here\n")
