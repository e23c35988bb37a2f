"""The end of the command's process while threads that nobody waits for are still at work."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def leave_after(run: Callable[[], NoReturn]) -> NoReturn:
    """Run the command and end the process with its status, whatever its daemon threads are at.

    The interpreter ends such a thread when it next asks for the lock of Python, by unwinding its
    stack; where that goes through code in Rust the process dies by a signal. So the process ends
    without the interpreter once everything else is done that belongs to its end.

    Parameters
    ----------
    run
        Ends by ``SystemExit``, like :func:`neuralake.cli.main`.
    """
    statuses: list[int] = []

    def leave() -> None:
        if statuses and any(thread.daemon for thread in threading.enumerate()):
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(statuses[0])

    atexit.register(leave)  # before all others, and so called after them
    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, int):
            statuses.append(end.code)
        raise
