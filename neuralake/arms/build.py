"""Arms, built once and kept by content: ``<cache>/arms/<key>/`` with source and environment.

Beside the files of a commit lies what they name beyond its repository, linked to where it is.

``ready.json`` is written last. A directory without it is half built: whoever comes next removes
it and builds again, under a lock of the key's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from neuralake.arms import shelf
from neuralake.arms.arm import ArmSpec
from neuralake.arms.checkout import check_out, find_repository
from neuralake.arms.environment import Uv, UvError, find_uv
from neuralake.arms.inputs import Here, Inputs, Sources, find_inputs
from neuralake.arms.names import FORMERLY, OURS
from neuralake.arms.project import UV_LOCK, Outside
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
    entry
        Where it is kept.
    commit
        Full name of the commit; None for what is installed here.
    subject
        First line of its message.
    directory
        Its files: queries and catalog are read there. Of what is installed here, where the caller
        stands.
    python
        Interpreter of its environment.
    packages
        Version of everything installed, by normalised name; of a wheel of this machine with the
        beginning of its digest, such as ``2.1.0 (sha256:ab12…)``.
    """

    spec: ArmSpec
    entry: Path
    commit: str | None
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
    repository: Path | None,
    cache: Path,
    say: Callable[[str], None],
    working_directory: Path | None = None,
    workload: Path | None = None,
    allow_dirty: bool = False,
    uv: Path | None = None,
) -> Arm:
    """Build an arm, or find it built.

    Parameters
    ----------
    spec
        What is asked for; paths of wheels are relative to the working directory.
    repository
        Work tree that has the commit; nothing in it is changed. None if no commit is asked for.
    cache
        Directory under which arms are kept; made if absent.
    say
        Told what takes time, and what is odd, in one line.
    working_directory
        Where the caller stands, by which his project is found; None for the top of the repository.
    workload
        Directory of queries, by which it is found if it is not there.
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
    here = working_directory or repository or Path.cwd()
    starts = () if repository is None else _starts(repository, here, workload)
    try:
        inputs = find_inputs(spec, repository, program, say, starts=starts, allow_dirty=allow_dirty)
        shelves = cache.absolute() / "arms"
        shelves.mkdir(parents=True, exist_ok=True)
        entry = shelves / inputs.key
        ready = _find_or_build(inputs, entry, here, program, say)
    except OSError as error:
        where = error.filename or cache
        raise ArmError(
            f"an arm cannot be built: {where}: {error.strerror}; "
            "NEURALAKE_CACHE_ROOT says where arms are kept"
        ) from error
    for note in ready.notes:
        say(note)
    python = entry / "environment" / "bin" / "python"
    base = inputs.base
    if isinstance(base, Here):
        return Arm(spec, entry, None, str(base), here.absolute(), python, ready.packages)
    directory = _source(entry, base)
    return Arm(spec, entry, base.commit.id, base.commit.subject, directory, python, ready.packages)


def _starts(repository: Path, here: Path, workload: Path | None) -> tuple[PurePosixPath, ...]:
    """Where to look for the project: from where the caller stands, and from his queries."""
    top = repository.resolve()
    places = [(here / (place or "")).resolve() for place in (None, workload)]
    inside = [place.relative_to(top) for place in places if place.is_relative_to(top)]
    return tuple(dict.fromkeys(PurePosixPath(place) for place in inside)) or (PurePosixPath(),)


def _source(entry: Path, sources: Sources) -> Path:
    """Where the files of a commit are laid out: as deep as what they name beyond them goes up."""
    up = max((outside.path.split("/").count("..") for outside in sources.outside), default=0)
    return entry.joinpath("source", *sources.repository.parts[-up:] if up else ())


def _find_or_build(
    inputs: Inputs, entry: Path, here: Path, program: Path, say: Callable[[str], None]
) -> _Ready:
    def waiting() -> None:
        say(f"waiting for another process, which is building {inputs.base}")

    with shelf.shared(entry, waiting):
        ready = _read(entry)
    if ready is None:
        with shelf.exclusive(entry, waiting) as lock:
            ready = _read(entry) or _build(inputs, entry, here, program, say, lock)
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
    here: Path,
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
        say(f"building {inputs.base}")
        project, root = _lay_out(inputs.base, entry, here, lock)
        uv = Uv(program, project, root, entry / "environment", lock, record)
        ready = _install(inputs, entry, uv, say, log)
        os.sync()  # before the mark, which a loss of power must not leave without what it marks
        write_whole(entry / shelf.READY, msgspec.json.encode(ready))
    except BaseException:
        with suppress(OSError):  # what is left has no mark, and the next build removes it
            shelf.clear(entry)
        raise
    return ready


def _lay_out(base: Sources | Here, entry: Path, here: Path, lock: int) -> tuple[Path, Path]:
    """Lay out the files that are built; returns where the project and its lock file lie."""
    if isinstance(base, Here):
        settings = ("uv.toml", "pyproject.toml")  # they may say where packages come from
        chain = (here.absolute(), *here.absolute().parents)
        root = next((d for d in chain if any((d / name).is_file() for name in settings)), here)
        return root, root
    source = _source(entry, base)
    source.parent.mkdir(parents=True, exist_ok=True)
    for outside in base.outside:
        _link(outside, Path(os.path.normpath(source / outside.path)), source)
    check_out(base.repository, base.commit, source, lock)
    return source / base.project.directory, source / base.project.root


def _link(outside: Outside, link: Path, source: Path) -> None:
    """Put a link where the files of a commit look for something beyond them."""
    if not source.is_relative_to(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside.place)
        return
    for distribution in outside.distributions():  # it holds the repository as well
        with suppress(FileExistsError):
            (link / distribution.name).symlink_to(distribution)


def _install(inputs: Inputs, entry: Path, uv: Uv, say: Callable[[str], None], log: Path) -> _Ready:
    base = inputs.base
    try:
        notes = _install_base(base, entry, uv)
    except UvError as error:
        what = f"the uv.lock of {base}" if "uv.lock" in str(error) else str(base)
        raise ArmError(f"{what} cannot be built: {error} (log: {log})") from None
    if inputs.requirements:
        notes += _install_requirements(inputs, entry / "requirements", uv, say, log)
    packages = uv.packages()
    _require_ours(packages, uv, base)
    for wheel in inputs.requirements:
        if isinstance(wheel, Wheel) and wheel.package in packages:
            packages[wheel.package] += f" (sha256:{wheel.sha256[:_DIGEST_SHOWN]}…)"
    return _Ready(packages, notes)


def _install_base(base: Sources | Here, entry: Path, uv: Uv) -> list[str]:
    """Install what is beneath the arm's requirements; returns what is odd about it."""
    if isinstance(base, Here):
        directory = entry / "installed"
        directory.mkdir()
        uv.copy_installed(base.pieces, directory)
        return []
    name = base.project.lock.name
    if name != UV_LOCK:
        uv.install_listed(name)
        return []
    notes = []
    if left_out := uv.sync():
        names = ", ".join(left_out)
        notes.append(f"without the extras {names} of {base}, which conflict with others of it")
    if uv.is_lock_stale():
        notes.append(
            f"the uv.lock of commit {base.commit} is out of date: the arm has what it says"
        )
    return notes


def _require_ours(packages: Mapping[str, str], uv: Uv, base: Sources | Here) -> None:
    """Check that Neuralake is there: under its name, or under that which it had before.

    Under both it is not, since they write the same files.
    """
    ours, formerly = packages.get(OURS), packages.get(FORMERLY)
    if (ours is None) != (formerly is None) and (ours is not None or uv.has_module(_AGENT)):
        return
    where = f"the environment of {base}"
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
