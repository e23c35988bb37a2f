"""All that decides what an arm is built into, and the key that follows from it."""

from __future__ import annotations

import hashlib
import json
import platform
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neuralake.arms import shelf
from neuralake.arms.arm import ArmSpec, local_wheel
from neuralake.arms.checkout import Commit, check_has, find_commit, uncommitted
from neuralake.arms.environment import uv_version
from neuralake.arms.wheel import Wheel, find_wheel
from neuralake.errors import ArmError

_FORMAT = 1  # of what is built from the same inputs: raise it when that changes


@dataclass(frozen=True)
class Inputs:
    """What an arm is built from.

    Attributes
    ----------
    commit
        Of its files.
    requirements
        Installed over its lock file.
    key
        The same for the same files, requirements, Python, platform and uv.
    """

    commit: Commit
    requirements: tuple[str | Wheel, ...]
    key: str


def find_inputs(
    spec: ArmSpec, repository: Path, uv: Path, say: Callable[[str], None], *, allow_dirty: bool
) -> Inputs:
    """Look everything up that an arm names.

    Parameters
    ----------
    spec
        What is asked for; paths of wheels are relative to the working directory.
    repository
        Work tree that has the commit.
    uv
        Executable that will build.
    say
        Told what is odd.
    allow_dirty
        Whether a work tree that differs from its commit is no mistake.

    Raises
    ------
    ArmError
        If something is not there, or the work tree is dirty.
    """
    requirements = tuple(_requirement(text) for text in spec.requirements)
    commit = find_commit(repository, spec.revision, say)
    changed = uncommitted(repository, commit)
    if changed and not allow_dirty:
        raise ArmError(
            f"the work tree differs from {spec.revision}, the commit to measure, in {changed}: "
            "commit or stash that, or measure the commit without it (--allow-dirty)"
        )
    if changed:
        say(f"not measured, since not committed: changes of {changed}")
    check_has(repository, commit, ("pyproject.toml", "uv.lock"))
    return Inputs(commit, requirements, _key(commit, requirements, uv))


def _requirement(text: str) -> str | Wheel:
    wheel = local_wheel(text)
    return text if wheel is None else find_wheel(wheel)


def _key(commit: Commit, requirements: tuple[str | Wheel, ...], uv: Path) -> str:
    content = {
        "format": _FORMAT,
        "tree": commit.tree,
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
