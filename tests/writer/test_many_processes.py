"""Processes that append to one table at once, beside compaction and vacuum."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.more import few

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("processes", "commits"), few([(2, 30), (4, 400)]))
def test_every_row_is_there_once_at_each_version(processes: int, commits: int) -> None:
    command = [sys.executable, "-m", "benchmarks.writers.storm"]
    command += ["--processes", str(processes), "--commits", str(commits)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{processes} processes, {commits} commits in" in done.stdout
    assert ", 0 faults" in done.stdout
