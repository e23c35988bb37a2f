"""A pipe, or a file, of which the reading can be stopped from another thread."""

from __future__ import annotations

import io
import os
import select
from typing import Any

STANDARD_INPUT = 0


class Pipe(io.RawIOBase):
    """What a descriptor holds, until its end or until it is stopped, which looks like the end.

    Parameters
    ----------
    descriptor
        Open for reading; it stays open.

    Attributes
    ----------
    is_stopped
        Whether the end that is seen was asked for.
    """

    def __init__(self, descriptor: int = STANDARD_INPUT) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._stopped, self._stop = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._begun = b""
        self.is_stopped = False

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what there is, waiting for the first byte; 0 at the end, and once it is stopped."""
        view = memoryview(buffer).cast("B")
        if self._begun:
            count = min(len(view), len(self._begun))
            view[:count], self._begun = self._begun[:count], self._begun[count:]
            return count
        if not self._has_something():
            return 0
        return os.readv(self._descriptor, [view])

    def peek(self, count: int) -> bytes:
        """The first ``count`` bytes, or all if there are fewer; they will be read again."""
        while len(self._begun) < count and self._has_something():
            more = os.read(self._descriptor, count - len(self._begun))
            if not more:
                break
            self._begun += more
        return self._begun[:count]

    def stop(self) -> None:
        """Let the reading come to its end."""
        self.is_stopped = True
        os.write(self._stop, b"\0")

    def _has_something(self) -> bool:
        """Wait for a byte or the end; False if the reading was stopped."""
        poll = select.poll()  # a regular file always has something
        poll.register(self._descriptor, select.POLLIN)
        poll.register(self._stopped, select.POLLIN)
        ready = dict(poll.poll())
        return self._stopped not in ready
