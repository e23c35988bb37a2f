"""The files of a commit, laid out elsewhere; the user's repository is read and never changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from neuralake.arms.output import mask, printable
from neuralake.errors import ArmError

SHORT = 10
_FILES_NAMED = 3

# Git sets these for hooks and aliases; they would win over the repository that is named here.
_OTHER_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
_NOTHING_RUNS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "submodule.recurse=false"),
)


@dataclass(frozen=True)
class Commit:
    """A commit.

    Attributes
    ----------
    id
        Its full name.
    tree
        Name of its content: two commits of the same files have the same.
    subject
        First line of its message.
    """

    id: str
    tree: str
    subject: str

    def __str__(self) -> str:
        return self.id[:SHORT]


def find_repository(directory: Path) -> Path:
    """The work tree that a directory is in.

    Raises
    ------
    ArmError
        If it is in none, or git is missing.
    """
    if not directory.is_dir():
        raise ArmError(f"{directory} is not a directory: expected one in a git repository")
    done = _git(directory, "rev-parse", "--show-toplevel")
    if done.returncode:
        if "not a git repository" in done.stderr:
            raise ArmError(
                f"{directory} is not in a git repository: expected the repository whose commits "
                "are compared, or arms of what is installed here, such as polars==2.0.0 or "
                "installed"
            )
        raise ArmError(f"the git repository of {directory} cannot be used: {_reason(done)}")
    return Path(done.stdout.removesuffix("\n"))


def find_commit(repository: Path, revision: str, say: Callable[[str], None]) -> Commit:
    """The commit that a revision names.

    Parameters
    ----------
    repository
        Its work tree.
    revision
        In git's notation.
    say
        Told what git warns of: an ambiguous name, a log that does not go back that far.

    Raises
    ------
    ArmError
        If there is no such commit.
    """
    written = revision.replace("\0", " ")  # of which no argument can be made
    named = _git(repository, "rev-parse", "--verify", written)
    # apart, since in ":/text" what is put after it would be text
    done = _git(repository, "rev-parse", "--verify", f"{named.stdout.strip()}^{{commit}}")
    # "^main" is all that is not in main
    if named.returncode or done.returncode or done.stdout.startswith("^"):
        is_shallow = _git(repository, "rev-parse", "--is-shallow-repository").stdout.strip()
        fetch = "git fetch --unshallow --tags" if is_shallow == "true" else "git fetch --all --tags"
        raise ArmError(
            f"revision {revision!r} is no commit of {repository}: "
            f"expected a branch, a tag or a commit that is here; {fetch} may bring it"
        )
    for line in named.stderr.splitlines():
        if line.startswith("warning: "):
            say(f"revision {revision}: {line.removeprefix('warning: ')}")
    shown = _run(
        repository, "log", "-1", "--no-show-signature", "--format=%H%n%T%n%s", done.stdout.strip()
    )
    commit, tree, subject = (*shown.splitlines(), "")[:3]
    return Commit(commit, tree, printable(subject))


def names_commit(repository: Path, text: str) -> str | None:
    """The short id of the commit that a text names, or None."""
    done = _git(repository, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
    return done.stdout[:SHORT] if done.returncode == 0 else None


def uncommitted(repository: Path, commit: Commit) -> str | None:
    """Names of tracked files that differ from a commit; None unless it is checked out, and changed.

    Who measures the commit that is checked out commonly means the files that he sees.
    """
    if _git(repository, "rev-parse", "--verify", "HEAD").stdout.strip() != commit.id:
        return None
    tracked = ("--untracked-files=no", "--ignore-submodules=untracked", "--no-renames")
    status = _run(repository, "status", "--porcelain=v1", "-z", *tracked)
    changed = [printable(entry[3:]) for entry in status.split("\0") if entry]
    rest = len(changed) - _FILES_NAMED
    named = ", ".join(changed[:_FILES_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    return named or None


def present_in(repository: Path, commit: Commit, files: Iterable[str]) -> set[str]:
    """Those of some files, by their paths from the top, that a commit has."""
    return set(_run(repository, "ls-tree", "-z", "--name-only", commit.id, *files).split("\0"))


def content_of(repository: Path, commit: Commit, file: PurePosixPath) -> str:
    """Text of a file of a commit, by its path from the top."""
    return _run(repository, "cat-file", "blob", f"{commit.id}:{file}")


def check_out(repository: Path, commit: Commit, directory: Path, lock: int) -> None:
    """Lay out the files of a commit, with a repository of their own that borrows its objects.

    A work tree of git's own would be registered in the user's repository, and a clone has no
    commit that no branch leads to. The files are written by the user's repository, so that what
    it alone can reach (large files, objects of a partial clone) is there.

    Parameters
    ----------
    repository
        The user's work tree.
    commit
        Of that repository.
    directory
        Made; its parent is there.
    lock
        Descriptor that git inherits where it writes, so that a lock outlives a killed parent.

    Raises
    ------
    ArmError
        If git cannot write it.
    """
    asked = ("--show-object-format", "--git-path", "objects", "--git-path", "shallow")
    object_format, objects, shallow = _run(repository, "rev-parse", *asked).splitlines()
    common = Path(_run(repository, "rev-parse", "--git-common-dir").removesuffix("\n"))
    _run(
        directory.parent,
        *("init", "--quiet", "--template=", f"--object-format={object_format}", str(directory)),
    )
    own = directory / ".git"
    (own / "objects" / "info").mkdir(exist_ok=True)
    (own / "objects" / "info" / "alternates").write_text(f"{repository / objects}\n")
    if (repository / shallow).is_file():
        (own / "shallow").write_bytes((repository / shallow).read_bytes())
    # versions made from tags need them
    tags = _run(repository, "for-each-ref", "--format=create %(refname) %(objectname)", "refs/tags")
    _run(directory, "update-ref", "--stdin", text=tags)
    _run(directory, "update-ref", "--no-deref", "HEAD", commit.id)
    _run(
        repository,
        *("-c", "core.sparseCheckout=false", "read-tree", "--reset", "-u", commit.id),
        environment={"GIT_WORK_TREE": str(directory), "GIT_INDEX_FILE": str(own / "index")},
        lock=lock,
    )
    origin = _git(repository, "config", "--get", "remote.origin.url").stdout.strip()
    _run(directory, "config", "remote.origin.url", _without_user(origin) or str(repository))
    if (directory / ".gitmodules").is_file():
        _check_out_submodules(directory, repository / common / "modules", lock)


def _check_out_submodules(directory: Path, modules: Path, lock: int) -> None:
    """Fill submodules, from the user's own copies where there are any."""
    found = _git(
        directory,
        *(
            "config",
            "--file",
            ".gitmodules",
            "--name-only",
            "--get-regexp",
            r"^submodule\..*\.url$",
        ),
    )
    for key in found.stdout.splitlines():
        copy = modules / key.removeprefix("submodule.").removesuffix(".url")
        if copy.is_dir():
            _run(directory, "config", key, str(copy))
    # git refuses local copies otherwise, for fear of a stranger's repository; this one is built
    allowed = ("-c", "protocol.file.allow=always")
    update = ("submodule", "--quiet", "update", "--init", "--recursive")
    _run(directory, *allowed, *update, lock=lock)


def _without_user(url: str) -> str:
    """The address without a password; ``git@host:path`` is none of the kind that has one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _run(
    directory: Path,
    *arguments: str,
    text: str = "",
    environment: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> str:
    done = _git(directory, *arguments, text=text, environment=environment, lock=lock)
    if done.returncode:
        where = (environment or {}).get("GIT_WORK_TREE", directory)
        raise ArmError(f"git cannot read or lay out a commit in {where}: {_reason(done)}")
    return done.stdout


def _git(
    directory: Path,
    *arguments: str,
    text: str = "",
    environment: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k not in _OTHER_REPOSITORY}
    environ |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",  # a look at the status would write the user's index
    }
    try:
        return subprocess.run(
            ["git", *_NOTHING_RUNS, *arguments],
            cwd=directory,
            env=environ | dict(environment or {}),
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            pass_fds=() if lock is None else (lock,),
            check=False,
        )
    except FileNotFoundError:
        raise ArmError("git is not installed, or not on PATH: arms are commits") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in mask(done.stderr).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    line = (fatal or lines or [f"it ended with status {done.returncode}"])[0]
    return printable(line.removeprefix("fatal: ").removeprefix("error: "))
