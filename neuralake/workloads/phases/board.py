"""What each session is at, in a file that the machine's processes share.

Sessions write it before and after each task; whoever waits for them reads from it which task takes
too long, and, when the engine's process has ended, which tasks have ended with it.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SLOT = struct.Struct("=qq")
_NONE = -1


@dataclass(frozen=True)
class UnderWay:
    """A task that has begun, and not ended.

    Attributes
    ----------
    position
        Of the task in its session.
    began_ns
        When, by the monotonic clock.
    """

    position: int
    began_ns: int


class Board:
    """A slot for each session.

    Parameters
    ----------
    path
        Of the file.
    sessions
        Their number; None to open a board that is there.
    """

    def __init__(self, path: Path, sessions: int | None = None) -> None:
        if sessions is not None:
            path.write_bytes(_SLOT.pack(_NONE, 0) * sessions)
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    def begin(self, slot: int, position: int, now_ns: int) -> None:
        """A session begins a task."""
        # the moment first: a position is never read with the moment of the task before
        struct.pack_into("=q", self._shared, slot * _SLOT.size + 8, now_ns)
        struct.pack_into("=q", self._shared, slot * _SLOT.size, position)

    def end(self, slot: int) -> None:
        """A session has ended its task, and the sample is kept."""
        struct.pack_into("=q", self._shared, slot * _SLOT.size, _NONE)

    def under_way(self, slot: int) -> UnderWay | None:
        """What a session is at; None between tasks."""
        position, began_ns = _SLOT.unpack_from(self._shared, slot * _SLOT.size)
        return None if position == _NONE else UnderWay(position, began_ns)

    def close(self) -> None:
        """Let go of the file."""
        self._shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
