"""Directories that last as long as the process that made them, however it ends.

Whoever has one holds a lock on it, as do processes forked from it; the kernel lets go of the lock
when they have ended, by SIGKILL too. What nobody holds any more is removed by whoever makes the
next one in the same place.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "neuralake-scratch-"


class Scratch:
    """A new directory, of this user alone.

    Parameters
    ----------
    parent
        Where it is made; None is the directory for temporary files (``TMPDIR``).
    prefix
        With which its name begins, as no other's do there.

    Attributes
    ----------
    directory
        Its path.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, parent: Path | None = None, prefix: str = _PREFIX) -> None:
        remove_abandoned(parent, prefix)
        while True:
            self.directory = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            try:
                # no program that is started inherits it (PEP 446): only forks do
                self._descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # taken for abandoned before it was opened
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            if self.directory.exists():
                return
            os.close(self._descriptor)  # or before it was locked

    def remove(self) -> None:
        """Remove it with all that is in it. May be called again."""
        shutil.rmtree(self.directory, ignore_errors=True)
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def remove_abandoned(parent: Path | None = None, prefix: str = _PREFIX) -> None:
    """Remove the directories of this user whose processes have all ended; as :class:`Scratch`."""
    for directory in (parent or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        with suppress(OSError), _locked(directory):
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold a directory alone. Raises ``OSError`` if somebody has it, or it is another user's."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError(f"{directory} belongs to another user")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
