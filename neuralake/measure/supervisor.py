"""The process between a worker and its parent: it sees that nothing of the worker stays behind.

A worker's process starts as this supervisor, which forks once, before anything but the standard
library is loaded (later a fork would break the thread pools of native libraries), and waits. It is
a "subreaper" (``prctl(2)``): whatever a descendant starts and forgets becomes its child, however
often it forks or changes its session. When the worker ends, or the parent lets go of the lifeline
(by its own death, at the latest), everything that is left is killed, and the worker's directory for
temporary files is removed: an engine that was killed could not do so itself. If the supervisor is
killed too, the next one removes it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from neuralake.measure.process import process_tree
from neuralake.measure.scratch import Scratch

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_REMOVAL_ATTEMPTS = 100
_REMOVAL_INTERVAL_S = 0.02


def supervise(lifeline_descriptor: int, connection_descriptor: int, group: str) -> None:
    """Fork; returns in the worker, and never in the supervisor.

    Parameters
    ----------
    lifeline_descriptor
        Socket on which the worker's process number is told; its end is the order to kill.
    connection_descriptor
        The worker's own: its end must be seen when the worker ends, so the supervisor closes it.
    group
        Directory of a control group that the worker enters, or "".
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    supervisor = os.getpid()
    scratch = Scratch()
    worker = os.fork()
    if worker == 0:
        os.close(lifeline_descriptor)
        _die_with(supervisor)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch.directory)
        if group:
            (Path(group) / "cgroup.procs").write_text("0")
        # where memory runs out, the kernel shall end the engine and not the one who reports it
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("900")
        return
    os.close(connection_descriptor)
    lifeline = socket.socket(fileno=lifeline_descriptor)
    status = _watch(worker, lifeline)
    _kill_descendants()
    scratch.remove()
    # a parent that lives wants to read what the kernel says of the group, and removes it itself
    if group and select.select([lifeline], [], [], 0)[0]:
        _remove(Path(group))
    _end_as(status)


def _watch(worker: int, lifeline: socket.socket) -> int:
    """Wait for the end of the worker, or of the lifeline; returns the worker's wait status."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    with suppress(OSError):
        lifeline.sendall(worker.to_bytes(8, "little"))
    while True:
        status = _reap(worker)
        if status is not None:
            return status
        ready, _, _ = select.select([reading, lifeline.fileno()], [], [])
        if lifeline.fileno() in ready or signal.SIGTERM in os.read(reading, 4096):
            os.kill(worker, signal.SIGKILL)  # it is not reaped, so that the number is still its own
            return signal.SIGKILL


def _reap(worker: int) -> int | None:
    """Collect whoever has ended; the worker's status if it is among them."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return signal.SIGKILL
        if pid == worker:
            return status
        if pid == 0:
            return None


def _kill_descendants() -> None:
    """Kill until there is nobody left: the children of the killed become our own."""
    while True:
        for pid in process_tree(os.getpid())[1:]:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _remove(group: Path) -> None:
    """Remove a control group; the kernel takes a moment to see that it is empty."""
    for _ in range(_REMOVAL_ATTEMPTS):
        with suppress(OSError):
            group.rmdir()
        if not group.exists():
            return
        time.sleep(_REMOVAL_INTERVAL_S)


def _end_as(status: int) -> NoReturn:
    """End as the worker did, so that whoever waits for us learns it."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        _prctl(_PR_SET_DUMPABLE, 0)  # the worker has left its core, if cores are wanted
        os.kill(os.getpid(), -code)
        code = 128 - code
    os._exit(code)


def _die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value)
