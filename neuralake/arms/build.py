"""Arms, built once and kept by content: ``<cache>/arms/<key>/`` with source and environment.

``ready.json`` is written last. A directory without it is half built: whoever comes next removes
it and builds again, under a lock of the key's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from neuralake.arms import shelf
from neuralake.arms.arm import ArmSpec
from neuralake.arms.checkout import Commit, check_out, find_repository
from neuralake.arms.environment import FORMERLY, OURS, Uv, UvError, find_uv
from neuralake.arms.inputs import Inputs, find_inputs
from neuralake.arms.shelf import hold, prune
from neuralake.arms.wheel import Wheel
from neuralake.errors import ArmError
from neuralake.results.store import write_whole

__all__ = ["Arm", "build_arm", "find_repository", "find_uv", "hold", "prune"]

KEPT = 8

_AGENT = "neuralake/compare/agent.py"  # what an arm was run by before the name changed
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
    """Content of ``ready.json``.

    Attributes
    ----------
    packages
        As in :class:`Arm`.
    notes
        What is odd about the environment, told each time that it is used.
    """

    packages: dict[str, str]
    notes: list[str]


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
        inputs = find_inputs(spec, repository, program, say, allow_dirty=allow_dirty)
        shelves = cache.absolute() / "arms"
        shelves.mkdir(parents=True, exist_ok=True)
        entry = shelves / inputs.key
        ready = _find_or_build(inputs, entry, repository, program, say)
    except OSError as error:
        where = error.filename or cache
        raise ArmError(f"an arm cannot be built: {where}: {error.strerror}") from error
    for note in ready.notes:
        say(note)
    python = entry / "environment" / "bin" / "python"
    commit = inputs.commit
    return Arm(spec, commit.id, commit.subject, entry / "source", python, ready.packages)


def _find_or_build(
    inputs: Inputs, entry: Path, repository: Path, program: Path, say: Callable[[str], None]
) -> _Ready:
    def waiting() -> None:
        say(f"waiting for another process, which is building commit {inputs.commit}")

    with shelf.shared(entry, waiting):
        ready = _read(entry)
    if ready is None:
        with shelf.exclusive(entry, waiting) as lock:
            ready = _read(entry) or _build(inputs, entry, repository, program, say, lock)
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
    inputs: Inputs,
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
        say(f"building commit {inputs.commit} ({inputs.commit.subject})")
        check_out(repository, inputs.commit, source, lock)
        uv = Uv(program, source, entry / "environment", lock, record)
        ready = _install(inputs, entry, uv, say, log)
        os.sync()  # before the mark, which a loss of power must not leave without what it marks
        write_whole(entry / shelf.READY, msgspec.json.encode(ready))
    except BaseException:
        with suppress(OSError):  # what is left has no mark, and the next build removes it
            shelf.clear(entry)
        raise
    return ready


def _install(inputs: Inputs, entry: Path, uv: Uv, say: Callable[[str], None], log: Path) -> _Ready:
    commit = inputs.commit
    notes = []
    try:
        uv.sync()
    except UvError as error:
        what = "the uv.lock of commit" if "uv.lock" in str(error) else "commit"
        raise ArmError(
            f"{what} {commit} ({commit.subject}) cannot be built: {error} (log: {log})"
        ) from None
    if uv.is_lock_stale():
        notes.append(f"the uv.lock of commit {commit} is out of date: the arm has what it says")
    if inputs.requirements:
        notes += _install_requirements(inputs, entry / "requirements", uv, say, log)
    packages = uv.packages()
    _require_ours(packages, uv, commit)
    for wheel in inputs.requirements:
        if isinstance(wheel, Wheel) and wheel.package in packages:
            packages[wheel.package] += f" (sha256:{wheel.sha256[:_DIGEST_SHOWN]}…)"
    return _Ready(packages, notes)


def _require_ours(packages: Mapping[str, str], uv: Uv, commit: Commit) -> None:
    """Check that Neuralake is there: under its name, or under that which it had before.

    Under both it is not, since they write the same files.
    """
    ours, formerly = packages.get(OURS), packages.get(FORMERLY)
    if (ours is None) != (formerly is None) and (ours is not None or uv.has_module(_AGENT)):
        return
    where = f"the environment of commit {commit} ({commit.subject})"
    if ours is None:
        found = f", and its {FORMERLY} {formerly} is another project's" if formerly else ""
        raise ArmError(
            f"{where} has no {OURS}{found}: add {OURS} to the project's dependencies, and lock them"
        )
    raise ArmError(
        f"{where} has both {OURS} and {FORMERLY} {formerly}, another project's package that "
        f"writes the same files: leave {FORMERLY} out"
    )


def _install_requirements(
    inputs: Inputs, directory: Path, uv: Uv, say: Callable[[str], None], log: Path
) -> list[str]:
    """Install the arm's requirements; wheels from copies, which nobody rebuilds meanwhile.

    Returns what no longer fits together.
    """
    directory.mkdir()
    texts = [r if isinstance(r, str) else r.copy(directory) for r in inputs.requirements]
    shown = [r if isinstance(r, str) else r.path.name for r in inputs.requirements]
    names = ", ".join(shown)
    say(f"installing {names}")
    try:
        conflicts = uv.install(texts, directory)
    except UvError as error:
        raise ArmError(f"{names} cannot be installed: {error} (log: {log})") from None
    return [f"{names} is installed as asked, though: {conflict}" for conflict in conflicts]
