"""Processes that end with the one that started them, however that ends: the kernel sees to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# Asks the kernel for SIGKILL once the parent is gone (PR_SET_PDEATHSIG, which execve keeps), then
# becomes the program. An interpreter of its own, as a preexec_fn is unsafe beside threads.
_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def mortal(command: Sequence[str]) -> list[str]:
    """A command that is killed as soon as whoever starts it has ended.

    The kernel means the thread: start it from one that lives as long as it is needed. Source:
    prctl(2), ``PR_SET_PDEATHSIG``.

    Parameters
    ----------
    command
        A program by its path, and its arguments.
    """
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command]
