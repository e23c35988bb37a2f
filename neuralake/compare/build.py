"""Arms, built once and kept by content: ``<cache>/arms/<key>/`` with source and environment.

``ready.json`` is written last. A directory without it is half built: whoever comes next removes
it and builds again, under a lock of the key's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from neuralake.compare import shelf
from neuralake.compare.arm import ArmSpec, local_wheel
from neuralake.compare.checkout import (
    Commit,
    check_clean,
    check_has,
    check_out,
    find_commit,
    find_repository,
)
from neuralake.compare.environment import Uv, UvError, find_uv, normalise, uv_version
from neuralake.compare.output import mask
from neuralake.compare.shelf import hold, prune
from neuralake.errors import ArmError
from neuralake.results.store import write_whole

__all__ = ["Arm", "build_arm", "find_repository", "find_uv", "hold", "prune"]

KEPT = 8

_FORMAT = 1  # of what is built from the same inputs: raise it when that changes
_OURS = "neuralake"
_DIGEST_SHOWN = 12


@dataclass(frozen=True)
class Arm:
    """An arm that is built.

    Attributes
    ----------
    spec
        As it was asked for.
    commit
        Full name of the commit.
    subject
        First line of its message.
    directory
        Its files: queries and catalog are read there.
    python
        Interpreter of its environment.
    packages
        Version of everything installed, by normalised name; of a wheel of this machine with the
        beginning of its digest, such as ``2.1.0 (sha256:ab12…)``.
    """

    spec: ArmSpec
    commit: str
    subject: str
    directory: Path
    python: Path
    packages: Mapping[str, str]


@dataclass(frozen=True)
class _Ready:
    """Content of ``ready.json``."""

    packages: dict[str, str]


@dataclass(frozen=True)
class _Wheel:
    """A wheel of this machine that stands for a requirement."""

    path: Path
    prefix: str
    extras: str
    sha256: str

    @property
    def package(self) -> str:
        return normalise(self.path.name.partition("-")[0])


@dataclass(frozen=True)
class _Plan:
    """All that decides what is built."""

    commit: Commit
    requirements: tuple[str | _Wheel, ...]
    key: str


def build_arm(
    spec: ArmSpec,
    *,
    repository: Path,
    cache: Path,
    say: Callable[[str], None],
    allow_dirty: bool = False,
    uv: Path | None = None,
) -> Arm:
    """Build an arm, or find it built.

    Parameters
    ----------
    spec
        What is asked for; paths of wheels are relative to the working directory.
    repository
        Work tree that has the commit; nothing in it is changed.
    cache
        Directory under which arms are kept; made if absent.
    say
        Told what takes time, and what is odd, in one line.
    allow_dirty
        Whether a work tree that differs from its commit is no mistake.
    uv
        Executable that builds; found if None.

    Raises
    ------
    ArmError
        If the commit, a wheel or uv is not there, the work tree is dirty, something does not
        resolve or build, the environment has no Neuralake, or the cache cannot be written.
    """
    program = uv or find_uv()
    try:
        plan = _plan(spec, repository, program, say, allow_dirty)
        shelves = cache.absolute() / "arms"
        shelves.mkdir(parents=True, exist_ok=True)
        entry = shelves / plan.key
        ready = _find_or_build(plan, entry, repository, program, say)
    except OSError as error:
        where = error.filename or cache
        raise ArmError(f"an arm cannot be built: {where}: {error.strerror}") from error
    return Arm(
        spec,
        plan.commit.id,
        plan.commit.subject,
        entry / "source",
        entry / "environment" / "bin" / "python",
        ready.packages,
    )


def _plan(
    spec: ArmSpec, repository: Path, program: Path, say: Callable[[str], None], allow_dirty: bool
) -> _Plan:
    requirements = tuple(_requirement(text) for text in spec.requirements)
    commit = find_commit(repository, spec.revision, say)
    if not allow_dirty:
        check_clean(repository, commit)
    check_has(repository, commit, ("pyproject.toml", "uv.lock"))
    content = {
        "format": _FORMAT,
        "tree": commit.tree,
        "requirements": [
            r if isinstance(r, str) else [r.prefix, r.path.name, r.extras, r.sha256]
            for r in requirements
        ],
        "python": [
            platform.python_implementation(),
            platform.python_version(),
            sysconfig.get_config_var("SOABI"),
            sysconfig.get_platform(),
        ],
        "uv": uv_version(program),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return _Plan(commit, requirements, digest[: shelf.KEY_LENGTH])


def _requirement(text: str) -> str | _Wheel:
    wheel = local_wheel(text)
    if wheel is None:
        return text
    path = Path(wheel.path).expanduser().absolute()
    if not path.is_file():
        raise ArmError(f"there is no wheel {path}: expected a file, as {text!r} says")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _Wheel(path, wheel.prefix, wheel.extras, digest)


def _find_or_build(
    plan: _Plan, entry: Path, repository: Path, program: Path, say: Callable[[str], None]
) -> _Ready:
    def waiting() -> None:
        say(f"waiting for another process, which is building commit {plan.commit}")

    with shelf.shared(entry, waiting):
        ready = _read(entry)
    if ready is None:
        with shelf.exclusive(entry, waiting) as lock:
            ready = _read(entry) or _build(plan, entry, repository, program, say, lock)
        prune(entry.parents[1], KEPT)
    return ready


def _read(entry: Path) -> _Ready | None:
    """What is ready, marked as used; None if nothing is."""
    if not (entry / "environment" / "bin" / "python").exists():  # its interpreter may be gone
        return None
    try:
        ready = msgspec.json.decode((entry / shelf.READY).read_bytes(), type=_Ready)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    os.utime(entry / shelf.READY)
    return ready


def _build(
    plan: _Plan,
    entry: Path,
    repository: Path,
    program: Path,
    say: Callable[[str], None],
    lock: int,
) -> _Ready:
    log = shelf.log_of(entry)
    log.write_text("")

    def record(text: str) -> None:
        with log.open("a") as file:
            file.write(text)

    shelf.clear(entry)
    entry.mkdir()
    try:
        source = entry / "source"
        say(f"building commit {plan.commit} ({plan.commit.subject})")
        check_out(repository, plan.commit, source)
        uv = Uv(program, source, entry / "environment", lock, record)
        packages = _install(plan, entry, uv, say, log)
        os.sync()  # before the mark, which a loss of power must not leave without what it marks
        ready = _Ready(packages)
        write_whole(entry / shelf.READY, msgspec.json.encode(ready))
    except BaseException:
        shelf.clear(entry)
        raise
    return ready


def _install(
    plan: _Plan, entry: Path, uv: Uv, say: Callable[[str], None], log: Path
) -> dict[str, str]:
    try:
        uv.sync()
    except UvError as error:
        about = "the uv.lock of commit" if "uv.lock" in str(error) else "commit"
        what = f"{about} {plan.commit} ({plan.commit.subject})"
        raise ArmError(f"{what} cannot be built: {error} (log: {log})") from None
    if uv.is_lock_stale():
        say(f"the uv.lock of commit {plan.commit} is out of date: the arm has what it says")
    if plan.requirements:
        _install_requirements(plan, entry / "requirements", uv, say, log)
    packages = uv.packages()
    if _OURS not in packages:
        raise ArmError(
            f"the environment of commit {plan.commit} ({plan.commit.subject}) has no neuralake: "
            "add it to the project's dependencies, and lock them"
        )
    for wheel in plan.requirements:
        if isinstance(wheel, _Wheel) and wheel.package in packages:
            packages[wheel.package] += f" (sha256:{wheel.sha256[:_DIGEST_SHOWN]}…)"
    return packages


def _install_requirements(
    plan: _Plan, directory: Path, uv: Uv, say: Callable[[str], None], log: Path
) -> None:
    """Install the arm's requirements; wheels from copies, which nobody rebuilds meanwhile."""
    directory.mkdir()
    texts, shown = [], []
    for requirement in plan.requirements:
        if isinstance(requirement, str):
            texts.append(requirement)
            shown.append(requirement)
            continue
        copy = directory / requirement.path.name
        shutil.copyfile(requirement.path, copy)
        if hashlib.sha256(copy.read_bytes()).hexdigest() != requirement.sha256:
            raise ArmError(f"wheel {requirement.path} changed while it was read: run it again")
        texts.append(f"{requirement.prefix}{copy}{requirement.extras}")
        shown.append(requirement.path.name)
    names = ", ".join(shown)
    say(f"installing {names}")
    try:
        conflicts = uv.install(texts, directory)
    except UvError as error:
        raise ArmError(f"{names} cannot be installed: {error} (log: {log})") from None
    for conflict in conflicts:
        say(f"{names}: installed as asked, though: {mask(conflict)}")
