"""What passes between a server and its workers: frames of a kind and a content, on a socket.

Rows in memory are shared: each batch lies in a file without a name (memfd_create(2)), which a
worker maps and keeps for as long as it is asked of.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass, field
from enum import IntEnum

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.delta.rows import PlainFiles

_HEAD = struct.Struct("<BQ")
_FDS_AT_ONCE = 200


class Kind(IntEnum):
    """Of a frame."""

    REQUEST = 1
    SCHEMA = 2
    ROWS = 3
    ERROR = 4
    END = 5
    DESCRIPTORS = 6
    READY = 7


@dataclass(frozen=True)
class SharedRows:
    """A table in memory, by the numbers of its batches.

    Attributes
    ----------
    schema
        Of the rows, as an IPC message.
    batches
        Numbers, by which the worker has been or is being given them.
    files
        Files with the table's other rows, if there are any.
    """

    schema: bytes
    batches: tuple[int, ...]
    files: PlainFiles | None = None


@dataclass(frozen=True)
class Work:
    """A statement for a worker.

    Attributes
    ----------
    sql
        The statement.
    parameters
        One row of an IPC stream, its columns named as the parameters are.
    tables
        By name: rows in memory, or a table to be read from its files.
    new
        Numbers of the batches whose descriptors follow.
    is_described
        Whether only the columns are wanted.
    """

    sql: str
    parameters: bytes
    tables: dict[str, SharedRows | Table] = field(default_factory=dict)
    new: tuple[int, ...] = ()
    is_described: bool = False


def send(channel: socket.socket, kind: Kind, content: bytes | pa.Buffer = b"") -> None:
    """Send a frame."""
    size = content.size if isinstance(content, pa.Buffer) else len(content)
    channel.sendall(_HEAD.pack(kind, size))
    if size:
        channel.sendall(content)


def receive(channel: socket.socket) -> tuple[Kind, bytes]:
    """Wait for a frame.

    Raises
    ------
    EOFError
        If the other side has gone.
    """
    kind, size = _HEAD.unpack(_exactly(channel, _HEAD.size))
    return Kind(kind), _exactly(channel, size)


def send_descriptors(channel: socket.socket, descriptors: list[int]) -> None:
    """Send open files."""
    for start in range(0, len(descriptors), _FDS_AT_ONCE):
        part = descriptors[start : start + _FDS_AT_ONCE]
        socket.send_fds(channel, [b"f"], part)


def receive_descriptors(channel: socket.socket, count: int) -> list[int]:
    """Wait for as many open files.

    Raises
    ------
    EOFError
        If the other side has gone.
    """
    found: list[int] = []
    while len(found) < count:
        data, part, _, _ = socket.recv_fds(channel, 1, _FDS_AT_ONCE)
        if not data:
            raise EOFError
        found += part
    return found


def share(batch: pa.RecordBatch) -> int:
    """A batch as a file without a name; the caller closes it."""
    descriptor = os.memfd_create("neuralake-rows", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    return descriptor


def mapped(descriptor: int) -> pa.RecordBatch:
    """The batch of such a file, which is closed; its memory is the file's."""
    try:
        with pa.memory_map(f"/proc/self/fd/{descriptor}") as file:
            return pa.ipc.open_file(file).get_batch(0)
    finally:
        os.close(descriptor)


def parameters_message(parameters: dict[str, pa.Scalar]) -> bytes:
    """Parameters as one row of an IPC stream."""
    columns = [pa.array([value.as_py()], value.type) if not value.is_valid else _array(value)
               for value in parameters.values()]  # fmt: skip
    batch = pa.RecordBatch.from_arrays(columns, names=list(parameters))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        if columns:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def parameters_of(message: bytes) -> dict[str, pa.Scalar]:
    """The parameters of such a message."""
    table = pa.ipc.open_stream(message).read_all()
    return {name: table.column(name)[0] for name in table.column_names}


def _array(value: pa.Scalar) -> pa.Array:
    return pa.repeat(value, 1)


def _exactly(channel: socket.socket, size: int) -> bytes:
    parts = bytearray(size)
    view = memoryview(parts)
    got = 0
    while got < size:
        count = channel.recv_into(view[got:])
        if not count:
            raise EOFError
        got += count
    return bytes(parts)
