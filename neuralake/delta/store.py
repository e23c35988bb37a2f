"""The objects of a table, on disk or on object storage, behind the few calls that a commit needs.

Paths are relative to the table and written as they are, without percent-encoding. What a call has
written is durable when it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

# How names of files begin that are no part of a table: one that is not young was left by a crash
TEMPORARY = ".neuralake-"


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing has it.

    Attributes
    ----------
    path
        Relative to the table.
    size_bytes
        Its size.
    modified_ms
        When it was last written, by the clock of the store, in milliseconds since 1970.
    """

    path: str
    size_bytes: int
    modified_ms: int


class Store(Protocol):
    """The objects below one table.

    All calls raise ``OSError``: ``FileNotFoundError`` and ``FileExistsError`` where that is meant.
    """

    @property
    def uri(self) -> str:
        """Of the table: an absolute path, or the URI of an object store."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether a call may fail although it was done, its answer lost on the way."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is an object."""
        ...

    def read(self, path: str) -> bytes:
        """The whole content of an object."""
        ...

    def create(self, path: str, content: bytes, ready: Callable[[], None] | None = None) -> None:
        """Make an object that nobody else has made: whole or absent at any moment.

        Parameters
        ----------
        path, content
            Of the object.
        ready
            Returns when there may be such an object: what it names is durable. A disk writes the
            content before it asks, which may be more than once, syncs it meanwhile, and gives it
            its name afterwards. What it raises is raised, and there is no object.

        Raises
        ------
        FileExistsError
            If there is one. On object storage that may be the very one that this call put, of
            which the answer was lost: whoever must know looks into it.
        """
        ...

    def begin(self, path: str, content: bytes) -> Callable[[], None]:
        """Begin to write an object under a name that is its own, as :meth:`write` does.

        Returns
        -------
        Callable
            To be called once, by any thread: returns when the object is durable, and raises if it
            cannot be.
        """
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write an object under a name that is its own.

        One that a crash interrupts may be there in part: nothing refers to it yet.
        """
        ...

    def replace(self, path: str, content: bytes) -> None:
        """Put an object in place of another, or of none: the one or the other at any moment."""
        ...

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Objects whose paths begin with a prefix and sort after another path, in that order.

        Parameters
        ----------
        prefix
            A directory with its slash (``_delta_log/``), or nothing; what lies deeper is listed,
            too.
        after
            A path; those up to and including it are left out.
        """
        ...

    def delete(self, paths: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error."""
        ...
