"""Repositories of a team with a project that has Neuralake among its dependencies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuralake.arms.arm import parse_arm
from neuralake.arms.build import Arm, build_arm, find_uv
from tests.arms import backend

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "lake"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["neuralake-bench", "iniconfig>=2,<2.1"]

[project.optional-dependencies]
more = ["sprocket>=1"]

[tool.uv]
find-links = ["wheels"]
"""


@dataclass
class Repository:
    """A work tree, with what a user does in it."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run git; returns what it printed."""
        done = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, files: Mapping[str, str | None] | None = None) -> str:
        """Commit everything, files written or removed (None) first; returns the commit's name."""
        for name, text in (files or {}).items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def lock(self) -> None:
        """Make the lock file fit the project."""
        subprocess.run(
            [find_uv(), "lock", "--quiet", "--python", sys.executable], cwd=self.path, check=True
        )


@dataclass
class Builder:
    """Builds arms of a repository into a cache of the test's own."""

    repository: Repository
    cache: Path
    here: Path | None = None
    said: list[str] = field(default_factory=list)

    def __call__(self, text: str, *, allow_dirty: bool = False) -> Arm:
        """Build an arm; ``said`` is what that build said."""
        self.said.clear()
        return build_arm(
            parse_arm(text),
            repository=self.repository.path,
            cache=self.cache,
            say=self.said.append,
            working_directory=self.here,
            allow_dirty=allow_dirty,
        )

    def entries(self) -> set[str]:
        """Keys of the arms that are there, whole or not."""
        return {path.name for path in (self.cache / "arms").iterdir() if path.is_dir()}


def evaluate(arm: Arm, expression: str, *modules: str) -> str:
    """What an expression is in an arm's environment."""
    code = f"import {', '.join(modules)}; print({expression})"
    done = subprocess.run(
        [arm.python, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits, whose code answers 1 and 2."""
    path = tmp_path_factory.mktemp("template") / "lake"
    path.mkdir()
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    wheels = path / "wheels"
    backend.make_wheel(wheels, "neuralake-bench", "9.9", {"neuralake.py": "ANSWER = 9\n"})
    for version in ("1.0", "1.5", "2.0"):
        code = {"sprocket.py": f"VERSION = '{version}'\n"}
        backend.make_wheel(wheels, "sprocket", version, code)
    shutil.copy(backend.__file__, path / "backend.py")
    (path / "pyproject.toml").write_text(PYPROJECT)
    (path / ".gitignore").write_text("__pycache__\n")
    repository.lock()
    repository.commit("Answer one", {"src/lake.py": "ANSWER = 1\n", "queries/q1.sql": "SELECT 1\n"})
    repository.commit("Answer two", {"src/lake.py": "ANSWER = 2\n", "queries/q1.sql": "SELECT 2\n"})
    return path


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Repository:
    """A repository of the test's own."""
    shutil.copytree(template, tmp_path / "lake", symlinks=True)
    repository = Repository(tmp_path / "lake")
    repository.git("status")  # the copies have other times, which the index learns here
    return repository


@pytest.fixture
def build(repository: Repository, tmp_path: Path) -> Builder:
    """Builds arms of that repository."""
    return Builder(repository, tmp_path / "cache")


BuildElsewhere = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def build_elsewhere(build: Builder) -> BuildElsewhere:
    """Starts a process that builds an arm, tells what it is told, and prints the answer."""
    code = """
import sys
from pathlib import Path
from neuralake.arms.arm import parse_arm
from neuralake.arms.build import build_arm
say = lambda text: print(text, flush=True)
spec, repository, cache = parse_arm(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
arm = build_arm(spec, repository=repository, cache=cache, say=say)
print(arm.python, flush=True)
"""

    def start(text: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, text, build.repository.path, build.cache],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )

    return start
