"""The writer's processes under one supervisor, which restarts what died and ends what is left.

They are spawned, never forked: the threads of Arrow and of the Rust libraries do not survive a
fork. A process that reads what cannot be read again is not restarted: what it had read is gone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from neuralake.measure.worker import safe_path
from neuralake.writer.child import DRAIN_S
from neuralake.writer.events import Event, Tell
from neuralake.writer.stopping import Stopping
from neuralake.writer.task import Role, Task

FAULT = 70
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_GRACE_S = 5.0  # beyond the time that a process has itself
_CHILD = """\
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from neuralake.pandas_on_demand import import_pandas_on_demand
import_pandas_on_demand()
from neuralake.writer.child import main
main(int(sys.argv[1]))
"""


@dataclass(frozen=True)
class Patience:
    """How often a process may die.

    Attributes
    ----------
    deaths
        So many deaths of one process end the writer,
    within_s
        if they fall within so many seconds.
    """

    deaths: int = 5
    within_s: float = 60.0


@dataclass
class _Child:
    """A task, and the process that does it."""

    task: Task
    process: subprocess.Popen[bytes]
    connection: Connection
    end: Event | None = None  # what it said of its end


@dataclass
class _Fate:
    """What became of a role's processes so far."""

    deaths: deque[float] = field(default_factory=deque)
    restart_s: float | None = None  # when the next one is started, by the monotonic clock
    restarts: int = 0


class Supervisor:
    """Starts a process for each task, and keeps it running.

    Parameters
    ----------
    tasks
        One for each role.
    tell
        Told of everything that the processes tell, and of what becomes of them.
    stopping
        When to stop.
    patience
        How often a process may die.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        tell: Tell,
        stopping: Stopping,
        patience: Patience | None = None,
    ) -> None:
        self._tasks = {task.role: task for task in tasks}
        self._tell = tell
        self._stopping = stopping
        self._patience = patience or Patience()
        self._children: dict[Role, _Child] = {}
        self._fates: dict[Role, _Fate] = {task.role: _Fate() for task in tasks}
        self._status: int | None = None
        self._wake_reading, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run(self) -> int:
        """Run until a source ends, a process dies too often, or it is told to stop.

        Returns
        -------
        int
            The exit status of the process that ended it, 70 after too many deaths, or 0.
        """
        self._stopping.then(self._wake_up)
        try:
            for task in self._tasks.values():
                self._start(task)
            while self._status is None and not self._stopping.is_requested:
                self._hear(self._next_restart_s())
                self._restart_what_is_due()
            return self._stop()
        finally:
            for child in self._children.values():
                child.process.kill()
                child.process.wait()

    def _wake_up(self) -> None:
        os.write(self._wake, b"\0")

    def _start(self, task: Task) -> None:
        ours, theirs = socket.socketpair()
        path = json.dumps(safe_path(sys.path, Path.cwd(), Path(__file__).parents[2]))
        reads = task.source is not None and task.source.is_read_once
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CHILD, str(theirs.fileno()), path],
                stdin=None if reads else subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),  # standard output is the supervisor's
                pass_fds=(theirs.fileno(),),
            )
        connection = Connection(ours.detach())
        self._children[task.role] = _Child(task, process, connection)
        with suppress(OSError):  # it ended at once, which is seen next
            connection.send(task)
        facts = {"pid": process.pid, "restarts": self._fates[task.role].restarts}
        self._tell(Event(task.role, "started", facts=facts))

    def _hear(self, timeout_s: float | None) -> None:
        """Take what the processes tell, for as long as nothing else is to be done."""
        heard: list[Any] = [child.connection for child in self._children.values()]
        for ready in wait([*heard, self._wake_reading], timeout_s):
            child = next((c for c in self._children.values() if c.connection is ready), None)
            if child is not None:
                self._receive(child)

    def _receive(self, child: _Child) -> None:
        try:
            event: Event = child.connection.recv()
        except (EOFError, OSError):
            self._bury(child)
            return
        if event.kind == "ended":
            child.end = event
            return
        if event.kind == "ready":
            self._keep(child.task, event)
        self._tell(replace(event, facts={**event.facts, "pid": child.process.pid}))

    def _keep(self, task: Task, event: Event) -> None:
        """Let a process that is restarted be where clients look for it."""
        if task.source is not None:
            source = task.source.once_ready(event.facts.get("address"))
            self._tasks[task.role] = replace(task, source=source)

    def _bury(self, child: _Child) -> None:
        """What follows from the end of a process."""
        role, task = child.task.role, child.task
        status = _wait(child.process, _GRACE_S)
        del self._children[role]
        child.connection.close()
        said = child.end
        facts = {"pid": child.process.pid, "status": status}
        if said is not None and status != FAULT and status == said.facts.get("status"):
            self._tell(Event(role, "ended", said.text, facts))
            self._status = self._status or status  # of several that end, whose is not 0
            return
        words = _epitaph(role, child.process.pid, status, said)
        if self._stopping.is_requested or self._status is not None:
            self._tell(Event(role, "died", words, facts))
            self._status = self._status or FAULT
            return
        fate, now_s = self._fates[role], time.monotonic()
        fate.deaths.append(now_s)
        while now_s - fate.deaths[0] > self._patience.within_s:
            fate.deaths.popleft()
        if task.source is not None and task.source.is_read_once:
            words += "; what it had read of standard input and not committed is lost"
            self._status = FAULT
        elif len(fate.deaths) >= self._patience.deaths:
            words += f"; it died {len(fate.deaths)} times within {self._patience.within_s:g} s"
            self._status = FAULT
        else:
            pause_s = min(_FIRST_PAUSE_S * 2 ** (len(fate.deaths) - 1), _LONGEST_PAUSE_S)
            fate.restart_s = now_s + pause_s
            words += f"; it is started again in {pause_s:g} s"
        self._tell(Event(role, "died", words, facts))

    def _next_restart_s(self) -> float | None:
        """Seconds until a process is to be started again; None if none is."""
        due = [fate.restart_s for fate in self._fates.values() if fate.restart_s is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _restart_what_is_due(self) -> None:
        for role, fate in self._fates.items():
            if self._status is not None or fate.restart_s is None:
                continue
            if fate.restart_s <= time.monotonic():
                fate.restart_s = None
                fate.restarts += 1
                self._start(self._tasks[role])

    def _stop(self) -> int:
        """Let every process commit what it has read, and end."""
        for child in self._children.values():
            _ask_to_stop(child.connection)
        end_s = time.monotonic() + DRAIN_S + _GRACE_S
        while self._children and (left_s := end_s - time.monotonic()) > 0:
            # what woke this is still there, and would wake it without end
            for ready in wait([child.connection for child in self._children.values()], left_s):
                child = next(c for c in self._children.values() if c.connection is ready)
                self._receive(child)
        for child in list(self._children.values()):
            child.process.kill()
            self._bury(child)
        return self._status or 0


def _ask_to_stop(connection: Connection) -> None:
    """End what is said to a process; a signal would kill one that has just been started."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_WR)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit status of a process whose connection has ended, and soon itself."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _epitaph(role: Role, pid: int, status: int, said: Event | None) -> str:
    """How a process died, in a line."""
    if said is not None and said.text:
        return f"{role} (process {pid}) failed: {said.text}"
    if status < 0:
        return f"{role} (process {pid}) was ended by {signal.Signals(-status).name}"
    return f"{role} (process {pid}) ended with exit status {status}"
