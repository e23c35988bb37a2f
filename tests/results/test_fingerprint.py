"""The fingerprint: facts of this machine, and None for what is not known."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from neuralake.machine import available_memory_bytes, cores, memory_bytes
from neuralake.measure.hardware import why_not_counted
from neuralake.results.fingerprint import fingerprint
from neuralake.results.records import Fingerprint


def test_it_knows_this_machine(tmp_path: Path) -> None:
    found = fingerprint(tmp_path)
    assert found.cores == cores() >= 1
    assert found.memory_bytes == memory_bytes() >= available_memory_bytes() > 0
    assert found.packages["polars"] == version("polars")
    assert found.python.split()[1].count(".") == 2


def test_it_knows_commit_and_changes_where_there_is_a_repository(tmp_path: Path) -> None:
    assert (fingerprint(tmp_path).commit, fingerprint(tmp_path).dirty) == (None, None)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
        return subprocess.check_output([*command, *arguments], text=True).strip()

    git("init", "--quiet")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "--quiet", "-m", "first")
    assert fingerprint(tmp_path).commit == git("rev-parse", "HEAD")
    assert fingerprint(tmp_path).dirty is False
    (tmp_path / "untracked").write_text("1")
    assert fingerprint(tmp_path).dirty is False
    (tmp_path / "file").write_text("2")
    assert fingerprint(tmp_path).dirty is True


def test_a_hook_s_variables_name_no_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(Path(__file__).parents[2] / ".git"))
    assert fingerprint(tmp_path).commit is None


def test_a_repository_that_git_does_not_trust_is_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert fingerprint(tmp_path).commit_unknown == "there is no commit yet"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    found = fingerprint(tmp_path)
    assert (found.commit, found.dirty) == (None, None)
    assert found.commit_unknown is not None
    assert found.commit_unknown.startswith("detected dubious ownership in repository at")


def test_without_git_a_repository_is_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert fingerprint(tmp_path).commit_unknown is None
    (tmp_path / ".git").mkdir()
    below = tmp_path / "below"
    below.mkdir()
    assert fingerprint(below).commit_unknown == "git is not installed, or not on PATH"


def test_it_has_the_variables_that_change_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLARS_FORCE_ASYNC", "1")
    found = fingerprint(tmp_path).environment
    assert found is not None
    assert found["POLARS_FORCE_ASYNC"] == "1"


def test_a_fingerprint_from_before_these_were_recorded_is_read() -> None:
    old = {
        "cpu": "A processor",
        "cores": 4,
        "memory_bytes": 1,
        "kernel": "6",
        "os": None,
        "load_1m": None,
        "python": "3",
        "neuralake": "0.1.0",
        "packages": {},
        "commit": None,
        "dirty": None,
    }
    found = msgspec.convert(old, Fingerprint)
    assert (found.cpu_quota, found.environment, found.commit_unknown) == (None, None, None)
    assert found.instructions_unknown is None


def test_it_says_why_no_instructions_are_counted(tmp_path: Path) -> None:
    assert fingerprint(tmp_path).instructions_unknown == why_not_counted()
