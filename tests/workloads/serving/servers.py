"""Servers that behave as a test says, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# What a server does with its n-th request, from 0: bytes to send, or None to reset the connection
Behaviour = Callable[[int], "bytes | None"]


def answer(body: bytes, status: str = "200 OK", *, more: str = "") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class Server:
    """Answers each connection in a thread of its own."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.connections = 0
        self.most_at_once = 0
        self.requests = 0
        self._behaviour = behaviour
        self._at_once = 0
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.getsockname()
        return host, port

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open.append(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            while True:
                length = 0
                while (line := lines.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if not line:
                    return
                lines.read(length)
                with self._lock:
                    number = self.requests
                    self.requests += 1
                    self._at_once += 1
                    self.most_at_once = max(self.most_at_once, self._at_once)
                said = self._behaviour(number)
                with self._lock:
                    self._at_once -= 1
                if said is None:
                    # a reset, and not an orderly end
                    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                connection.sendall(said)
                if b"Connection: close" in said:
                    return


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Server]:
    """A server for the block."""
    server = Server(behaviour)
    try:
        yield server
    finally:
        server.close()
