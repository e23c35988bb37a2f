"""The cross-check of the driver: ours against the null server, and a word where no other is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.serving.cross_check import null_server, ours

ROOT = Path(__file__).parents[2]


def test_our_side_has_percentiles_in_order() -> None:
    with null_server() as server:
        found = ours(server, 500.0, 0.4)
    assert list(found) == ["50", "90"]  # of 200 requests
    assert 0 < found["50"] <= found["90"]


def test_without_another_driver_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving.cross_check"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "none of vegeta, oha is on the path\n"
