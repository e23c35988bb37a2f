"""All that decides what an arm is built into, and the key that follows from it."""

from __future__ import annotations

import hashlib
import json
import platform
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neuralake.arms import shelf
from neuralake.arms.arm import ArmSpec, local_wheel
from neuralake.arms.checkout import Commit, find_commit, names_commit, uncommitted
from neuralake.arms.environment import uv_version
from neuralake.arms.installed import Piece, find_installed
from neuralake.arms.project import Outside, Project, find_outside, find_project
from neuralake.arms.wheel import Wheel, find_wheel
from neuralake.errors import ArmError

_FORMAT = 2  # of what is built from the same inputs: raise it when that changes


@dataclass(frozen=True)
class Sources:
    """Where the files of an arm's commit come from.

    Attributes
    ----------
    repository
        Work tree that has the commit.
    commit
        Of its files.
    project
        Which of them are built.
    outside
        What they name beyond the repository.
    """

    repository: Path
    commit: Commit
    project: Project
    outside: tuple[Outside, ...]

    def __str__(self) -> str:
        return f"commit {self.commit} ({self.commit.subject})"


@dataclass(frozen=True)
class Here:
    """What is installed in the Python that runs this.

    Attributes
    ----------
    pieces
        The distributions.
    """

    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        return "what is installed here"


@dataclass(frozen=True)
class Inputs:
    """What an arm is built from.

    Attributes
    ----------
    base
        A commit and its lock file, or what is installed here.
    requirements
        Installed over that.
    key
        The same for the same files, requirements, Python, platform and uv.
    """

    base: Sources | Here
    requirements: tuple[str | Wheel, ...]
    key: str


def find_inputs(
    spec: ArmSpec,
    repository: Path | None,
    uv: Path,
    say: Callable[[str], None],
    *,
    starts: tuple[PurePosixPath, ...],
    allow_dirty: bool,
) -> Inputs:
    """Look everything up that an arm names.

    Parameters
    ----------
    spec
        What is asked for; paths of wheels are relative to the working directory.
    repository
        Work tree that has the commit; None if no commit is asked for.
    uv
        Executable that will build.
    say
        Told what is odd.
    starts
        Directories of the repository; the first that is in a project is in the one that is built.
    allow_dirty
        Whether a work tree that differs from its commit is no mistake.

    Raises
    ------
    ArmError
        If something is not there, or the work tree is dirty.
    """
    requirements = tuple(_requirement(text) for text in spec.requirements)
    base: Sources | Here
    if spec.revision is None or repository is None:
        base = Here(find_installed())
        facts: list[object] = [piece.facts() for piece in base.pieces]
    else:
        _refuse_plus(spec, repository)
        commit = _clean_commit(spec.revision, repository, say, allow_dirty=allow_dirty)
        project = find_project(repository, commit, starts)
        base = Sources(repository, commit, project, find_outside(repository, commit, project))
        outside = [fact for found in base.outside for fact in found.facts()]
        facts = [commit.tree, str(project.directory), str(project.lock), outside]
    return Inputs(base, requirements, _key(facts, requirements, uv))


def _refuse_plus(spec: ArmSpec, repository: Path) -> None:
    """Refuse a tag or branch with a plus in its name, which would be another's with a package."""
    whole = "+".join((spec.revision or "", *spec.requirements))
    if spec.requirements and (commit := names_commit(repository, whole)) is not None:
        raise ArmError(
            f"{whole} is a tag or branch of {repository}, and in an arm a + begins a requirement: "
            f"name its commit, {commit}"
        )


def _clean_commit(
    revision: str, repository: Path, say: Callable[[str], None], *, allow_dirty: bool
) -> Commit:
    commit = find_commit(repository, revision, say)
    changed = uncommitted(repository, commit)
    if changed and not allow_dirty:
        raise ArmError(
            f"the work tree differs from {revision}, the commit to measure, in {changed}: "
            "commit or stash that, or measure the commit without it (--allow-dirty)"
        )
    if changed:
        say(f"not measured, since not committed: changes of {changed}")
    return commit


def _requirement(text: str) -> str | Wheel:
    wheel = local_wheel(text)
    return text if wheel is None else find_wheel(wheel)


def _key(facts: list[object], requirements: tuple[str | Wheel, ...], uv: Path) -> str:
    content = {
        "format": _FORMAT,
        "base": facts,
        "requirements": [
            r if isinstance(r, str) else [r.requirement, r.filename, r.sha256] for r in requirements
        ],
        "python": [
            platform.python_implementation(),
            platform.python_version(),
            sysconfig.get_config_var("SOABI"),
            sysconfig.get_platform(),
        ],
        "uv": uv_version(uv),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()[: shelf.KEY_LENGTH]
