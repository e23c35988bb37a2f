"""What :mod:`tests.workers` starts: a process that has imported what all workers need, and clones.

Each clone is a child of who started this one, as one that ``subprocess`` has made.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import platform
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

CLONE = {"x86_64": 56, "aarch64": 220}  # clone(2), of which all arguments but the flags are zero
_CLONE_PARENT = 0x8000  # the clone's parent is that of the process that is cloned
_MOST_BYTES = 2**20
_MOST_DESCRIPTORS = 16
_FREE_FROM = 512  # no descriptor that a worker is given has such a number


def clones(descriptor: int) -> tuple[str, dict[str, Any]]:
    """Be cloned until the other side ends; returns in each clone, with what it is to run."""
    from neuralake.pandas_on_demand import import_pandas_on_demand

    import_pandas_on_demand()
    import neuralake.measure.worker
    import neuralake.workloads.executor  # noqa: F401 - all of them are what workers need

    gc.freeze()  # what is never looked through is not copied, either
    (_,) = Path("/proc/self/task").iterdir()  # others would be missing in a clone
    clone = ctypes.PyDLL(None).syscall
    number = CLONE[platform.machine()]
    control = socket.socket(fileno=descriptor)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _MOST_DESCRIPTORS)
        if not message:
            os._exit(0)
        pid = clone(number, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            control.detach()
            return _become(json.loads(message), descriptors), {"__name__": "__main__"}
        for each in descriptors:
            os.close(each)
        control.send(pid.to_bytes(8, "little", signed=True))


def _become(asked: Mapping[str, Any], descriptors: list[int]) -> str:
    """Make this process what ``subprocess`` would have made of it; returns its code."""
    os.setsid()
    above = [fcntl.fcntl(each, fcntl.F_DUPFD, _FREE_FROM) for each in descriptors]
    for each, place in zip(above, asked["places"], strict=True):
        os.dup2(each, place)
    kept = {0, 1, 2, *asked["places"]}
    for each in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if each not in kept:
            with suppress(OSError):  # the directory's own is closed already
                os.close(each)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    sys.argv[:] = ["-c", *asked["arguments"]]
    return str(asked["code"])
