"""A process of its own for what is measured: started fresh, talked to over a pipe, expendable.

The child is spawned, with a supervisor before it (:mod:`neuralake.measure.supervisor`) that ends
whatever the child starts. It writes its output to a log file, and its memory can be limited.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from neuralake.measure.memory import (
    ControlGroup,
    Limiter,
    make_control_group,
    system_memory_kills,
)
from neuralake.measure.process import process_tree, resident_bytes
from neuralake.measure.supervisor import supervise

_STOP_GRACE_S = 10.0
_WATCH_INTERVAL_S = 0.01
_SUPERVISED = -1  # in place of a lifeline, where the supervisor has it already


class WorkerDiedError(Exception):
    """The process ended before it answered; the message says how.

    Attributes
    ----------
    out_of_memory
        Whether the kernel killed it for want of memory.
    """

    def __init__(self, message: str, *, out_of_memory: bool = False) -> None:
        super().__init__(message)
        self.out_of_memory = out_of_memory


class WorkerTimeoutError(Exception):
    """No answer came in time; the process is still running."""


class WorkerMemoryError(Exception):
    """The process tree is beyond its memory limit; it is still running."""


class RemoteError(Exception):
    """The call raised; the message is the exception's, ``details`` its traceback.

    Attributes
    ----------
    kind
        Name of the exception's class.
    out_of_memory
        Whether the kernel killed a process of the tree for want of memory meanwhile.
    """

    def __init__(
        self, kind: str, message: str, details: str, *, out_of_memory: bool = False
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.details = details
        self.out_of_memory = out_of_memory


@dataclass(frozen=True)
class Interpreter:
    """Another Python for a child, such as one with other packages.

    Attributes
    ----------
    executable
        Its ``python``.
    directory
        Working directory of the child.
    modules
        Files of modules that come from here and not from its own packages, by their names, parents
        before children: the instrument is then the same in every child. If
        ``neuralake.pandas_on_demand`` is among them, and before what imports Arrow, it is called.
    """

    executable: Path
    directory: Path
    modules: Mapping[str, Path]


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
    memory_limit_bytes
        Limit for the child and its descendants together, or None.
    limiter
        How the limit is kept; None is a control group where one can be made, otherwise watched.
    interpreter
        What runs the child; None is the Python that runs this, with its path.
    launcher
        A command that the child alone runs under, such as a profiler's; the child's own command
        comes after it.
    """

    def __init__(
        self,
        target: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        memory_limit_bytes: int | None = None,
        limiter: Limiter | None = None,
        interpreter: Interpreter | None = None,
        launcher: Sequence[str] = (),
    ) -> None:
        self._limit_bytes = memory_limit_bytes
        self._group: ControlGroup | None = None
        if memory_limit_bytes is not None and limiter != "watched":
            self._group = make_control_group(memory_limit_bytes)
        self._watched = memory_limit_bytes is not None and self._group is None
        self._memory_kills = 0
        self._pid: int | None = None
        ours, theirs = socket.socketpair()
        self._lifeline, lifeline = socket.socketpair()
        group = str(self._group.directory) if self._group else ""
        with theirs, lifeline, log.open("ab") as output:
            descriptors = (theirs.fileno(), lifeline.fileno())
            self._process = subprocess.Popen(
                [
                    *(*_command(interpreter), *map(str, descriptors), group),
                    *(_found_by(interpreter), json.dumps(launcher)),
                ],
                cwd=interpreter.directory if interpreter else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,
                env={**_inherited(interpreter), **(environment or {})},
            )
        self._connection = Connection(ours.detach())
        with suppress(OSError):  # it ended at once: the first call says so
            self._connection.send(target)

    @property
    def pid(self) -> int:
        """Process number of the child. Raises ``WorkerDiedError`` if there never was one."""
        if self._pid is None:
            told = b""
            with suppress(OSError):
                told = self._lifeline.recv(8, socket.MSG_WAITALL)
            if len(told) < 8:
                raise WorkerDiedError(self._epitaph())
            self._pid = int.from_bytes(told, "little")
        return self._pid

    def call(self, method: str, *arguments: Any, timeout_s: float | None = None) -> Any:
        """Call a method of the object in the child and return its result.

        Raises
        ------
        RemoteError
            If the method raised.
        WorkerTimeoutError
            If no answer came in time.
        WorkerMemoryError
            If the tree is beyond its limit, where that is watched.
        WorkerDiedError
            If the process ended.
        """
        self._memory_kills = self._count_memory_kills()
        try:
            self._connection.send((method, arguments))
            if not self._wait(timeout_s):
                raise WorkerTimeoutError(f"no answer within {timeout_s:g} s")
            succeeded, value = self._connection.recv()
        except (EOFError, OSError):
            epitaph = self._epitaph()
            killed = self._process.returncode == -signal.SIGKILL and self._was_short_of_memory()
            raise WorkerDiedError(epitaph, out_of_memory=killed) from None
        if succeeded:
            return value
        # a process that the child had started may have been killed in its place
        short = self._group is not None and self._was_short_of_memory()
        raise RemoteError(*value, out_of_memory=short)

    def close(self) -> None:
        """Ask the child to end, and end it and all its descendants if it does not."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End the child and whatever it started, at once."""
        with suppress(WorkerDiedError):
            _ = self.pid  # for whoever asks later
        self._lifeline.close()
        try:
            self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:  # the supervisor is stopped, or waits for a disk
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._group is not None:
            self._group.remove()

    def _wait(self, timeout_s: float | None) -> bool:
        """Wait for an answer; False if none came in time."""
        if not self._watched:
            return self._connection.poll(timeout_s)
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._connection.poll(_WATCH_INTERVAL_S):
            used_bytes = resident_bytes(process_tree(self.pid))
            if self._limit_bytes is not None and used_bytes > self._limit_bytes:
                raise WorkerMemoryError(
                    f"the process tree had {used_bytes / 2**20:.0f} MiB resident, the limit is "
                    f"{self._limit_bytes / 2**20:.0f} MiB"
                )
            if end is not None and time.monotonic() > end:
                return False
        return True

    def _epitaph(self) -> str:
        try:
            status = self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            return "the process closed its connection"
        if status < 0:
            return f"the process was ended by {signal.Signals(-status).name}"
        return f"the process ended with exit status {status}"

    def _count_memory_kills(self) -> int:
        count = system_memory_kills() if self._group is None else self._group.memory_kills()
        return count or 0

    def _was_short_of_memory(self) -> bool:
        """Whether the kernel killed for want of memory since the call began."""
        return self._count_memory_kills() > self._memory_kills


