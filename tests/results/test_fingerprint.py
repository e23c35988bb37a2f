"""The fingerprint: facts of this machine, and None for what is not known."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

from neuralake.machine import available_memory_bytes, cores, memory_bytes
from neuralake.results.fingerprint import fingerprint


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
