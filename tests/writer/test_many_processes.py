"""Processes that append to one table at once, beside compaction and vacuum."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_is_there_once_at_each_version() -> None:
    command = [sys.executable, "-m", "benchmarks.writers.storm", "--commits", "400"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 processes, 400 commits in" in done.stdout
    assert ", 0 faults" in done.stdout
