"""How a process of ours is asked for where one that has imported all waits to be cloned."""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuralake.measure import worker
from neuralake.writer import supervise

OWN_POPEN = subprocess.Popen
_CODE = (worker._CHILD, supervise._CHILD)
_MODULES = ("neuralake", "neuralake.serving.fence")
# What a process reads of its environment while it starts and imports
_READ_AT_START = (
    *("PYTHON", "LD_", "GLIBC_", "MALLOC_", "TZ", "LC_", "LANG", "ARROW_", "MIMALLOC_"),
    *("OPENBLAS_", "OMP_", "GOTO_", "SSL_"),
)
# What of subprocess's a clone cannot have
_TRUE_OTHERWISE = ("preexec_fn", "shell", "executable")
_SET_OTHERWISE = ("gid", "gids", "uid", "process_group")
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Cloned:
    """Processes that are cloned from one that listens.

    Parameters
    ----------
    control
        To the one that is cloned.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._asking = threading.Lock()
        self._inherited = _inherited(os.environ)

    def can_start(self, command: object, environment: Mapping[str, str]) -> bool:
        """Whether a command is one of ours that would find all as it was when this was started."""
        if not isinstance(command, list) or command[:1] != [sys.executable]:
            return False
        words = command[2:] if command[1:2] == ["-P"] else command[1:]
        match words:
            case ["-c", code, *arguments]:
                is_ours = code in _CODE
                if code == worker._CHILD and json.loads(arguments[-1]):
                    return False  # a profiler
            case ["-m", module, *_]:
                is_ours = module in _MODULES
            case _:
                return False
        return is_ours and _inherited(environment) == self._inherited

    def start(
        self,
        command: list[str],
        environment: Mapping[str, str],
        descriptors: Mapping[int, int],
        directory: Path,
        *,
        session: bool,
    ) -> int | None:
        """Start a process; returns its number, or None where nothing listens any more.

        Parameters
        ----------
        descriptors
            Numbers there, and what they are here.
        session
            Whether it has one of its own.
        """
        asked = {
            "words": command[1:],
            "environment": dict(environment),
            "cwd": str(directory),
            "places": list(descriptors),
            "session": session,
        }
        message = json.dumps(asked).encode()
        with self._asking:
            try:
                socket.send_fds(self._control, [message], [*descriptors.values()])
                told = self._control.recv(8)
            except ConnectionError:
                return None
        return int.from_bytes(told, "little", signed=True) if told else None


def _inherited(environment: Mapping[str, str]) -> dict[str, Any]:
    """What a process has of its parent that a clone has from before."""
    status = Path("/proc/thread-self/status").read_text()
    kept = ("Umask", "SigBlk", "NoNewPrivs", "Cpus_allowed")
    read = {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}
    read.pop("PYTHONUNBUFFERED", None)  # by which a clone opens its streams anew
    return {
        **read,
        "ignored": [each for each in _PASSED_ON if signal.getsignal(each) is signal.SIG_IGN],
        "status": [line for line in status.splitlines() if line.partition(":")[0] in kept],
    }


def popen_of(cloned: Cloned) -> type[subprocess.Popen[bytes]]:
    """As subprocess has it, but for how a process of ours is started."""
    signature = inspect.signature(OWN_POPEN._execute_child)  # type: ignore[attr-defined]

    class Popen(OWN_POPEN[bytes]):
        def _execute_child(self, *given: Any) -> None:
            asked = signature.bind(self, *given).arguments
            if (pid := _clone(cloned, asked)) is None:
                super()._execute_child(*given)  # type: ignore[misc]
                return
            self.pid = pid
            self._child_created = True
            self._close_pipe_fds(*(asked[name] for name in _PIPES))  # type: ignore[attr-defined]

    return Popen


def _clone(cloned: Cloned, asked: Mapping[str, Any]) -> int | None:
    """The number of the process that subprocess asks for, or None where it is to start it."""
    environment = os.environ if asked["env"] is None else asked["env"]
    is_otherwise = any(asked[name] for name in _TRUE_OTHERWISE) or any(
        asked[name] not in (None, -1) for name in _SET_OTHERWISE
    )
    if is_otherwise or not cloned.can_start(asked["args"], environment):
        return None
    own = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
    standard = {number: number if each == -1 else each for number, each in enumerate(own)}
    return cloned.start(
        asked["args"],
        environment,
        standard | {each: each for each in asked["pass_fds"]},
        Path.cwd() / (asked["cwd"] or ""),
        session=asked["start_new_session"],
    )
