"""Standard output belongs to the command's answer: the user's own code prints on standard error."""

from __future__ import annotations

import atexit
import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast
from weakref import WeakSet

_STDIN, _STDOUT = 0, 1
_STANDARD = (0, 1, 2)


class StandardStreams:
    """What the command line puts around code of the user's.

    Within it nothing can be read from standard input, which may be the rows that a command writes,
    and what is printed, by Python, a library or a process that is started, goes to standard error.
    Afterwards the streams are what they were, also if they were closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._aside: _Aside | None = None
        self._nothing: TextIO | None = None
        self._objects: tuple[TextIO, TextIO, TextIO] | None = None
        self._copies: dict[int, int | None] = {}
        self._threads: WeakSet[threading.Thread] = WeakSet()

    @contextmanager
    def importing(self, source: str) -> Iterator[None]:
        """Around the import of a module, which is waited for in words, and may leave threads."""
        from neuralake.cli.waiting import waiting_for

        before = {*threading.enumerate()}
        try:
            with self.calling(), waiting_for(source, self._tell):
                yield
        finally:
            left = {*threading.enumerate()} - before
            if left and not self._threads and self._aside is not None:
                parted = _Parted(sys.stdout, self._aside, self._threads)
                sys.stdout = cast("TextIO", parted)
            self._threads.update(left)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around the call of a function; several threads may be within at once."""
        with self._lock:
            self._within += 1
            if self._within == 1:
                self._put_aside()
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if self._within == 0:
                    self._put_back()

    def leave(self, status: int) -> None:
        """End the process, if a thread that a module left would have it go on for ever."""
        if any(thread.is_alive() and not thread.daemon for thread in self._threads):
            atexit._run_exitfuncs()  # what the interpreter would do, but wait for the threads
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)
        if self._aside is not None and not self._threads:
            self._aside.end()

    def _put_aside(self) -> None:
        self._objects = (sys.stdin, sys.stdout, sys.stderr)
        _flush(sys.stdout, sys.stderr)
        if self._aside is None:
            self._aside = _Aside.beside(sys.stderr)
        self._copies = {number: _copy(number) for number in _STANDARD}
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, _STDIN)
        os.close(nothing)
        os.dup2(self._aside.fileno(), _STDOUT)
        sys.stdin = self._nothing = open(os.devnull)  # noqa: PTH123, SIM115 (until it is put back)
        sys.stdout = sys.stderr = self._aside

    def _put_back(self) -> None:
        assert self._objects is not None  # noqa: S101 - it is within
        # what was written to the command's own by other names, such as sys.__stdout__, too
        _flush(sys.stdout, sys.stderr, *self._objects[1:], sys.__stdout__, sys.__stderr__)
        ctypes.CDLL(None).fflush(None)  # what a library in C holds back until the process ends
        if self._nothing is not None:
            with suppress(OSError):  # its descriptor was closed under it
                self._nothing.close()
        for number, copy in self._copies.items():
            if copy is None:
                with suppress(OSError):
                    os.close(number)
            else:
                os.dup2(copy, number)
                os.close(copy)
        sys.stdin, sys.stdout, sys.stderr = (
            _usable(stream, number) for stream, number in zip(self._objects, _STANDARD, strict=True)
        )
        self._objects = None

    def _tell(self, line: str) -> None:
        if self._aside is not None:
            self._aside.write(f"neuralake: {line}\n")


class _Aside(io.TextIOWrapper):
    """Standard error, for code that takes it for standard output, and that cannot close it."""

    @classmethod
    def beside(cls, stream: TextIO | None) -> _Aside:
        """Another way into the file of a stream; into nothing if there is none."""
        try:
            number = os.dup(stream.fileno()) if stream is not None else None
        except (OSError, ValueError):
            number = None
        place = os.devnull if number is None else number
        return cls(io.FileIO(place, "w"), errors="backslashreplace", write_through=True)

    def close(self) -> None:
        """Do nothing: a module would close the stream of everybody who prints after it."""

    def end(self) -> None:
        """Close it."""
        super().close()


class _Parted:
    """Standard output, which is standard error to the threads that a module left running."""

    def __init__(self, stream: TextIO, aside: TextIO, threads: WeakSet[threading.Thread]) -> None:
        self._stream, self._aside, self._threads = stream, aside, threads

    def __getattr__(self, name: str) -> Any:
        is_left = threading.current_thread() in self._threads
        return getattr(self._aside if is_left else self._stream, name)


def _flush(*streams: TextIO | None) -> None:
    for stream in streams:
        with suppress(OSError, ValueError, AttributeError):
            cast("TextIO", stream).flush()


def _copy(number: int) -> int | None:
    """Another descriptor of the same file, which no process inherits; None if it is closed."""
    try:
        return os.dup(number)
    except OSError:
        return None


def _usable(stream: TextIO, number: int) -> TextIO:
    """The stream, or another one on its descriptor if it was closed."""
    if stream is None or not stream.closed:
        return stream
    mode = "r" if number == _STDIN else "w"
    return cast("TextIO", open(number, mode, closefd=False))
