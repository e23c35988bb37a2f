"""Where built arms are kept: a directory, a lock and a log for each key, the oldest removed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from neuralake.errors import ArmError

READY = "ready.json"
KEY_LENGTH = 24

_KEY = re.compile(rf"([0-9a-f]{{{KEY_LENGTH}}})(?:\.lock|\.log)?")


class _Kept(Protocol):
    @property
    def entry(self) -> Path: ...


def log_of(entry: Path) -> Path:
    """Log of the last build of an entry."""
    return entry.with_name(f"{entry.name}.log")


@contextmanager
def shared(entry: Path, waiting: Callable[[], None]) -> Iterator[int]:
    """Keep others from building or removing an entry while the block runs.

    Parameters
    ----------
    entry
        Its directory, which need not be there.
    waiting
        Called if another process is building it.
    """
    with _locked(entry, fcntl.LOCK_SH, waiting) as descriptor:
        yield descriptor


@contextmanager
def exclusive(entry: Path, waiting: Callable[[], None]) -> Iterator[int]:
    """Keep others from an entry while the block runs; yields the descriptor of the lock."""
    with _locked(entry, fcntl.LOCK_EX, waiting) as descriptor:
        yield descriptor


@contextmanager
def hold(*arms: _Kept) -> Iterator[None]:
    """Keep arms from being removed while the block runs.

    Raises
    ------
    ArmError
        If one was removed since it was built.
    """
    with ExitStack() as stack:
        for arm in arms:
            stack.enter_context(shared(arm.entry, lambda: None))
            if not (arm.entry / READY).is_file():
                raise ArmError(
                    f"the arm in {arm.entry} was removed since it was built: run it again"
                )
        yield


def clear(entry: Path) -> None:
    """Remove an entry, first of all what says that it is whole."""
    (entry / READY).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(entry)


def prune(cache: Path, keep: int) -> None:
    """Remove all entries but those used last, and those in use.

    Parameters
    ----------
    cache
        Directory under which arms are kept.
    keep
        How many are left; of failed builds as many logs.
    """
    shelves = cache.absolute() / "arms"
    keys = {m[1] for path in shelves.glob("*") if (m := _KEY.fullmatch(path.name))}
    ready = [shelves / key for key in keys if (shelves / key / READY).is_file()]
    failed = [shelves / key for key in keys if not (shelves / key / READY).is_file()]
    for entries in (ready, failed):
        for entry in sorted(entries, key=_last_used, reverse=True)[keep:]:
            _remove(entry)


def _remove(entry: Path) -> None:
    with suppress(BlockingIOError), _locked(entry, fcntl.LOCK_EX, None):
        clear(entry)
        log_of(entry).unlink(missing_ok=True)
        _lock_of(entry).unlink(missing_ok=True)


def _last_used(entry: Path) -> float:
    for path in (entry / READY, log_of(entry), _lock_of(entry), entry):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0


def _lock_of(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.lock")


@contextmanager
def _locked(entry: Path, operation: int, waiting: Callable[[], None] | None) -> Iterator[int]:
    """Hold the lock of an entry; without ``waiting`` raises BlockingIOError if it is held."""
    path = _lock_of(entry)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is None:
                    raise
                waiting()
                fcntl.flock(descriptor, operation)
            # its last holder may have removed the file meanwhile
            if _is_at(path, descriptor):
                yield descriptor
                return
        finally:
            # said, not only closed: a process that a build left behind may have inherited it
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
