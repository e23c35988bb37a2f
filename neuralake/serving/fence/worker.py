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
from queue import SimpleQueue
from typing import Any

import msgspec
import pyarrow as pa

from neuralake.catalog.tables import DeltaTable, Table
from neuralake.engines.datafusion import DataFusionSession
from neuralake.errors import NeuralakeError, ServingError
from neuralake.machine import cores
from neuralake.serving.answers import LimitError
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
    FilesPart,
    InMemory,
    OnDisk,
    answer_batches,
    answer_schema,
    failure,
    make_context,
    plan,
    register_mixed,
)
from neuralake.serving.versions import unreadable


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
        self._registered: dict[str, SharedRows | Table] = {}
        self._sessions: dict[str, DataFusionSession] = {}
        self._parts: dict[str, FilesPart] = {}
        self._are_plain: dict[str, bool] = {}

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
        if isinstance(table, SharedRows | DeltaTable) and self._registered.get(name) == table:
            return  # others may have changed, and do not say so
        self._deregister(name)
        try:
            if not isinstance(table, SharedRows):
                self._sessions[name] = OnDisk(table).register(self._context, name)
            else:
                self._register_rows(name, table)
        except (NeuralakeError, OSError, ValueError, pa.ArrowException) as error:
            raise unreadable(name, error) from error
        self._registered[name] = table

    def _register_rows(self, name: str, table: SharedRows) -> None:
        batches = tuple(self._shared[number] for number in table.batches)
        memory = InMemory(pa.ipc.read_schema(pa.py_buffer(table.schema)), batches, 0, 0)
        part = self._parts.get(name)
        if part is not None and part.files != table.files:
            part.close()
            part = None
            del self._parts[name]
        if table.files is None:
            memory.register(self._context, name)
            return
        if part is None:
            part = self._parts[name] = FilesPart(self._context, table.files, self._are_plain)
        register_mixed(self._context, name, memory, part)

    def _deregister(self, name: str) -> None:
        if self._registered.pop(name, None) is None:
            return
        session = self._sessions.pop(name, None)
        if session is not None:
            session.close()
        else:
            self._context.deregister_table(name)

    def _forget_unused(self) -> None:
        used = {
            number
            for table in self._registered.values()
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
