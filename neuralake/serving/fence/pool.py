"""The workers of a service: started when needed, and ended when a statement goes too far."""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.errors import ServingError
from neuralake.serving import answers
from neuralake.serving.answers import FailedError, LimitError, Limits, UnavailableError
from neuralake.serving.fence.shared import SharedBatches
from neuralake.serving.fence.wire import (
    Kind,
    SharedRows,
    Work,
    parameters_message,
    receive,
    send,
    send_descriptors,
)
from neuralake.serving.meter import Meter
from neuralake.serving.prepared import InMemory, Mixed, OnDisk, Source

_LOOK_S = 0.02
_START_S = 30.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Batches in flight and the engine's own, beyond what operators say that they hold
_BESIDE_BYTES = 256 << 20
# Beyond which a worker that is done keeps too much
_KEPT_BYTES = 256 << 20


class _Process:
    """One worker, seen from the server."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _started(theirs.fileno(), memory_bytes)
            except BaseException:
                ours.close()
                raise
        self.channel = ours
        self.held: frozenset[int] = frozenset()
        self._is_ready = False
        self._first_bytes = 0

    def wait_until_ready(self, check: Callable[[], None]) -> None:
        """Wait for its first frame."""
        if not self._is_ready:
            self.wait(check)
            receive(self.channel)
            self._is_ready = True
            self._first_bytes = self.memory_bytes()

    def wait(self, check: Callable[[], None]) -> None:
        """Wait for a frame; the check is made again and again meanwhile."""
        while not select.select([self.channel], [], [], _LOOK_S)[0]:
            check()

    def memory_bytes(self) -> int:
        """Memory of its own, without what it shares with files."""
        with suppress(OSError, ValueError, IndexError):
            _, resident, shared, *_ = Path(f"/proc/{self._process.pid}/statm").read_text().split()
            return (int(resident) - int(shared)) * _PAGE_BYTES
        return 0

    def grown_bytes(self) -> int:
        """What it took since it was ready."""
        return self.memory_bytes() - self._first_bytes

    def kill(self) -> None:
        """End it at once; whoever reads finds that it has gone."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End it, when nobody reads any more."""
        self.kill()
        self.channel.close()

    def died_of(self) -> str:
        """How it ended by itself."""
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(timeout=1.0)
            return signal.Signals(-status).name if status < 0 else f"status {status}"
        return "a closed channel"


def _started(descriptor: int, memory_bytes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "neuralake.serving.fence", str(descriptor), str(memory_bytes)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the server's
        env=dict(os.environ),  # a copy: another thread may change it while it is handed over
    )


