"""A worker: answers one statement after another, and may be ended at any moment.

It keeps the tables of the last statements registered, so that what has not changed is not opened
anew. It ends with its server, whatever it is at.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import msgspec
import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.engines.datafusion import DataFusionSession
from neuralake.errors import NeuralakeError, ServingError
from neuralake.machine import cores
from neuralake.serving.answers import LimitError, UnavailableError
from neuralake.serving.fence.wire import (
    Kind,
    SharedRows,
    Work,
    mapped,
    parameters_of,
    receive,
    receive_descriptors,
    send,
)
from neuralake.serving.prepared import (
    InMemory,
    OnDisk,
    answer_batches,
    answer_schema,
    failure,
    make_context,
    plan,
)


class Worker:
    """The process's side of the channel.

    Parameters
    ----------
    channel
        To the server.
    memory_bytes
        Of the operators of one statement.
    """

    def __init__(self, channel: socket.socket, memory_bytes: int) -> None:
        self._channel = channel
        self._memory_bytes = memory_bytes
        self._context = make_context(cores(), memory_bytes)
        self._shared: dict[int, pa.RecordBatch] = {}
        self._registered: dict[str, tuple[SharedRows | Table, DataFusionSession | None]] = {}

    def run(self) -> None:
        """Answer until the server closes the channel."""
        waiting: SimpleQueue[Work] = SimpleQueue()
        threading.Thread(target=self._listen, args=(waiting,), daemon=True).start()
        send(self._channel, Kind.READY)
        while True:
            self._answer(waiting.get())

    def _listen(self, waiting: SimpleQueue[Work]) -> None:
        """Take statements; end the process when there is nobody to send any."""
        try:
            while True:
                _, content = receive(self._channel)
                work: Work = pickle.loads(content)  # noqa: S301 - of our own server
                if work.new:
                    descriptors = receive_descriptors(self._channel, len(work.new))
                    for number, descriptor in zip(work.new, descriptors, strict=True):
                        self._shared[number] = mapped(descriptor)
                waiting.put(work)
        except (EOFError, OSError):
            os._exit(0)

    def _answer(self, work: Work) -> None:
        try:
            for name, table in work.tables.items():
                self._register(name, table)
            self._forget_unused()
            frame = plan(self._context, work.sql, parameters_of(work.parameters))
            schema = answer_schema(frame)
            send(self._channel, Kind.SCHEMA, schema.serialize())
            if not work.is_described:
                for batch in answer_batches(frame, schema):
                    send(self._channel, Kind.ROWS, batch.serialize())
        except ServingError as error:
            self._tell(error)
        except Exception as error:  # noqa: BLE001 (of whatever the engine raises the server is told)
            self._tell(failure(error, self._memory_bytes))
        else:
            send(self._channel, Kind.END, msgspec.json.encode(sorted(self._shared)))

    def _register(self, name: str, table: SharedRows | Table) -> None:
        known = self._registered.get(name)
        if known is not None and known[0] == table:
            return
        self._deregister(name)
        if isinstance(table, SharedRows):
            batches = tuple(self._shared[number] for number in table.batches)
            schema = pa.ipc.read_schema(pa.py_buffer(table.schema))
            InMemory(schema, batches, 0, 0).register(self._context, name)
            self._registered[name] = table, None
            return
        try:
            session = OnDisk(table).register(self._context, name)
        except (NeuralakeError, OSError, ValueError) as error:
            raise UnavailableError(f"table {name} cannot be read just now") from error
        self._registered[name] = table, session

    def _deregister(self, name: str) -> None:
        _, session = self._registered.pop(name, (None, None))
        if session is not None:
            session.close()
        else:
            with suppress(Exception):
                self._context.deregister_table(name)

    def _forget_unused(self) -> None:
        used = {
            number
            for table, _ in self._registered.values()
            if isinstance(table, SharedRows)
            for number in table.batches
        }
        for number in list(self._shared):
            if number not in used:
                del self._shared[number]

    def _tell(self, error: ServingError) -> None:
        told: dict[str, Any] = {
            "kind": type(error).__name__,
            "message": str(error),
            "held": sorted(self._shared),
        }
        if isinstance(error, LimitError):
            told["limit"] = error.limit
        send(self._channel, Kind.ERROR, msgspec.json.encode(told))


def main() -> None:
    """Run a worker on a channel whose descriptor is the first argument."""
    descriptor, memory_bytes = map(int, sys.argv[1:3])
    Worker(socket.socket(fileno=descriptor), memory_bytes).run()


if __name__ == "__main__":
    main()
