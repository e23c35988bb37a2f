"""Where in a commit a project lies, and which file locks what it needs."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from neuralake.arms.checkout import Commit, content_of, present_in
from neuralake.errors import ArmError

UV_LOCK, PYLOCK, REQUIREMENTS = "uv.lock", "pylock.toml", "requirements.txt"
LOCKS = (UV_LOCK, PYLOCK, REQUIREMENTS)
_PYPROJECT, _UV_SETTINGS = "pyproject.toml", "uv.toml"
# a path in a file of requirements: alone, after an option, after "name @", or as a file: URL
_RELATIVE = re.compile(r"(?:^|[\s=@:])(\.\./\S+|\.\.(?=\s|$))", re.MULTILINE)
_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip")


@dataclass(frozen=True)
class Project:
    """A project within a commit.

    Attributes
    ----------
    directory
        Where it lies, from the top of the repository.
    lock
        File that locks what it needs: there, or above it in a workspace.
    """

    directory: PurePosixPath
    lock: PurePosixPath

    @property
    def root(self) -> PurePosixPath:
        """Directory of the lock, which is that of the workspace."""
        return self.lock.parent


@dataclass(frozen=True)
class Outside:
    """Something that the commit's files name and that lies outside of its repository.

    Attributes
    ----------
    path
        From the top of the repository: ``../wheels``.
    place
        Where it lies.
    """

    path: str
    place: Path

    def facts(self) -> list[list[str]]:
        """What differs once its content does: a file's digest, or what lies in a directory."""
        if self.place.is_file():
            with self.place.open("rb") as stream:
                return [[self.path, hashlib.file_digest(stream, "sha256").hexdigest()]]
        facts = []
        for file in sorted(self.distributions()):
            status = file.stat()
            facts.append([self.path, file.name, str(status.st_size), str(status.st_mtime_ns)])
        return facts

    def distributions(self) -> Iterator[Path]:
        """Wheels and source distributions in it, where it is a directory."""
        return (path for path in self.place.iterdir() if path.name.endswith(_DISTRIBUTIONS))


def find_project(repository: Path, commit: Commit, starts: Iterable[PurePosixPath]) -> Project:
    """The project that a directory is in, as it is in a commit.

    It is the nearest directory, from the start up to the top of the repository, that has a lock
    file or a ``pyproject.toml`` with a project in it; its lock file may lie further up.

    Parameters
    ----------
    repository
        Work tree that has the commit.
    starts
        Directories from the top of the repository; the first that is in a project counts.

    Raises
    ------
    ArmError
        If there is none, or nothing locks it.
    """
    unlocked: PurePosixPath | None = None
    starts = list(starts)
    chains = [[start, *start.parents] for start in starts]
    names = (*LOCKS, _PYPROJECT)
    wanted = {str(directory / name) for chain in chains for directory in chain for name in names}
    present = present_in(repository, commit, sorted(wanted))
    for chain in chains:
        for i, directory in enumerate(chain):
            lock = _lock(directory, present)
            if lock is None and not _is_project(repository, commit, directory, present):
                continue
            for above in chain[i:]:
                if lock := _lock(above, present):
                    return Project(directory, lock)
            unlocked = unlocked or directory
    where = str(unlocked or starts[0])
    place = "at the top of the repository" if where == "." else f"in {where} or above it"
    what = " and no ".join(LOCKS) if unlocked is not None else f"{_PYPROJECT} and no lock file"
    raise ArmError(
        f"commit {commit} ({commit.subject}) has no {what} {place}: an arm is built from "
        f"{', '.join(LOCKS[:-1])} or {LOCKS[-1]} (uv lock makes the first)"
    )


def find_outside(repository: Path, commit: Commit, project: Project) -> tuple[Outside, ...]:
    """What a project's lock file and settings name outside of the repository, and is there.

    Raises
    ------
    ArmError
        If it is the source of a package: its files are of no commit.
    """
    directories = dict.fromkeys((project.root, project.directory))
    files = [project.lock]
    files += [d / name for d in directories for name in (_PYPROJECT, _UV_SETTINGS)]
    present = present_in(repository, commit, [str(file) for file in files])
    found: dict[str, Outside] = {}
    for file in files:
        if str(file) not in present:
            continue
        for named in _paths(file, content_of(repository, commit, file)):
            path = os.path.normpath(file.parent / named)
            place = repository / path
            if path.split("/")[0] == ".." and place.exists():
                found[path] = Outside(path, Path(os.path.normpath(place)))
    for outside in found.values():
        if any((outside.place / name).is_file() for name in (_PYPROJECT, "setup.py")) and not (
            repository.is_relative_to(outside.place)
        ):
            raise ArmError(
                f"commit {commit} ({commit.subject}) takes a package from {outside.path}, outside "
                "of its repository, whose files are of no commit: lock a wheel of it"
            )
    return tuple(found[path] for path in sorted(found))


def _lock(directory: PurePosixPath, present: Iterable[str]) -> PurePosixPath | None:
    return next((directory / n for n in LOCKS if str(directory / n) in present), None)


def _is_project(
    repository: Path, commit: Commit, directory: PurePosixPath, present: Iterable[str]
) -> bool:
    """Whether it has a ``pyproject.toml`` of a project, and not only one with settings of tools."""
    file = directory / _PYPROJECT
    if str(file) not in present:
        return False
    try:
        return "project" in tomllib.loads(content_of(repository, commit, file))
    except ValueError:
        return True  # broken, as uv will say


def _paths(file: PurePosixPath, text: str) -> Iterator[str]:
    """Relative paths that a file names."""
    if file.name == REQUIREMENTS:
        yield from (match[1].partition("#")[0] for match in _RELATIVE.finditer(text))
        return
    try:
        yield from _strings(tomllib.loads(text))
    except ValueError:  # broken, as uv will say
        return


def _strings(value: Any) -> Iterator[str]:
    """Texts in a TOML document that may be a relative path."""
    if isinstance(value, str):
        if ".." in value.split("/") and "://" not in value and value.isprintable():
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
