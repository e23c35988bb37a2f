"""The distribution: its name, and what is said where another project's has the package's name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution, entry_points
from pathlib import Path
from zipfile import ZipFile

import pytest

import neuralake
import neuralake_bench
from tests.arms import backend

ROOT = Path(__file__).parents[1]


def test_name_version_and_command() -> None:
    found = distribution(neuralake_bench.DISTRIBUTION)
    assert found.version == neuralake.__version__
    (command,) = entry_points(group="console_scripts", name="neuralake")
    assert command.load() is neuralake_bench.main


@pytest.mark.parametrize("path", sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")]), ids=str)
def test_pages_install_nobody_elses(path: Path) -> None:
    if "changelogs" in path.parts:
        return
    text = path.read_text()
    for wrong in ("install neuralake\n", "install neuralake`", "add neuralake\n", "neuralake["):
        assert wrong not in text


def install(directory: Path, *, stranger_last: bool) -> None:
    """Both distributions in one directory, as ``pip install`` would leave them."""
    ours = {
        "neuralake/__init__.py": "raise RuntimeError('not to be imported')",
        "neuralake_bench.py": Path(neuralake_bench.__file__).read_text(),
    }
    theirs = {"neuralake/__init__.py": "import neuralake.core", "neuralake/core.py": ""}
    wheels = [
        backend.make_wheel(directory / "wheels", "neuralake-bench", "0.1", ours),
        backend.make_wheel(directory / "wheels", "neuralake", "0.0.5", theirs),
    ]
    for wheel in wheels if stranger_last else reversed(wheels):
        with ZipFile(wheel) as archive:
            archive.extractall(directory / "site")


@pytest.mark.parametrize("stranger_last", [True, False])
def test_another_projects_package_in_the_same_place_is_one_line(
    tmp_path: Path, stranger_last: bool
) -> None:
    install(tmp_path, stranger_last=stranger_last)
    done = subprocess.run(
        [sys.executable, "-c", "import neuralake_bench; neuralake_bench.main()", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "neuralake: the distribution neuralake 0.0.5, which is not neuralake-bench, is installed "
        f"into the same {tmp_path / 'site' / 'neuralake'}: "
        "pip uninstall neuralake neuralake-bench, then install neuralake-bench again\n"
    )


def test_another_projects_package_beside_ours_is_told_to_a_program(tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(ROOT / "neuralake", site / "neuralake", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "neuralake_bench.py", site)
    (site / "neuralake-0.0.5.dist-info").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "from neuralake import bench"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ConfigError: the distribution neuralake 0.0.5, which is not" in done.stderr


@pytest.mark.parametrize("left", ["nothing", "all but __init__.py"])
def test_a_package_that_is_gone_is_one_line(tmp_path: Path, left: str) -> None:
    """What uninstalling the other one leaves: it takes what it had overwritten along."""
    if left != "nothing":
        (tmp_path / "neuralake" / "cli").mkdir(parents=True)
    code = Path(neuralake_bench.__file__).read_text()
    (tmp_path / "neuralake_bench.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import neuralake_bench; neuralake_bench.main()"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "neuralake: the package neuralake is not there, or not whole: "
        "pip uninstall neuralake-bench, then install it again\n"
    )


def test_here_nobody_elses_is_installed() -> None:
    assert neuralake_bench.other_distribution() is None
