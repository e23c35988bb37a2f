"""Worker processes that begin where imports end, for tests that do not look at how they start.

Most of what a worker costs a test is what every worker imports before it is told what to do, which
takes three times as long as a query of a few rows. One process of each pytest imports it, once, and
is cloned from then on. A clone is a child of pytest's, with a session, an environment, descriptors
and a supervisor of its own; it runs the same code, which finds its imports done. No engine is
among them: the threads of its library would not be cloned.

What a process of a user's (fixture ``cli``) starts, what runs under another interpreter or a
profiler, and every worker in ``make test-all`` starts as it does elsewhere.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neuralake.measure import worker
from tests.clones import CLONE

ROOT = Path(__file__).parents[1]
# What a process reads of its environment while it starts and imports
_READ_AT_START = (
    *("PYTHON", "LD_", "GLIBC_", "MALLOC_", "TZ", "LC_", "LANG", "ARROW_", "MIMALLOC_"),
    *("OPENBLAS_", "OMP_", "GOTO_", "AWS_", "SSL_", "CURL_"),
)
# Arrow's allocator has a thread beside, which no clone would have
_NO_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
_MAIN = """\
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from tests.clones import clones
code, names = clones(int(sys.argv[1]))
exec(code, names)
"""


class QuickWorkers:
    """One process that is cloned, and how it is asked to be."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        self._asking = threading.Lock()
        with theirs:
            path = json.dumps([str(ROOT), *sys.path])
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno()), path],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=os.environ | _NO_THREAD,
            )
        self._environment = _read_at_start(os.environ)

    def can_start(self, command: object, environment: Mapping[str, str]) -> bool:
        """Whether a command is a worker's that would find all as it was when this was started."""
        return (
            isinstance(command, list)
            and command[:4] == [sys.executable, "-P", "-c", worker._CHILD]
            and not json.loads(command[-1])  # no profiler
            and _read_at_start(environment) == self._environment
        )

    def start(
        self, command: list[str], environment: Mapping[str, str], descriptors: Mapping[int, int]
    ) -> int:
        """Start a worker; returns its process number.

        Parameters
        ----------
        descriptors
            Numbers there, and what they are here.
        """
        asked = {
            "code": command[3],
            "arguments": command[4:],
            "environment": dict(environment),
            "cwd": str(Path.cwd()),
            "places": list(descriptors),
        }
        with self._asking:
            socket.send_fds(self._control, [json.dumps(asked).encode()], [*descriptors.values()])
            return int.from_bytes(self._control.recv(8), "little", signed=True)

    def close(self) -> None:
        """End the process that is cloned."""
        self._control.close()
        self._process.wait()


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


@contextmanager
def quick_workers() -> Iterator[None]:
    """Workers that this process starts are clones, where that can be; nothing else about it is."""
    if platform.machine() not in CLONE or sys.platform != "linux":
        yield
        return
    quick = QuickWorkers()

    class Popen(subprocess.Popen[bytes]):
        """As subprocess has it, but for how a worker is started."""

        def _execute_child(self, args: Any, *rest: Any) -> None:
            _, _, _, pass_fds, cwd, env, _, _, _, *pipes = rest
            environment = os.environ if env is None else env
            if cwd is not None or not quick.can_start(args, environment):
                super()._execute_child(args, *rest)  # type: ignore[misc]
                return
            reading, _, _, output, _, errors = pipes[:6]
            descriptors = {0: reading, 1: output, 2: errors} | {each: each for each in pass_fds}
            try:
                self.pid = quick.start(args, environment, descriptors)
                self._child_created = True
            finally:
                self._close_pipe_fds(*pipes[:6])  # type: ignore[attr-defined]

    ours = SimpleNamespace(**{**vars(subprocess), "Popen": Popen})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "subprocess", ours)
        yield
    quick.close()
