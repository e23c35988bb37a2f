"""The order of commits comes from the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.errors import HistoryError
from neuralake.history.commits import read_line, why_absent
from tests.history.make import git, make_repository


def test_the_line_is_that_of_the_first_parents(tmp_path: Path) -> None:
    hashes = make_repository(tmp_path, 3)
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "On the side")
    side = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "On main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "--message", "Merge the side", "side")
    line = read_line(tmp_path)
    assert list(line.by_hash)[:3] == hashes
    assert [c.subject for c in line.by_hash.values()][3:] == ["On main", "Merge the side"]
    assert [c.position for c in line.by_hash.values()] == [0, 1, 2, 3, 4]
    assert why_absent(line, [side, "f" * 40]) == {
        side: "not on the first-parent line of HEAD",
        "f" * 40: "unknown to this repository",
    }


def test_a_hash_that_is_none_is_never_given_to_git(tmp_path: Path) -> None:
    make_repository(tmp_path, 1)
    line = read_line(tmp_path)
    assert why_absent(line, ["--help", "HEAD", "HEAD\nHEAD", ""]) == dict.fromkeys(
        ["--help", "HEAD", "HEAD\nHEAD", ""], "unknown to this repository"
    )


def test_a_subject_cannot_break_the_list(tmp_path: Path) -> None:
    make_repository(tmp_path, 1)
    message = "Say \x1b[31mred\x1b[0m \N{SNOWMAN}\nand more"
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", message)
    (_, last) = read_line(tmp_path).by_hash.values()
    assert last.subject == "Say \x1b[31mred\x1b[0m \N{SNOWMAN} and more"  # who shows it, cleans it


def test_a_directory_within_the_repository_will_do(tmp_path: Path) -> None:
    hashes = make_repository(tmp_path, 2)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert list(read_line(tmp_path / "a" / "b").by_hash) == hashes


def test_a_shallow_clone_says_so(tmp_path: Path) -> None:
    hashes = make_repository(tmp_path / "whole", 3)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{tmp_path / 'whole'}", "shallow")
    line = read_line(tmp_path / "shallow")
    assert list(line.by_hash) == hashes[-1:]
    (reason,) = why_absent(line, hashes[:1]).values()
    assert reason.endswith("(the clone is shallow: git fetch --unshallow)")


def test_no_repository_no_commit_no_directory(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="not a git repository"):
        read_line(tmp_path)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(HistoryError, match="git cannot read the commits"):
        read_line(tmp_path)
    with pytest.raises(HistoryError, match="no directory"):
        read_line(tmp_path / "nowhere")


def test_git_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_repository(tmp_path, 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HistoryError, match="git is not installed"):
        read_line(tmp_path)
