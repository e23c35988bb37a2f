"""The writer under measurement: ``neuralake writer`` itself, started as a user starts it.

Runs in a worker, whose supervisor ends it however the round ends.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralake.measure.process import (
    delayed_ns,
    peak_memory_bytes,
    process_tree,
    reset_peak_memory,
    tree_usage,
)
from neuralake.results.freshness.records import ProcessUse
from neuralake.workloads.places import Target

COMMAND = (sys.executable, "-P", "-m", "neuralake")
_START_S = 60.0
_STOP_S = 60.0


class WritingError(Exception):
    """The writer has not started, or has ended before it was told to."""


@dataclass(frozen=True)
class WriterTask:
    """How the writer is started.

    Attributes
    ----------
    target
        The table.
    origin
        Its ``--from``.
    is_compacted
        Whether it compacts and vacuums as well.
    batch_age_s
        Its ``--batch-age``, if it is given one.
    options
        What the source needs besides.
    timings
        Where it keeps how long its batches took.
    """

    target: Target
    origin: str
    is_compacted: bool
    batch_age_s: float | None
    options: tuple[str, ...] = ()
    timings: Path | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """As it is typed."""
        roles = () if self.is_compacted else ("append",)
        more: tuple[str, ...] = ()
        if self.batch_age_s is not None:
            more = ("--batch-age", f"{self.batch_age_s * 1000:.12g}ms")
        if self.timings is not None:
            more = (*more, "--timings", str(self.timings))
        start = (*COMMAND, "writer", *roles, self.target.uri, "--from", self.origin)
        return (*start, *more, "--json", *self.options)


@dataclass(frozen=True)
class Written:
    """How the writer ended.

    Attributes
    ----------
    status
        Its exit status.
    troubles
        What its processes complained of, and their deaths.
    """

    status: int
    troubles: tuple[str, ...]


class ProcessMeter:
    """Processor time and memory of some processes over a stretch of time.

    Parameters
    ----------
    pids
        Whom to watch, by name; each with its descendants where ``whole`` says so.
    """

    def __init__(self, pids: Mapping[str, int], *, whole: bool = False) -> None:
        self._pids, self._whole = dict(pids), whole
        for name in self._pids:
            reset_peak_memory(self._of(name))
        self._before = {name: tree_usage(self._of(name)) for name in self._pids}
        self._delayed_ns = {name: delayed_ns(self._of(name)) for name in self._pids}

    def read(self) -> dict[str, ProcessUse]:
        """What each has used since."""
        found = {}
        for name in self._pids:
            tree = self._of(name)
            used = tree_usage(tree).since(self._before[name])
            before_ns, now_ns = self._delayed_ns[name], delayed_ns(tree)
            is_known = before_ns is not None and now_ns is not None
            waited_ns = max((now_ns or 0) - (before_ns or 0), 0) if is_known else None
            found[name] = ProcessUse(used.cpu_ns, peak_memory_bytes(tree), waited_ns)
        return found

    def _of(self, name: str) -> list[int]:
        pid = self._pids[name]
        return process_tree(pid) if self._whole else [pid]


class WritingProcess:
    """The object in the worker."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._ready: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._pids: dict[str, int] = {}
        self._troubles: list[str] = []

    def start(self, task: WriterTask) -> str | None:
        """Start it, and wait until each of its processes works.

        Returns
        -------
        str | None
            Where clients reach it; None where it reads from elsewhere.
        """
        roles = {"append", "compact", "vacuum"} if task.is_compacted else {"append"}
        process = subprocess.Popen(
            task.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self._process = process
        self._pids["writer"] = process.pid
        self._listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._listener.start()
        address = None
        while roles:
            try:
                event = self._ready.get(timeout=_START_S)
            except queue.Empty:
                raise WritingError(f"the writer is not ready within {_START_S:g} s") from None
            if event is None:
                raise WritingError(
                    f"the writer has ended with status {process.wait()}: "
                    f"{'; '.join(self._troubles[-2:]) or 'its log says why'}"
                )
            roles.discard(event["process"])
            address = event.get("address") or address
        return address

    def begin(self) -> None:
        """The round begins."""
        self._meter = ProcessMeter(self._pids)

    def use(self) -> dict[str, ProcessUse]:
        """What its processes have used since."""
        return {_name(role): used for role, used in self._meter.read().items()}

    def stop(self) -> Written:
        """Let it commit what it has, and end."""
        assert self._process is not None  # noqa: S101 - it was started
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(_STOP_S)
        self._listener.join()
        return Written(status, tuple(self._troubles))

    def close(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        for event in _events(process):
            role, kind = event["process"], event["event"]
            if kind in ("started", "ready") and "pid" in event:
                self._pids[role] = event["pid"]
            if kind == "ready":
                self._ready.put(event)
            if kind in ("trouble", "died") or (kind == "ended" and event.get("status")):
                self._troubles.append(f"{role}: {event['text']}")
        self._ready.put(None)


def _events(process: subprocess.Popen[str]) -> Sequence[Mapping[str, Any]] | Any:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        yield json.loads(line)


def _name(role: str) -> str:
    return "writer" if role == "writer" else f"writer: {role}"
