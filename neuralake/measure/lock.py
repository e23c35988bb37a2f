"""One measurement at a time on a machine: a lock that names its holder."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

_SHARED = Path("/tmp")  # noqa: S108 (nothing is read from it, and no link is followed)


class HeldError(Exception):
    """Another process holds the lock; the message names it."""


def machine_lock_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The lock of this machine, the same for all users, working directories and sessions.

    It does not follow ``TMPDIR``, which many systems set to a directory of the user's own.

    Parameters
    ----------
    environ
        ``NEURALAKE_LOCK_FILE`` names another file, for a machine whose processors are shared out.
    """
    if named := environ.get("NEURALAKE_LOCK_FILE"):
        return Path(os.path.expanduser(named))  # noqa: PTH111 (Path's raises without a home)
    shared = _SHARED if os.access(_SHARED, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return shared / "neuralake-measurement.lock"


@contextmanager
def exclusive(path: Path, purpose: str) -> Iterator[None]:
    """Hold a lock file while the block runs.

    The kernel lets go of the lock when its holder ends, however it ends; the file itself stays.

    Parameters
    ----------
    path
        Lock file; made if absent.
    purpose
        What the holder does, told to whoever finds the lock held.

    Raises
    ------
    HeldError
        If another process holds it.
    """
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(_holder(os.pread(descriptor, 4096, 0))) from None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder = json.dumps({"pid": os.getpid(), "purpose": purpose, "since": since})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Open the lock file, made for all users if absent, whoever's it is."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW  # what it leads to would be overwritten
    try:
        # without O_CREAT: Linux refuses it for another's file in /tmp (fs.protected_regular)
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT)
        with suppress(PermissionError):  # somebody else made it meanwhile
            os.fchmod(descriptor, 0o666)  # whatever the umask
        return descriptor


def _holder(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} ({holder['purpose']}, since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
