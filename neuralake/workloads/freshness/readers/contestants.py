"""Readers that are contestants of the workload serving, asked one question at a time a thread."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from typing import Any, cast

import pyarrow as pa

from neuralake.workloads.serving.contestants.messages import table_of_stream
from neuralake.workloads.serving.contestants.protocol import ByCalls, OverHttp, Site
from neuralake.workloads.serving.contestants.registry import contestant_type

IN_PROCESS = "in-process"
SERVED = ("http", "http-arrow", "flight-sql")
_TIMEOUT_S = 60.0


class ContestantReader:
    """A contestant, whose server runs already if it has one.

    Parameters
    ----------
    name
        Of the contestant.
    site
        Where it serves.
    """

    def __init__(self, name: str, site: Site) -> None:
        self._contestant = contestant_type(name)(site)
        self._own = threading.local()
        self.settings: Mapping[str, Any] = self._contestant.settings

    def versions(self) -> dict[str, str]:
        """Of every package that matters."""
        return self._contestant.versions()

    def ask(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The answer, over the thread's own connection, which is kept."""
        if isinstance(self._contestant, OverHttp):
            return self._contestant.read(self._over_http(self._contestant, sql), schema)
        call = getattr(self._own, "call", None)
        if call is None:
            contestant = cast("ByCalls", self._contestant)
            call = self._own.call = contestant.connect()
        return table_of_stream(call(sql))

    def close(self) -> None:
        """Let go of what all connections share."""
        if isinstance(self._contestant, ByCalls):
            self._contestant.close()

    def _over_http(self, contestant: OverHttp, sql: str) -> bytes:
        """The body of an answer; a connection that was closed meanwhile is opened anew, once."""
        message = contestant.message(sql)
        kept: socket.socket | None = getattr(self._own, "socket", None)
        if kept is not None:
            try:
                return self._exchange(kept, message)
            except (http.client.RemoteDisconnected, ConnectionError):
                kept.close()
        fresh = socket.create_connection(contestant.address, _TIMEOUT_S)
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._exchange(fresh, message)

    def _exchange(self, connection: socket.socket, message: bytes) -> bytes:
        self._own.socket = None
        connection.sendall(message)
        response = http.client.HTTPResponse(connection, method="POST")
        try:
            response.begin()
            body = response.read()
        except http.client.RemoteDisconnected:
            raise
        except http.client.HTTPException as error:
            raise OSError(f"the answer is no HTTP/1.1: {error!r}") from error
        if response.status != http.client.OK:
            said = body[:300].decode(errors="replace")
            raise OSError(f"the server answers {response.status}: {said}")
        self._own.socket = connection
        return body


def missing_of(name: str) -> str | None:
    """Why a contestant cannot run here, or None."""
    return contestant_type(name).unavailable()
