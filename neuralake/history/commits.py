"""The commits of the repository that one stands in, in order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from neuralake.errors import HistoryError
from neuralake.history.records import Commit

_HASH = re.compile(r"[0-9a-f]{40,64}")
_TIMEOUT_S = 60
OFF_THE_LINE = "not on the first-parent line of HEAD"


@dataclass(frozen=True)
class Line:
    """The first-parent line of HEAD.

    Attributes
    ----------
    repository
        Its work tree.
    by_hash
        The commits, oldest first.
    is_shallow
        Whether older ones were not fetched.
    """

    repository: Path
    by_hash: Mapping[str, Commit]
    is_shallow: bool


def read_line(repository: Path) -> Line:
    """Read the first-parent line of HEAD, which is also the line that ``asv run`` takes by default.

    Parameters
    ----------
    repository
        A directory in it.

    Raises
    ------
    HistoryError
        If there is no git, no repository or no commit.
    """
    if not repository.is_dir():
        raise HistoryError(f"no directory {repository}: name one within a git repository")
    options = ("--first-parent", "--reverse", "--no-show-signature", "-z", "--format=%H %s")
    listed = _git(repository, "log", *options, "HEAD")
    shallow = _git(repository, "rev-parse", "--is-shallow-repository").strip() == "true"
    entries = (entry.partition(" ") for entry in listed.split("\0") if entry)
    commits = (
        Commit(name, position, subject) for position, (name, _, subject) in enumerate(entries)
    )
    return Line(repository, {commit.hash: commit for commit in commits}, shallow)


def why_absent(line: Line, hashes: Iterable[str]) -> dict[str, str]:
    """Why each commit is not on the line, by its hash."""
    reasons = dict.fromkeys(hashes, "unknown to this repository")
    asked = [name for name in reasons if _HASH.fullmatch(name)]
    if asked:
        answer = _git(line.repository, "cat-file", "--batch-check", stdin="\n".join(asked) + "\n")
        for name, said in zip(asked, answer.splitlines(), strict=True):
            if " commit " in said:
                reasons[name] = OFF_THE_LINE
    if line.is_shallow:
        hint = " (the clone is shallow: git fetch --unshallow)"
        reasons = {name: reason + hint for name, reason in reasons.items()}
    return reasons


def _git(repository: Path, *arguments: str, stdin: str | None = None) -> str:
    command = ["git", "-C", str(repository), *arguments]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise HistoryError("git is not installed: the order of commits comes from it") from error
    except subprocess.TimeoutExpired as error:
        raise HistoryError(f"git {arguments[0]} takes longer than {_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or "no reason given").splitlines()[0]
        raise HistoryError(f"git cannot read the commits of {repository}: {said}")
    return done.stdout