_CHILD = """\
import json, sys
sys.path[:] = json.loads(sys.argv[4])
from neuralake.measure.worker import begin, serve
begin(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[5]))
from neuralake.pandas_on_demand import import_pandas_on_demand
import_pandas_on_demand()
serve(int(sys.argv[1]))
"""
_CHILD_ELSEWHERE = """\
import importlib, json, sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
def take(name):
    file = files[name]
    parent, _, child = name.rpartition(".")
    spec = spec_from_file_location(name, file)
    sys.modules[name] = module = module_from_spec(spec)
    # what the arm's own code asks of a package that is newer than ours
    own = PathFinder.find_spec(name, importlib.import_module(parent).__path__)
    if spec.submodule_search_locations and own and own.submodule_search_locations:
        spec.submodule_search_locations.extend(own.submodule_search_locations)
    setattr(importlib.import_module(parent), child, module)
    spec.loader.exec_module(module)
    if child == "pandas_on_demand":
        module.import_pandas_on_demand()
files = json.loads(sys.argv[4])
ours = "neuralake.measure"
if ours in files:
    take(ours)
from neuralake.measure.worker import begin, serve
begin(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[5]))
for name in files:
    if name != ours:
        take(name)
serve(int(sys.argv[1]))
"""
_OF_THIS_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def _command(interpreter: Interpreter | None) -> list[str]:
    # -P: a module in the working directory is not the one that is installed
    if interpreter is None:
        return [sys.executable, "-P", "-c", _CHILD]
    return [str(interpreter.executable), "-P", "-c", _CHILD_ELSEWHERE]


def _found_by(interpreter: Interpreter | None) -> str:
    """How the child finds modules, as JSON: by a search path, or some by their files."""
    if interpreter is None:
        return json.dumps(safe_path(sys.path, Path.cwd(), Path(__file__).parents[2]))
    return json.dumps({name: str(file) for name, file in interpreter.modules.items()})


def safe_path(path: Sequence[str], working_directory: Path, home: Path) -> list[str]:
    """A search path on which what is installed goes before what lies in the working directory.

    ``python -m``, a notebook and an interactive Python search the working directory first. It comes
    last here, since a catalog may lie in it.

    Parameters
    ----------
    path
        Entries such as those of ``sys.path``; the empty one is the working directory.
    working_directory
        Absolute.
    home
        Directory of this package: if it is the working directory, the path is as it is meant to be.
    """

    def is_here(entry: str) -> bool:
        return not entry or Path(entry) == working_directory

    if home == working_directory or not any(map(is_here, path)):
        return [entry or str(working_directory) for entry in path]
    return [*(entry for entry in path if not is_here(entry)), str(working_directory)]


def _inherited(interpreter: Interpreter | None) -> dict[str, str]:
    """The environment, without what belongs to this Python where another one runs."""
    dropped = () if interpreter is None else _OF_THIS_PYTHON
    return {name: value for name, value in os.environ.items() if name not in dropped}


def begin(descriptor: int, lifeline: int, group: str, launcher: Sequence[str] = ()) -> None:
    """Run the supervisor; returns in its child, which the launcher runs if there is one.

    Before that nothing is loaded but this package: a library would be loaded in the supervisor,
    which has no use for it and could not fork any more, and under a launcher once again.
    """
    if lifeline != _SUPERVISED:
        supervise(lifeline, descriptor, group)
    if launcher:
        # the same process, started anew: the launcher sees nothing of the supervisor
        again = [str(_SUPERVISED), group, sys.argv[4], json.dumps([])]
        os.execv(launcher[0], [*launcher, *sys.orig_argv[:-4], *again])  # noqa: S606 (no shell)


def serve(descriptor: int) -> NoReturn:
    """Answer calls until the other side closes the connection (runs in the child)."""
    connection = Connection(descriptor)
    target = connection.recv()
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
            answer = (False, (type(error).__name__, text_of(error), details))
        connection.send(answer)
        del answer, arguments
    if hasattr(served, "close"):
        served.close()
    sys.exit(0)


def text_of(error: BaseException) -> str:
    """What an exception says; one of a JVM asks the JVM for it, which may be gone."""
    try:
        return str(error) or repr(error)
    except Exception as failure:  # noqa: BLE001 (whatever its text may raise)
        return f"it cannot tell its reason ({type(failure).__name__})"
