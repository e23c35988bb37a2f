"""From an empty directory outside this repository: installed, measured and asked by the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from neuralake.arms.environment import find_uv
from tests.more import is_by_day

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/install.md").read_text()
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`(?P<path>[\w./]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Text under a heading of the page."""
    (_, _, rest) = PAGE.partition(f"\n## {title}\n")
    assert rest, f"the page has no heading {title}"
    return rest.partition("\n## ")[0]


def commands(title: str) -> list[str]:
    """Blocks of commands under a heading, in their order."""
    return [m["text"] for m in _BLOCK.finditer(section(title)) if not m["kind"]]


@dataclass(frozen=True)
class Project:
    """A directory of a user's, and his shell."""

    directory: Path
    wheel: Path

    def sh(self, *blocks: str) -> str:
        """Run blocks of commands in one shell that ends at the first failure."""
        # pip and uv take the same arguments here; uv has everything in its cache, and needs no pip
        text = "set -eu\n" + "".join(blocks).replace("pip install", "uv pip install")
        text = text.replace("-m venv", "-m venv --without-pip")
        kept = ("HOME", "LANG", "UV_", "XDG_CACHE_HOME", "SSL_", "PIP_", "HTTP", "http")
        environment = {k: v for k, v in os.environ.items() if k.startswith(kept)}
        environment.pop("UV_PYTHON", None)
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.directory,
            env=environment
            | {
                "PATH": f"{self._tools()}:/usr/bin:/bin",
                "TMPDIR": str(self.directory.parent),
                "NEURALAKE_LOCK_FILE": str(self.directory.parent / "lock"),
                "COLUMNS": "250",
                "UV_PYTHON_DOWNLOADS": "never",
                "WHEEL": str(self.wheel),
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _tools(self) -> Path:
        """A directory with uv and Python, and nothing of the environment of these tests."""
        tools = self.directory.parent / "tools"
        if not tools.exists():
            tools.mkdir()
            (tools / "uv").symlink_to(find_uv())
            (tools / "python3").symlink_to(Path(sys.executable).resolve())
        return tools


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this work tree."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [str(find_uv()), "build", "--quiet", "--wheel", "--out-dir", str(out), str(ROOT)],
        check=True,
    )
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An empty directory in which the page's section on pip was followed."""
    project = Project(tmp_path_factory.mktemp("own") / "lake", wheel)
    project.directory.mkdir()
    printed = project.sh(*commands("With pip"))
    for engine in ("polars", "datafusion", "duckdb"):
        assert re.search(rf"{engine} +yes", printed), printed
    assert re.search(r"spark +no", printed), printed
    return project


def test_the_wheel_is_called_as_the_page_says(wheel: Path) -> None:
    (export,) = (block for block in commands("Make a wheel") if block.startswith("export"))
    assert f"dist/{wheel.name}\n" in export


@pytest.fixture(scope="module")
def measured(project: Project, pytestconfig: pytest.Config) -> tuple[Project, str]:
    """The same with the tables and queries of the page, and what measuring them has printed."""
    for match in _FILE.finditer(PAGE):
        path = project.directory / match["path"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(match["text"])
    shell, _ = commands("Measure tables of your own")
    if is_by_day(pytestconfig):  # each engine is compiled first
        assert "polars,datafusion,duckdb" in shell
        shell = shell.replace("polars,datafusion", "datafusion")
    return project, project.sh(". .venv/bin/activate\n", shell)


def test_own_tables_are_measured_and_reported(
    measured: tuple[Project, str],
) -> None:
    project, printed = measured
    assert "queries.orders" in printed
    assert "100000" in printed
    assert "1/1" in printed
    assert (project.directory / "report/index.html").is_file()


def test_own_tables_are_measured_from_python(measured: tuple[Project, str]) -> None:
    project, _ = measured
    _, python = commands("Measure tables of your own")
    printed = project.sh(". .venv/bin/activate\n", python)
    assert "[[100000]]" in printed
    assert "report/index.html" in printed
    assert "another" not in printed


@pytest.mark.more  # such arms are built in arms/test_installed.py, and commits compared beside it
def test_two_versions_are_compared_without_a_repository(measured: tuple[Project, str]) -> None:
    project, _ = measured
    (block,) = commands("Compare two versions of an engine")
    brief = block.replace("--max-time 1m", "--max-time 1 --rounds 2").rstrip()
    # whichever of the two is the faster
    printed = project.sh(". .venv/bin/activate\n", f"{brief} || [ $? = 1 ]\n")
    assert re.search(r"base +polars==2\.0\.0", printed), printed
    assert "best_days" in printed


def test_nothing_of_this_repository_is_used(project: Project) -> None:
    printed = project.sh(". .venv/bin/activate\n", "python -c 'import neuralake; print(neuralake)'")
    assert str(project.directory) in printed


def test_an_extra_can_be_added_later(project: Project) -> None:
    """By the name alone: what is installed says what its extras are."""
    project.sh(". .venv/bin/activate\n", "pip install --quiet 'neuralake-bench[pytest]'\n")
    assert "pytest-benchmark" in project.sh(". .venv/bin/activate\n", "uv pip list\n")


def test_a_project_of_uv(wheel: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "lake", wheel)
    project.directory.mkdir()
    assert re.search(r"duckdb +yes", project.sh(*commands("With uv")))
    assert 'name = "neuralake-bench"' in (project.directory / "uv.lock").read_text()


@pytest.mark.more
def test_from_git(wheel: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"from git: `(pip install .*)`", PAGE)
    project = Project(tmp_path / "lake", wheel)
    project.directory.mkdir()
    command = line.replace("<this repository>", f"file://{ROOT}").replace("[all]", "")
    activated = "python3 -m venv .venv\n. .venv/bin/activate\n"
    assert "neuralake-bench" in project.sh(activated, f"{command} --no-deps\n", "uv pip list\n")


def test_the_page_lists_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = re.findall(r"^\| `(\w+)` \|", section("Extras"), re.MULTILINE)
    assert sorted(listed) == sorted(project["optional-dependencies"])
