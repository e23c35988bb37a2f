"""Commits laid out from repositories of every kind that a user may stand in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from neuralake.arms.arm import parse_arm
from neuralake.arms.checkout import check_out, find_commit, find_repository, uncommitted
from neuralake.arms.inputs import find_inputs
from neuralake.errors import ArmError
from tests.arms.conftest import Repository


def start(path: Path) -> Repository:
    """An empty repository."""
    path.mkdir(parents=True)
    repository = Repository(path)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    """A repository with two commits."""
    repository = start(tmp_path / "origin")
    repository.commit("One", {"a.txt": "one\n", "old.txt": "old\n", "dir/b.txt": "b\n"})
    repository.git("tag", "--annotate", "v1", "--message", "First")
    repository.commit("Two", {"a.txt": "two\n", "old.txt": None, ".hidden": "h\n"})
    return repository


def lay_out(repository: Path, revision: str, directory: Path) -> dict[str, str]:
    """Text of every file of a commit, by name, after it was laid out."""
    said: list[str] = []
    commit = find_commit(repository, revision, said.append)
    assert said == []
    lock = os.open(directory.parent, os.O_RDONLY)
    try:
        check_out(repository, commit, directory, lock)
    finally:
        os.close(lock)
    assert Repository(directory).git("rev-parse", "HEAD") == commit.id
    assert Repository(directory).git("status", "--porcelain") == ""
    return {
        str(path.relative_to(directory)): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(directory).parts
    }


ONE = {"a.txt": "one\n", "dir/b.txt": "b\n", "old.txt": "old\n"}
TWO = {".hidden": "h\n", "a.txt": "two\n", "dir/b.txt": "b\n"}


@pytest.mark.parametrize(
    ("revision", "expected"), [("HEAD", TWO), ("v1", ONE), ("main~1", ONE), (":/One", ONE)]
)
def test_a_commit_is_laid_out_whatever_is_checked_out(
    origin: Repository, tmp_path: Path, revision: str, expected: dict[str, str]
) -> None:
    assert lay_out(origin.path, revision, tmp_path / "source") == expected


def test_a_commit_that_no_branch_leads_to(origin: Repository, tmp_path: Path) -> None:
    lost = origin.commit("Lost", {"a.txt": "lost\n"})
    origin.git("reset", "--quiet", "--hard", "HEAD~1")
    assert lay_out(origin.path, lost, tmp_path / "source")["a.txt"] == "lost\n"


def test_versions_can_be_made_from_tags(origin: Repository, tmp_path: Path) -> None:
    lay_out(origin.path, "HEAD", tmp_path / "source")
    described = Repository(tmp_path / "source").git("describe", "--tags")
    assert described == origin.git("describe", "--tags")
    assert described.startswith("v1-1-g")


def test_a_linked_work_tree(origin: Repository, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    origin.git("worktree", "add", "--quiet", "--detach", str(linked), "v1")
    assert find_repository(linked / "dir") == linked
    assert lay_out(linked, "HEAD", tmp_path / "source") == ONE


def test_a_sparse_work_tree(origin: Repository, tmp_path: Path) -> None:
    origin.git("sparse-checkout", "set", "dir")
    origin.git("sparse-checkout", "set", "--no-cone", "dir/")
    assert not (origin.path / "a.txt").exists()
    assert lay_out(origin.path, "HEAD", tmp_path / "source") == TWO


def test_a_shallow_clone(origin: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    origin.git("clone", "--quiet", "--depth=1", origin.path.as_uri(), str(clone))
    assert lay_out(clone, "HEAD", tmp_path / "source") == TWO
    with pytest.raises(ArmError, match="git fetch --unshallow"):
        find_commit(clone, "HEAD~1", print)


def test_a_partial_clone_fetches_what_it_lacks(origin: Repository, tmp_path: Path) -> None:
    origin.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    origin.git("clone", "--quiet", "--filter=blob:none", origin.path.as_uri(), str(clone))
    missing = Repository(clone).git("rev-list", "--objects", "--all", "--missing=print")
    assert "?" in missing
    assert lay_out(clone, "HEAD~1", tmp_path / "source") == ONE


def test_a_repository_of_longer_names(tmp_path: Path) -> None:
    path = tmp_path / "longer"
    path.mkdir()
    repository = Repository(path)
    repository.git("init", "--quiet", "--object-format=sha256")
    assert len(repository.commit("One", {"a.txt": "one\n"})) == 64
    assert lay_out(path, "HEAD", tmp_path / "source") == {"a.txt": "one\n"}


def test_submodules_are_filled_from_the_users_own_copies(
    origin: Repository, tmp_path: Path
) -> None:
    inner = start(tmp_path / "inner")
    inner.commit("Inner", {"inner.txt": "inner\n"})
    allowed = ("-c", "protocol.file.allow=always")
    origin.git(
        *allowed, "submodule", "--quiet", "add", "--name", "the inner", str(inner.path), "in"
    )
    origin.commit("Have a submodule")
    inner.path.rename(tmp_path / "gone")
    laid_out = lay_out(origin.path, "HEAD", tmp_path / "source")
    assert laid_out["in/inner.txt"] == "inner\n"
    assert lay_out(origin.path, "HEAD~1", tmp_path / "before") == TWO


def test_a_submodule_that_cannot_be_had(origin: Repository, tmp_path: Path) -> None:
    head = origin.git("rev-parse", "HEAD")
    origin.git("update-index", "--add", "--cacheinfo", f"160000,{head},in")
    modules = '[submodule "in"]\npath = in\nurl = https://me:hunter2@127.0.0.1:1/in.git\n'
    (origin.path / ".gitmodules").write_text(modules)
    origin.git("add", ".gitmodules")
    origin.git("commit", "--quiet", "--message", "Have a submodule")
    with pytest.raises(ArmError, match="git cannot read or lay out") as caught:
        lay_out(origin.path, "HEAD", tmp_path / "source")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_address_of_the_origin_is_kept_without_its_password(
    origin: Repository, tmp_path: Path
) -> None:
    origin.git("remote", "add", "origin", "https://me:hunter2@example.org/a.git")
    lay_out(origin.path, "HEAD", tmp_path / "source")
    url = Repository(tmp_path / "source").git("config", "remote.origin.url")
    assert url == "https://example.org/a.git"


@pytest.mark.parametrize("name", ["sub mödule", "ünïcode"])
def test_files_of_any_name(origin: Repository, tmp_path: Path, name: str) -> None:
    (origin.path / os.fsdecode(b"latin-\xe9")).write_text("x\n")
    origin.commit("Names", {f"{name}/ä b.txt": "c\n"})
    laid_out = lay_out(origin.path, "HEAD", tmp_path / "source")
    assert laid_out[f"{name}/ä b.txt"] == "c\n"
    assert laid_out[os.fsdecode(b"latin-\xe9")] == "x\n"


def test_what_differs_is_named_without_what_steers_a_terminal(origin: Repository) -> None:
    (origin.path / "\x1b[2J\n").write_text("x\n")
    commit = find_commit(origin.path, origin.commit("Odd \x1b[2J name"), print)
    assert commit.subject.isprintable()
    assert uncommitted(origin.path, commit) is None
    (origin.path / "\x1b[2J\n").write_text("y\n")
    (origin.path / os.fsdecode(b"latin-\xe9")).write_text("x\n")
    origin.git("add", "--all")
    named = uncommitted(origin.path, commit)
    assert named and named.isprintable()
    assert uncommitted(origin.path, find_commit(origin.path, "HEAD~1", print)) is None


def test_a_dirty_submodule_counts_but_not_what_is_untracked_in_it(
    origin: Repository, tmp_path: Path
) -> None:
    inner = start(tmp_path / "inner")
    inner.commit("Inner", {"inner.txt": "inner\n"})
    allowed = ("-c", "protocol.file.allow=always")
    origin.git(*allowed, "submodule", "--quiet", "add", str(inner.path), "in")
    commit = find_commit(origin.path, origin.commit("Have a submodule"), print)
    (origin.path / "in" / "new.txt").write_text("new\n")
    assert uncommitted(origin.path, commit) is None
    (origin.path / "in" / "inner.txt").write_text("changed\n")
    assert uncommitted(origin.path, commit) == "in"


def test_git_is_heard_where_it_warns(origin: Repository) -> None:
    origin.git("branch", "v1")
    said: list[str] = []
    find_commit(origin.path, "v1", said.append)
    find_commit(origin.path, "main@{10 years ago}", said.append)
    assert said[0] == "revision v1: refname 'v1' is ambiguous."
    assert "only goes back to" in said[1]


def test_the_repository_is_that_of_the_directory(origin: Repository, tmp_path: Path) -> None:
    assert find_repository(origin.path / "dir") == origin.path
    with pytest.raises(ArmError, match=r"is not in a git repository: expected the repository"):
        find_repository(tmp_path)
    with pytest.raises(ArmError, match="is not a directory"):
        find_repository(origin.path / "a.txt")
    with pytest.raises(ArmError, match=r"cannot be used: this operation must be run in a work"):
        find_repository(origin.path / ".git")


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    start(tmp_path / "new")
    with pytest.raises(ArmError, match="revision 'HEAD' is no commit of"):
        find_commit(tmp_path / "new", "HEAD", print)


@pytest.mark.parametrize("revision", ["^HEAD", "HEAD..main", "HEAD^{tree}", "HEAD\0", ""])
def test_what_names_no_one_commit(origin: Repository, revision: str) -> None:
    with pytest.raises(ArmError, match="is no commit of"):
        find_commit(origin.path, revision, print)


def test_a_plus_in_the_name_of_a_tag(origin: Repository) -> None:
    origin.git("tag", "v1+local")
    with pytest.raises(ArmError, match=r"v1\+local is a tag or branch of .*: name its commit, "):
        find_inputs(
            parse_arm("v1+local"), origin.path, Path("uv"), print, starts=(), allow_dirty=False
        )


def test_without_git(origin: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArmError, match="git is not installed"):
        find_repository(origin.path)


def test_an_object_that_is_damaged(origin: Repository, tmp_path: Path) -> None:
    blob = origin.git("rev-parse", "HEAD:a.txt")
    path = origin.path / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(b"")
    with pytest.raises(ArmError, match="git cannot read or lay out a commit"):
        lay_out(origin.path, "HEAD", tmp_path / "source")
    assert subprocess.run(["git", "-C", origin.path, "rev-parse", "HEAD"], check=True)


def test_a_repository_that_git_does_not_trust_is_not_called_none(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    with pytest.raises(ArmError, match="cannot be used: detected dubious ownership in repository"):
        find_repository(repository.path)


def test_without_a_repository_what_needs_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArmError, match=r"is not in a git repository: .* such as polars==2\.0\.0"):
        find_repository(tmp_path)
