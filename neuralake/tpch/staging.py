"""A dataset is whole or absent: it is made in a staging directory and renamed into place.

Beside a destination ``sf1`` the one who makes it holds a directory ``.sf1.generating`` with a lock
file and the dataset in the making. The kernel lets go of the lock when the holder and the
generator that inherited it have ended, however they ended; whatever then still lies in the
directory was left by a run that died, and is removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from neuralake.delta.disk import make_directory, sync_directory
from neuralake.errors import BusyError, DatasetError

_LOCK_NAME = "lock"
_STAGED_PREFIX = "dataset-"
_HOLDER = re.compile(rb"neuralake generate, process ([0-9]+)\n")
# How long the generator of a process that was killed may take to end.
_PATIENCE_S = 10.0
_RETRY_S = 0.02


@dataclass(frozen=True)
class Staging:
    """A directory in the making, and the lock that protects it.

    Attributes
    ----------
    directory
        Where the dataset is made.
    destination
        Where it will be.
    lock_descriptor
        To be inherited by every process that writes there.
    """

    directory: Path
    destination: Path
    lock_descriptor: int

    def publish(self) -> None:
        """Rename the directory to its destination, which is absent or empty, and make it last."""
        self.directory.rename(self.destination)
        sync_directory(self.destination.parent)


@contextmanager
def staging(destination: Path, name: str | None = None) -> Iterator[Staging]:
    """Hold the lock of a destination, with a new directory to make it in.

    Whatever is left in the directory at the end of the block is removed.

    Parameters
    ----------
    destination
        Absolute path; its parent is made if absent.
    name
        What the dataset is called in messages, if not by that path.

    Raises
    ------
    BusyError
        If another process holds the lock.
    DatasetError
        If what lies beside the destination is not ours.
    """
    home = home_of(destination)
    make_directory(destination.parent)
    lock = _acquire(destination, name)
    try:
        _remove_staged(home)
        directory = home / f"{_STAGED_PREFIX}{os.urandom(8).hex()}"
        directory.mkdir()
        yield Staging(directory, destination, lock)
    finally:
        _release(home, lock)


def clean(destination: Path) -> None:
    """Remove what dead runs left beside a destination, if nobody is at work there."""
    home = home_of(destination)
    if home.is_dir():
        with suppress(BusyError, DatasetError, OSError):
            _release(home, _acquire(destination))


def home_of(destination: Path) -> Path:
    """The directory beside a destination in which it is made."""
    return destination.with_name(f".{destination.name}.generating")


def sync_file(file: Path) -> None:
    """Make the content of a file last (fsync)."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def write_durably(file: Path, content: bytes) -> None:
    """Write a new file and make its content last."""
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _acquire(destination: Path, called: str | None = None) -> int:
    """Take the lock and say who holds it; returns its descriptor."""
    home = home_of(destination)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        descriptor = _open_lock(home)
        if descriptor is None:
            continue
        holder: int | None = None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(home / _LOCK_NAME, descriptor):
                _write_holder(home, descriptor)
                return descriptor
        except BlockingIOError:
            holder = _holder(os.pread(descriptor, 100, 0))
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        is_alive = holder is not None and _is_alive(holder)
        if is_alive or time.monotonic() > deadline:
            name = "another process" if holder is None else f"process {holder}"
            raise BusyError(
                f"{name} is making the dataset at {called or destination}: wait for it to end, "
                f"or choose another directory"
            )
        time.sleep(_RETRY_S)


def _open_lock(home: Path) -> int | None:
    """Descriptor of the lock file, or None if its last holder is just removing it."""
    with suppress(FileExistsError):
        home.mkdir()
    try:
        return os.open(home / _LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        entries = {entry.name for entry in home.iterdir()} if home.is_dir() else set()
        if entries and _LOCK_NAME not in entries:
            raise _foreign(home) from None
    with suppress(FileExistsError, FileNotFoundError):
        return os.open(home / _LOCK_NAME, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, 0o666)
    return None


def _write_holder(home: Path, descriptor: int) -> None:
    content = os.pread(descriptor, 100, 0)
    if content and _holder(content) is None:
        raise _foreign(home)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"neuralake generate, process {os.getpid()}\n".encode(), 0)


def _holder(content: bytes) -> int | None:
    match = _HOLDER.fullmatch(content)
    return int(match[1]) if match else None


def _foreign(home: Path) -> DatasetError:
    return DatasetError(
        f"{home} holds something that neuralake did not put there: "
        f"remove it, or generate to another directory"
    )


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_staged(home: Path) -> None:
    for entry in home.iterdir():
        if entry.name.startswith(_STAGED_PREFIX):
            shutil.rmtree(entry)


def _release(home: Path, lock: int) -> None:
    try:
        with suppress(OSError):
            _remove_staged(home)
            (home / _LOCK_NAME).unlink()
            home.rmdir()
    finally:
        os.close(lock)
