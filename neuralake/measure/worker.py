"""A process of its own for what is measured: started fresh, talked to over a pipe, expendable.

The child is spawned, never forked: thread pools of native libraries do not survive a fork. It
writes its output to a log file, leads its own session, so that all of it can be ended together,
and is ended by the kernel when its parent dies.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1  # prctl(2)
_STOP_GRACE_S = 10.0


class WorkerDiedError(Exception):
    """The process ended before it answered; the message says how."""


class WorkerTimeoutError(Exception):
    """No answer came in time; the process is still running."""


class RemoteError(Exception):
    """The call raised; the message is the exception's, ``details`` its traceback."""

    def __init__(self, kind: str, message: str, details: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.details = details


class Worker:
    """A spawned process that holds one object and calls its methods.

    Parameters
    ----------
    target
        ``module:callable``; what it returns, called in the child without arguments, is the object.
    log
        File to which the child's standard output and error are appended.
    environment
        Variables set in the child, beside the parent's.
    """

    def __init__(
        self, target: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        self._connection = Connection(ours.detach())
        self._connection.send((sys.path, target, os.getpid()))

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    def call(self, method: str, *arguments: Any, timeout_s: float | None = None) -> Any:
        """Call a method of the object in the child and return its result.

        Raises
        ------
        RemoteError
            If the method raised.
        WorkerTimeoutError
            If no answer came in time.
        WorkerDiedError
            If the process ended.
        """
        try:
            self._connection.send((method, arguments))
            if not self._connection.poll(timeout_s):
                raise WorkerTimeoutError(f"no answer within {timeout_s:g} s")
            succeeded, value = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerDiedError(self._epitaph()) from None
        if succeeded:
            return value
        raise RemoteError(*value)

    def close(self) -> None:
        """Ask the child to end, and end it and all its descendants if it does not."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End the child and whatever it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _epitaph(self) -> str:
        try:
            status = self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            return "the process closed its connection"
        if status < 0:
            return f"the process was ended by {signal.Signals(-status).name}"
        return f"the process ended with exit status {status}"


_CHILD = "import sys; from neuralake.measure.worker import serve; serve(int(sys.argv[1]))"


def serve(descriptor: int) -> NoReturn:
    """Answer calls until the other side closes the connection (runs in the child)."""
    connection = Connection(descriptor)
    sys.path[:], target, parent = connection.recv()
    _die_with_parent(parent)
    module, _, attribute = target.partition(":")
    served = getattr(importlib.import_module(module), attribute)()
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            break
        try:
            answer = (True, getattr(served, method)(*arguments))
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            details = traceback.format_exc()
            answer = (False, (type(error).__name__, str(error) or repr(error), details))
        connection.send(answer)
        del answer, arguments
    if hasattr(served, "close"):
        served.close()
    sys.exit(0)


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
