"""The end of the command's process: without the interpreter's own, where nothing needs that."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn


@dataclass
class OwnProcess:
    """A process that is one command's from its start to its end.

    Attributes
    ----------
    is_plain
        Whether only code of ours has run in it, which closes what it opens: nothing is then left
        for the interpreter, which takes modules and objects down one by one.
    """

    is_plain: bool = False


def leave_after(run: Callable[[OwnProcess], NoReturn]) -> NoReturn:
    """Run the command and end the process with its status, whatever its daemon threads are at.

    The interpreter ends such a thread when it next asks for the lock of Python, by unwinding its
    stack; where that goes through code in Rust the process dies by a signal. So the process ends
    without the interpreter once everything else is done that belongs to its end. It does so too
    where only code of ours has run, as the interpreter's end takes a fifth of a short command's
    time; but not if somebody else was here first, such as a profiler, whose turn comes after ours.

    Parameters
    ----------
    run
        Ends by ``SystemExit``, like :func:`neuralake.cli.main`.
    """
    statuses: list[int] = []
    process = OwnProcess()
    is_first = atexit._ncallbacks() == 0

    def leave() -> None:
        if not statuses:
            return
        if (process.is_plain and is_first) or any(t.daemon for t in threading.enumerate()):
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(statuses[0])

    atexit.register(leave)  # before all others, and so called after them
    try:
        run(process)
    except SystemExit as end:
        if isinstance(end.code, int):
            statuses.append(end.code)
        raise
