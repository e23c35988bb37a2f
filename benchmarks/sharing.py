"""One server for several processes: whoever comes first starts it, and it ends after the last.

The users of a server hold a shared lock on a file. A process of its own keeps the server until it
gets the lock for itself, which is when all users have ended, however they ended: the kernel lets
go of their locks.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

_ROOT = Path(__file__).parents[1]


class SharingError(Exception):
    """The server does not start; the message has what its keeper said."""


@dataclass(frozen=True)
class Kind:
    """A kind of server that is shared.

    Attributes
    ----------
    module
        What keeps it: ``python -m MODULE --keep DIRECTORY`` calls :func:`keep`.
    is_listening
        Whether a server with such facts runs; they are what its keeper tells of it.
    """

    module: str
    is_listening: Callable[[Mapping[str, Any]], bool]


@contextmanager
def shared(directory: Path, kind: Kind) -> Iterator[dict[str, Any]]:
    """The facts of the server of a directory, for the block; it is started if there is none.

    Parameters
    ----------
    directory
        Where those who share it meet; it holds locks and the server's facts.
    kind
        Of server.

    Raises
    ------
    SharingError
        If it does not start.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(directory / "starting", fcntl.LOCK_EX):
        # Waits for a server that is about to end, and then finds none.
        users = os.open(directory / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            server = _found(directory, kind) or _start(directory, kind)
        except BaseException:
            os.close(users)
            raise
    try:
        yield server
    finally:
        os.close(users)


def keep(directory: Path, serving: Callable[[], AbstractContextManager[Mapping[str, Any]]]) -> int:
    """Run a server, in a process of its own, until nobody uses it any more.

    Parameters
    ----------
    directory
        Where those who share it meet.
    serving
        What runs one for a block, and gives its facts.

    Returns
    -------
    int
        Exit status: 0 once the server is ready, to the one who started this; and to nobody, who
        waits for it, of the process that keeps the server.
    """
    ready, tell = os.pipe()
    if os.fork() != 0:
        os.close(tell)
        return 0 if os.read(ready, 1) else 1
    os.setsid()  # Ctrl-C in a test run is not for it
    signal.signal(signal.SIGTERM, _end)
    facts = directory / "server.json"
    users = os.open(directory / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Let go of after the server has ended: who comes meanwhile waits, and starts another.
    try:
        with serving() as server:
            part = facts.with_suffix(".part")
            part.touch(mode=0o600)
            part.write_text(json.dumps(dict(server)))
            part.rename(facts)
            try:
                os.write(tell, b"!")
                fcntl.flock(users, fcntl.LOCK_EX)
            finally:
                facts.unlink(missing_ok=True)
    finally:
        os.close(users)
    return 0


def _end(signum: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + signum)


def _found(directory: Path, kind: Kind) -> dict[str, Any] | None:
    """The server that runs, if one does; its keeper may have been killed."""
    with suppress(FileNotFoundError):
        server: dict[str, Any] = json.loads((directory / "server.json").read_text())
        if kind.is_listening(server):
            return server
    return None


def _start(directory: Path, kind: Kind) -> dict[str, Any]:
    log = directory / "keeper.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", kind.module, "--keep", str(directory)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    server = _found(directory, kind) if done.returncode == 0 else None
    if server is None:
        raise SharingError(f"the server does not start: {log.read_text(errors='replace')}")
    return server


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
