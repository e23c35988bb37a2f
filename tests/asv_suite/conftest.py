"""The asv suite as asv sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Benchmarks = dict[str, dict[str, Any]]


def discover(suite: Path, directory: Path) -> Benchmarks:
    """What asv finds in a suite, by name."""
    import asv.runner

    found = directory / "discovered.json"
    script = asv.runner.BENCHMARK_RUN_SCRIPT
    subprocess.run([sys.executable, script, "discover", suite, found], check=True, timeout=120)
    return {benchmark["name"]: benchmark for benchmark in json.loads(found.read_text())}


@pytest.fixture(scope="session")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Benchmarks:
    """The benchmarks of this repository."""
    return discover(ROOT / "benchmarks" / "asv", tmp_path_factory.mktemp("discovered"))