class Pool:
    """Workers, of which each has one statement at a time; for many threads.

    Parameters
    ----------
    memory_bytes
        Of one statement.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._is_closed = False
        self._is_starting = False
        self.shared = SharedBatches()

    def warm_up(self) -> None:
        """Have one worker ready; a statement that finds none starts one itself, and is told why."""
        try:
            worker = _Process(self._memory_bytes)
        except OSError:
            return
        try:
            worker.wait_until_ready(self._check_open)
        except (EOFError, OSError, ServingError):
            worker.end()
        else:
            self.give_back(worker)

    def _check_open(self) -> None:
        if self._is_closed:
            raise UnavailableError("the server ends")

    def replace_later(self) -> None:
        """Start a worker for the next statement, if none is idle, without waiting for it."""
        with self._lock:
            if self._idle or self._is_closed or self._is_starting:
                return
            self._is_starting = True
        threading.Thread(target=self._replace, name="neuralake-worker", daemon=True).start()

    def _replace(self) -> None:
        try:
            self.warm_up()
        finally:
            self._is_starting = False

    def take(self) -> _Process:
        """A worker that is idle, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return _Process(self._memory_bytes)

    def give_back(self, worker: _Process) -> None:
        """Keep a worker for later, if it has not grown too much."""
        if worker.grown_bytes() < _KEPT_BYTES:
            with self._lock:
                if not self._is_closed:
                    self._idle.append(worker)
                    return
        worker.end()

    def close(self) -> None:
        """End all that are idle; others end with their statements."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()


class FencedAnswer:
    """An answer that a worker makes.

    Parameters
    ----------
    pool
        Of whose workers one is taken.
    sql, parameters
        The statement, and its parameters by name.
    sources, versions
        The tables that it may name, and which versions they are of.
    limits
        Of the request.
    give_back
        Called when the worker is free again, or gone.
    is_described
        Whether only the columns are wanted.
    """

    def __init__(
        self,
        pool: Pool,
        sql: str,
        parameters: Mapping[str, pa.Scalar],
        sources: Mapping[str, Source],
        versions: Mapping[str, int],
        limits: Limits,
        give_back: Callable[[], None],
        *,
        is_described: bool = False,
    ) -> None:
        self.versions = versions
        self._pool = pool
        self._sources = sources  # they hold the batches that are shared
        self._meter = Meter(limits)
        self._give_back = give_back
        self._closing = threading.Lock()
        self._reading = threading.Lock()
        self._worker: _Process | None = pool.take()
        self._is_done = False
        try:
            started_s = time.monotonic()
            self._worker.wait_until_ready(lambda: self._check_start(started_s))
            self._meter.begin()
            self._send(self._worker, sql, parameters, is_described=is_described)
            _, content = self._next()
            self.schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(content))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            while True:
                kind, content = self._next()
                if kind is Kind.END:
                    return
                batch = pa.ipc.read_record_batch(pa.py_buffer(content), self.schema)
                self._meter.count(batch)
                yield batch
        finally:
            self.close()

    def cancel(self) -> None:
        """Stop within a fraction of a second, whatever the statement is at."""
        self._meter.cancelled.set()

    def close(self) -> None:
        """End the worker if it is not done, or keep it for the next statement."""
        with self._closing:
            worker, self._worker = self._worker, None
        if worker is not None:
            if self._is_done:
                self._pool.give_back(worker)
            else:
                worker.kill()
                with self._reading:
                    worker.end()
                self._pool.replace_later()
            self._give_back()

    def _send(
        self, worker: _Process, sql: str, parameters: Mapping[str, pa.Scalar], *, is_described: bool
    ) -> None:
        shared = self._pool.shared
        tables: dict[str, SharedRows | Table] = {}
        new: list[int] = []
        for name, source in self._sources.items():
            if isinstance(source, OnDisk):
                tables[name] = source.table
                continue
            memory = source if isinstance(source, InMemory) else source.memory
            files = source.files if isinstance(source, Mixed) else None
            numbers = tuple(shared.number(batch) for batch in memory.batches)
            new += [number for number in numbers if number not in worker.held]
            tables[name] = SharedRows(bytes(memory.schema.serialize()), numbers, files)
        work = Work(
            sql,
            parameters_message(dict(parameters)),
            tables,
            tuple(new),
            is_described,
        )
        descriptors = [shared.descriptor(number) for number in new]
        try:
            send(worker.channel, Kind.REQUEST, pickle.dumps(work))
            send_descriptors(worker.channel, descriptors)
        except OSError as error:
            raise UnavailableError("a worker of the server's ended: ask again") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _next(self) -> tuple[Kind, bytes]:
        """The next frame of the statement.

        Raises
        ------
        ServingError
            If the statement fails, or has gone too far.
        """
        worker = self._worker
        if worker is None:
            raise answers.CancelledError("the request was cancelled")
        try:
            with self._reading:
                worker.wait(self._check)
                kind, content = receive(worker.channel)
        except (EOFError, OSError, ValueError) as error:
            self._meter.check()
            raise FailedError(
                "the statement broke the engine: it needed too much memory at once, or is too "
                f"deeply nested ({worker.died_of()})"
            ) from error
        if kind is Kind.ERROR:
            told = msgspec.json.decode(content)
            self._finish(worker, told["held"])
            raise _error(told)
        if kind is Kind.END:
            self._finish(worker, msgspec.json.decode(content))
        return kind, content

    def _finish(self, worker: _Process, held: list[int]) -> None:
        worker.held = frozenset(held)
        self._is_done = True

    def _check_start(self, started_s: float) -> None:
        if self._meter.cancelled.is_set() or time.monotonic() - started_s > _START_S:
            raise UnavailableError("a worker of the server's did not start: ask again")

    def _check(self) -> None:
        self._meter.check()
        worker, most_bytes = self._worker, self._meter.limits.memory_bytes
        if worker is not None and worker.grown_bytes() > most_bytes + _BESIDE_BYTES:
            raise LimitError("memory", f"it needs more than {most_bytes} bytes of memory")


def _error(told: Mapping[str, str]) -> ServingError:
    if "limit" in told:
        return LimitError(told["limit"], told["message"])
    kind: type[ServingError] = getattr(answers, told["kind"], FailedError)
    return kind(told["message"])
