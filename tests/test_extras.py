"""What decides needs SciPy, and says which extra brings it; what only measures goes without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli, cli_environment
from tests.more import few

ROOT = Path(__file__).parents[1]
HIDDEN = """
import importlib.abc, importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "scipy" else find(name, *rest)
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "scipy":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture
def without_scipy(tmp_path: Path) -> dict[str, str]:
    """An environment in which SciPy cannot be imported."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(HIDDEN)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "hidden"), str(ROOT)])}


@pytest.mark.parametrize("command", few(["compare HEAD HEAD", "calibrate"]))
def test_a_comparison_names_its_extra_before_anything_is_built(
    cli: Cli, dataset_sf001: Path, without_scipy: dict[str, str], command: str
) -> None:
    done = cli(*command.split(), "--dataset", dataset_sf001, environment=without_scipy)
    assert done.returncode == 2
    assert done.stderr == (
        "neuralake: a comparison is decided with scipy, which is not installed: "
        "pip install 'neuralake-bench[compare]'\n"
    )


def test_a_run_is_measured_without_and_its_report_names_the_extra(
    cli: Cli, dataset_sf001: Path, without_scipy: dict[str, str]
) -> None:
    asked = ("--dataset", dataset_sf001, "--engines", "polars", "--queries", "6", "--runs", "1")
    done = cli("bench", *asked, environment=without_scipy)
    assert done.returncode == 0, done.stderr
    report = cli("report", environment=without_scipy)
    assert report.returncode == 2
    assert report.stderr == (
        "neuralake: a report needs scipy: pip install 'neuralake-bench[report]'\n"
    )


@pytest.mark.parametrize(
    "words", few(["bench --engines=polars --queries=6 --runs=1", "engines", "--help"], "engines")
)
def test_scipy_is_loaded_by_nothing_that_does_not_decide(
    words: str, dataset_sf001: Path, storage: Path, tmp_path: Path
) -> None:
    command = words.split()
    if command[0] == "bench":
        command += [f"--dataset={dataset_sf001}"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "neuralake", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=cli_environment(storage, tmp_path),
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not {name for name in loaded if name.partition(".")[0] == "scipy"}
