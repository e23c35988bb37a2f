"""A writer as its users run it: the command, in real processes, and clients that send to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

import pyarrow as pa
from pyarrow import flight

from neuralake.starting import free_ports
from neuralake.writer.errors import WriterError
from tests.conftest import cli_environment
from tests.waiting import WAIT_S, until

EVENTS = flight.FlightDescriptor.for_path("events")


class Running:
    """``neuralake writer … --json``, in a process group of its own.

    Attributes
    ----------
    events
        What it has told so far.
    """

    def __init__(
        self,
        arguments: tuple[object, ...],
        directory: Path,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.errors = directory / f"stderr-{os.urandom(4).hex()}"
        with self.errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "neuralake", "writer", *map(str, arguments), "--json"],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=directory,
                env=cli_environment(directory, directory)
                | {"NEURALAKE_CACHE_ROOT": str(directory / "cache")}
                | dict(environment or {}),
                start_new_session=True,
            )
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def wait_for(self, process: str, event: str, times: int = 1) -> dict[str, Any]:
        """The first, or a later, event of a kind; waits for it."""

        def found() -> list[dict[str, Any]]:
            return [e for e in self.events if (e["process"], e["event"]) == (process, event)]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= times or self._is_over, WAIT_S)
            assert len(found()) >= times, (self.events, self.errors.read_text())
            return found()[times - 1]

    def pid(self, process: str) -> int | None:
        """The number of a process of it, as last told."""
        started = [e for e in self.events if e["event"] == "started" and e["process"] == process]
        return int(started[-1]["pid"]) if started else None

    def kill(self, process: str) -> bool:
        """Kill a process of it, and wait until its supervisor knows; False if there is none."""
        pid = self.pid(process)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        with self._changed:
            told = self._changed.wait_for(lambda: self._is_over or self._is_told_dead(pid), WAIT_S)
        assert told, (self.events, self.errors.read_text())
        return True

    def _is_told_dead(self, pid: int) -> bool:
        return any(e["event"] == "died" and e["pid"] == pid for e in self.events)

    def terminate(self) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Its exit status."""
        status = self.process.wait(WAIT_S)
        self._thread.join(WAIT_S)
        return status

    def kill_group(self) -> None:
        """Kill it and all its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_group()
        self.process.wait()
        self._thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Keeper(threading.Thread):
    """Starts a writer again whenever it ends, as a service manager does.

    Attributes
    ----------
    writer
        The one that runs, or has run last; None before the first.
    """

    def __init__(
        self,
        arguments: tuple[object, ...],
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.writer: Running | None = None
        self._arguments = arguments
        self._directory = directory
        self._environment = environment
        self._ending = threading.Event()
        self._status: int | None = None

    def run(self) -> None:
        while not self._ending.is_set():
            with Running(
                self._arguments, self._directory, environment=self._environment
            ) as self.writer:
                self._status = self.writer.wait()

    def kill(self, victim: str) -> bool:
        """Kill a process, the ``supervisor`` or ``everything``; False if there is none just now.

        It is known to be dead then: a writer that is asked to stop before it knows ends with 70,
        as it should.
        """
        writer = self.writer
        if writer is None:
            return False
        if victim == "everything":
            writer.kill_group()
        elif victim == "supervisor":
            writer.process.kill()
        else:
            return writer.kill(victim)
        writer.process.wait()
        return True

    def end(self) -> int | None:
        """Let the writer stop in order, and start none again; the exit status of the last."""
        if self.is_alive() and not self._ending.is_set():
            until(self._is_writing)  # it may have been killed last
        self._ending.set()
        if self.is_alive() and self.writer is not None:
            self.writer.wait_for("append", "ready")  # one that has just begun knows no signal yet
            self.writer.process.send_signal(signal.SIGTERM)
        self.join()
        return self._status

    def told(self) -> str:
        """What the last writer has told: its newest events, and its errors."""
        return (
            f"{self.writer.events[-12:]}\n{self.writer.errors.read_text()}" if self.writer else ""
        )

    def _is_writing(self) -> bool:
        return self.writer is not None and self.writer.process.poll() is None


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    (port,) = free_ports("127.0.0.1", (0,), "a writer", WriterError)
    return port


def answers(reader: flight.FlightMetadataReader) -> Iterator[dict[str, Any]]:
    """What a client is answered, until its stream ends."""
    while (message := reader.read()) is not None:
        yield json.loads(message.to_pybytes())


def numbered(application: str, sequence: int) -> bytes:
    """Metadata of a batch."""
    return json.dumps({"application": application, "sequence": sequence}).encode()


class Sender(threading.Thread):
    """A client that sends numbered batches, and sends again what was not acknowledged.

    Attributes
    ----------
    acknowledged
        The greatest number that was acknowledged.
    """

    def __init__(
        self, address: str, application: str, batch: Callable[[int], pa.RecordBatch]
    ) -> None:
        super().__init__()
        self.acknowledged = 0
        self.sent = 0
        self.reconnections = -1
        self._address = address
        self.application = application
        self._batch = batch
        self._ending = threading.Event()

    def end(self) -> None:
        """Send nothing new, and end when all is acknowledged."""
        self._ending.set()

    @property
    def is_done(self) -> bool:
        return self._ending.is_set() and self.acknowledged == self.sent

    def run(self) -> None:
        while not self.is_done:
            self.reconnections += 1
            with suppress(flight.FlightError, pa.ArrowException, OSError), self._stream() as stream:
                self._send(*stream)
            time.sleep(0.05)  # also while it ends: a writer that starts needs the processor

    @contextmanager
    def _stream(self) -> Iterator[tuple[Any, Any]]:
        options = flight.FlightCallOptions(timeout=30)
        with flight.connect(self._address) as client:
            writer, reader = client.do_put(EVENTS, self._batch(1).schema, options)
            try:
                yield writer, reader
                writer.done_writing()
            finally:
                writer.close()

    def _send(self, writer: Any, reader: Any) -> None:
        following = self.acknowledged + 1
        while not self.is_done:
            while following - self.acknowledged <= 8 and (
                following <= self.sent or not self._ending.is_set()
            ):
                told = numbered(self.application, following)
                writer.write_with_metadata(self._batch(following), told)
                self.sent = max(self.sent, following)
                following += 1
            message = reader.read()
            if message is None:
                return
            answer = json.loads(message.to_pybytes())
            if "error" in answer:
                return
            assert answer["sequence"] == self.acknowledged + 1
            self.acknowledged += 1
