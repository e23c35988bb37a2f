"""Two small tables of one's own, with queries, and plans for them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.queries.workload import Workload
from neuralake.workloads.lifecycle.opening import open_own
from tests.conftest import make_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def sensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``examples/life`` and its data; nobody changes them."""
    place = tmp_path_factory.mktemp("sensors")
    shutil.copytree(ROOT / "examples" / "life", place / "life")
    script = place / "life" / "make_data.py"
    subprocess.run([sys.executable, script], cwd=place, check=True, capture_output=True)
    return place


@pytest.fixture
def settings(sensors: Path, tmp_path: Path) -> Settings:
    return make_settings(sensors / "data", tmp_path / "results")


@pytest.fixture
def workload(sensors: Path, settings: Settings) -> Workload:
    """The queries and tables of the sensors."""
    return open_own(sensors / "life", None, settings)
