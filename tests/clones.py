"""What :mod:`tests.workers` starts: a process that has imported what others need, and clones.

Each clone is a child of who started this one, as one that ``subprocess`` has made.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import io
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Container, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

CLONE = {"x86_64": 56, "aarch64": 220}  # clone(2), of which all arguments but the flags are zero
_CLONE_PARENT = 0x8000  # the clone's parent is that of the process that is cloned
_MOST_BYTES = 2**20
_MOST_DESCRIPTORS = 16
_FREE_FROM = 512  # no descriptor that a process is given has such a number
_NEEDED = (
    "neuralake_bench",
    "neuralake.cli",
    "neuralake.measure.worker",
    "neuralake.workloads.executor",
    *("datafusion", "neuralake.engines.datafusion", "duckdb", "neuralake.engines.duckdb"),
    *("sqlglot.dialects.duckdb", "neuralake.report.answer", "neuralake.report.listings"),
    *("neuralake.results.store", "neuralake.workloads.bench", "neuralake.report.run.terminal"),
    *("neuralake.serving.fence.worker", "neuralake.serving.http.server"),
    *("neuralake.writer.destination", "neuralake.writer.run", "neuralake.writer.roles"),
    "neuralake.sources.flight",
)
_THAT_START_OTHERS = (["writer"], ["serve"])
_RUN_MODULE = "import runpy\nrunpy.run_module({!r}, run_name='__main__', alter_sys=True)\n"


def clones(descriptor: int, plain_path: list[str]) -> tuple[str, dict[str, Any]]:
    """Be cloned until the other side ends; returns in each clone, with what it is to run.

    Parameters
    ----------
    descriptor
        Of the socket to the other side.
    plain_path
        Where Python finds modules if nobody says more.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other side
    from neuralake.pandas_on_demand import import_pandas_on_demand

    import_pandas_on_demand()
    exits = _Exits()
    exits.hold()
    for name in _NEEDED:
        import_module(name)
    gc.freeze()  # what is never looked through is not copied, either
    (_,) = Path("/proc/self/task").iterdir()  # others would be missing in a clone
    return _be_cloned(socket.socket(fileno=descriptor), plain_path, exits)


def _be_cloned(
    control: socket.socket, plain_path: list[str], exits: _Exits
) -> tuple[str, dict[str, Any]]:
    python = ctypes.pythonapi
    clone = ctypes.PyDLL(None).syscall
    number = CLONE[platform.machine()]
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, _MOST_DESCRIPTORS)
        if not message:
            os._exit(0)
        python.PyOS_BeforeFork()
        pid = clone(number, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            python.PyOS_AfterFork_Child()
            control.detach()
            asked = json.loads(message)
            code = _become(asked, descriptors, plain_path)
            _, *words = [word for word in asked["words"] if word != "-P"]
            if words[:1] != ["neuralake"]:
                exits.register()
            else:
                if words[1:2] in _THAT_START_OTHERS:
                    own = _have_own_cloned(plain_path, exits)
                    if own is not None:
                        return own
                exits.register_after_first()
            return code, {"__name__": "__main__"}
        python.PyOS_AfterFork_Parent()
        for each in descriptors:
            os.close(each)
        control.send(pid.to_bytes(8, "little", signed=True))


def _have_own_cloned(plain_path: list[str], exits: _Exits) -> tuple[str, dict[str, Any]] | None:
    """Have what this process starts cloned as well, from one beside it that ends with it.

    Returns in each of those clones with what it is to run, and here with None.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ours.close()
        _close_all_but({theirs.fileno()})
        while os.open(os.devnull, os.O_RDWR) < 2:  # the standard streams, which were closed
            pass
        return _be_cloned(theirs, plain_path, exits)
    theirs.close()
    from tests.popen import Cloned, popen_of

    subprocess.Popen = popen_of(Cloned(ours))  # type: ignore[misc, assignment]
    return None


def run(code: str, names: dict[str, Any]) -> None:
    """Run a clone to its end, of which what it has imported need not be taken apart."""
    status = 0
    try:
        exec(code, names)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            return  # which the interpreter tells
    os._exit(status)


def _become(asked: Mapping[str, Any], descriptors: list[int], plain_path: list[str]) -> str:
    """Make this process what ``subprocess`` would have made of it; returns its code."""
    if asked["session"]:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    above = [fcntl.fcntl(each, fcntl.F_DUPFD, _FREE_FROM) for each in descriptors]
    for each, place in zip(above, asked["places"], strict=True):
        os.dup2(each, place)
    _close_all_but({0, 1, 2, *asked["places"]})
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    _open_streams()
    words = list(asked["words"])
    sys.path[:] = plain_path
    if words[0] == "-P":
        del words[0]
    elif words[0] == "-m":
        sys.path.insert(0, asked["cwd"])
    how, what, *arguments = words
    sys.argv[:] = [how, *arguments]
    return what if how == "-c" else _RUN_MODULE.format(what)


def _close_all_but(kept: Container[int]) -> None:
    for each in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if each not in kept:
            with suppress(OSError):  # the directory's own is closed already
                os.close(each)


def _open_streams() -> None:
    """Standard streams as Python opens them."""
    is_unbuffered = os.environ.get("PYTHONUNBUFFERED", "") != ""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        raw = io.FileIO(number, "w" if number else "r", closefd=False)
        raw.name = f"<{name}>"
        plain: Any = raw
        if number == 0:
            plain = io.BufferedReader(raw)
        elif not is_unbuffered:
            plain = io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            plain,
            encoding=old.encoding,
            errors=old.errors,
            newline="\n",
            line_buffering=not is_unbuffered and (name == "stderr" or raw.isatty()),
            write_through=plain is raw,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


class _Exits:
    """What modules want to be called when the interpreter ends, which is each clone's own."""

    def __init__(self) -> None:
        self._register = atexit.register
        self._calls: list[tuple[Any, Any, Any]] = []

    def hold(self) -> None:
        """Keep for the clones what is registered from now on."""

        def keep(function: Any, *arguments: Any, **keywords: Any) -> Any:
            self._calls.append((function, arguments, keywords))
            return function

        setattr(atexit, "register", keep)  # noqa: B010 - no type could say so

    def register(self) -> None:
        """Register what was kept."""
        atexit.register = self._register
        for function, arguments, keywords in self._calls:
            atexit.register(function, *arguments, **keywords)

    def register_after_first(self) -> None:
        """Register it as if it had been imported after the first who registers something."""

        def first(function: Any, *arguments: Any, **keywords: Any) -> Any:
            self._register(function, *arguments, **keywords)
            self.register()
            return function

        setattr(atexit, "register", first)  # noqa: B010
