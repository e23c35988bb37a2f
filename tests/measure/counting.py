"""Processes that run under Valgrind, and count what they do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neuralake.measure.callgrind import Callgrind
from neuralake.measure.massif import Massif
from neuralake.measure.valgrind import INSTALL
from neuralake.measure.worker import Worker

under_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason=f"needs Valgrind ({INSTALL})"
)
TURNS = 4_000


def started(how: Massif | Callgrind, log: Path) -> Worker:
    """A process that counts."""
    worker = Worker("tests.measure.targets:CountedTarget", log, launcher=how.launcher())
    worker.call("count_with", how.tool, str(how.log))
    return worker


def warm(how: Massif | Callgrind, log: Path) -> Worker:
    """One that has counted before: its first count loads what it needs."""
    worker = started(how, log)
    worker.call("loop", TURNS)
    return worker
