"""Processes that begin where imports end, for tests that do not look at how they start.

Most of what a process of ours costs a test is what it imports before it does anything, which takes
three times as long as a query of a few rows. One process of each pytest imports it, once, and is
cloned from then on: as a worker, as a fence of the server, as a process of the writer and as the
command line itself. A clone is a child of pytest's, with an environment, descriptors and, where it
is to have one, a session of its own; it runs the same code, which finds its imports done. Polars is
not among them: it begins a thread, which no clone would have.

What runs under another interpreter, an option of Python's or a profiler, what another command than
``writer`` and ``serve`` starts itself, and everything in ``make test-all`` starts as it does
elsewhere.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clones import CLONE
from tests.popen import OWN_POPEN, Cloned, popen_of

ROOT = Path(__file__).parents[1]
# Allocators have threads beside, which no clone would have
_NO_THREAD = dict.fromkeys(("JE_ARROW_MALLOC_CONF", "_RJEM_MALLOC_CONF"), "background_thread:false")
_MAIN = """\
import json, sys
plain = [*sys.path]
sys.path[:] = json.loads(sys.argv[2])
from tests.clones import clones, run
run(*clones(int(sys.argv[1]), plain))
"""


@contextmanager
def quick_processes() -> Iterator[None]:
    """Processes of ours that this one starts are clones, where that can be; nothing else is."""
    if platform.machine() not in CLONE or sys.platform != "linux":
        yield
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        path = json.dumps([str(ROOT), *sys.path])
        process = OWN_POPEN(
            [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno()), path],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env=os.environ | _NO_THREAD,
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", popen_of(Cloned(ours)))
        yield
    ours.close()
    process.wait()
