"""Which writers work on a table on this machine, and what they did last.

Each writer keeps a small file, and a lock on it: the kernel lets go of the lock however the writer
ends, so that a file without a lock is of one that is gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

_READ_ATTEMPTS = 5


class Presence:
    """What a writer says of itself, for as long as it lives.

    Parameters
    ----------
    descriptor
        Of its file, locked; None where there is none, so that it says nothing.
    trouble
        Why there is none.
    """

    def __init__(self, descriptor: int | None, trouble: str = "") -> None:
        self._descriptor, self.trouble = descriptor, trouble

    def say(self, facts: Mapping[str, Any]) -> None:
        """Put facts in place of those before."""
        if self._descriptor is None:
            return
        content = msgspec.json.encode(facts)
        with suppress(OSError):  # a full disk is told by what matters
            os.pwrite(self._descriptor, content, 0)
            os.ftruncate(self._descriptor, len(content))


@contextmanager
def presence(root: Path, uri: str) -> Iterator[Presence]:
    """Be seen to write a table while the block runs; where no file can be kept, write it unseen.

    Parameters
    ----------
    root
        Directory for what is kept between runs.
    uri
        Of the table.
    """
    directory = _directory(root, uri)
    path = directory / f"{os.getpid()}-{time.time_ns()}.json"
    trouble = ""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except OSError as error:
        trouble = (
            f"`neuralake writer status` will not see this writer: {error.filename}: "
            f"{error.strerror}; NEURALAKE_CACHE_ROOT says where writers are told"
        )
    if trouble:
        yield Presence(None, trouble)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Presence(descriptor)
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def writers_of(root: Path, uri: str) -> list[dict[str, Any]]:
    """What the living writers of a table say; files of those that are gone are removed."""
    found: list[dict[str, Any]] = []
    directory = _directory(root, uri)
    for path in sorted(directory.glob("*.json")) if directory.is_dir() else []:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # it ended meanwhile, or is another user's
        try:
            if _is_alive(descriptor):
                found += _read(descriptor)
            else:
                with suppress(OSError):
                    path.unlink()
        finally:
            os.close(descriptor)
    return found


def _is_alive(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _read(descriptor: int) -> list[dict[str, Any]]:
    """The facts; none before the first were said."""
    for _ in range(_READ_ATTEMPTS):
        content = os.pread(descriptor, 1 << 20, 0)
        try:
            return [msgspec.json.decode(content, type=dict[str, Any])]
        except msgspec.DecodeError:  # it is being written
            time.sleep(0.01)
    return []


def _directory(root: Path, uri: str) -> Path:
    return root / "writers" / hashlib.sha256(uri.encode()).hexdigest()[:16]
