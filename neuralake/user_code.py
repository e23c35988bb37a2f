"""The user's own code, run here: what it does to this process beside its purpose is undone.

A catalog's module is imported and the functions of its tables are called in the process that needs
them. Code that ran well for its author may print, change the working directory, close a standard
stream or fork; nothing of that may reach an answer or a path of whoever runs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

_STANDARD = (0, 1, 2)


class Surroundings(Protocol):
    """What a program puts around code of the user's, if anything; the command line has its own."""

    def importing(self, source: str) -> AbstractContextManager[None]:
        """Around the import of a module.

        Parameters
        ----------
        source
            What names it to its user: a path, or a module's name.
        """

    def calling(self) -> AbstractContextManager[None]:
        """Around the call of a function."""


SURROUNDINGS: ContextVar[Surroundings | None] = ContextVar("SURROUNDINGS", default=None)


@contextmanager
def importing(source: str) -> Iterator[None]:
    """Import a module of the user's within this.

    The working directory is afterwards what it was, and the standard descriptors are open, if on
    nothing: the next file opened would otherwise be written into by whatever prints. A process
    that the module forked ends here, in place of going on as a second one of the program.

    Parameters
    ----------
    source
        What names it to its user.
    """
    process = os.getpid()
    with _kept_directory():
        try:
            around = SURROUNDINGS.get()
            with nullcontext() if around is None else around.importing(source):
                yield
        finally:
            if os.getpid() != process:
                os._exit(0)
            open_what_is_closed()


@contextmanager
def calling() -> Iterator[None]:
    """Call a function of the user's within this; the working directory is kept."""
    around = SURROUNDINGS.get()
    with _kept_directory(), nullcontext() if around is None else around.calling():
        yield


@contextmanager
def _kept_directory() -> Iterator[None]:
    # by a descriptor: its path may be removed meanwhile, or have been before
    directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield
    finally:
        if not os.path.samestat(os.fstat(directory), os.stat(".")):  # noqa: PTH116
            os.fchdir(directory)
        os.close(directory)


def open_what_is_closed() -> None:
    """Have the standard descriptors open, on nothing where one is closed, here and in children."""
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != descriptor:
                os.dup2(nothing, descriptor)
                os.close(nothing)
            os.set_inheritable(descriptor, True)
