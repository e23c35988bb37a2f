"""Connections to ROAPI: kept from question to question, and worn ones replaced in silence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from neuralake.serving.answers import FailedError
from neuralake.serving.roapi.client import RoapiClient
from neuralake.serving.roapi.process import RoapiProcess

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Process:
    """What a client sees of one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.restarts = 0

    def restart(self, port: int) -> None:
        assert port == self.port
        self.restarts += 1


@contextmanager
def server(*connections: int) -> Iterator[Process]:
    """Answers so many questions on each connection, and closes it at the next one."""

    def serve() -> None:
        for answers in connections:
            connection, _ = listening.accept()
            with connection:
                for number in range(answers + 1):
                    received = b""
                    while not received.endswith(b"SELECT 1"):
                        received += connection.recv(65536)
                    if number < answers:
                        connection.sendall(ANSWER)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Process(listening.getsockname()[1])
        thread.join(300)
        assert not thread.is_alive()


def ask(client: RoapiClient) -> bytes:
    exchange = client.ask("SELECT 1", 60)
    exchange.begin()
    found = b"".join(iter(lambda: exchange.read(10), b""))
    exchange.finish()
    return found


def test_a_kept_connection_that_is_closed_at_a_question_is_replaced() -> None:
    with server(2, 1, 0) as process:
        client = RoapiClient(cast("RoapiProcess", process))
        assert [ask(client) for _ in range(3)] == [b"ok"] * 3
        with pytest.raises(FailedError, match="without an answer"):  # the second and the third
            ask(client)
        assert process.restarts == 0
        client.close()


def test_a_new_connection_that_is_closed_is_no_worn_one() -> None:
    with server(0) as process:
        client = RoapiClient(cast("RoapiProcess", process))
        with pytest.raises(FailedError, match="without an answer"):
            ask(client)
        client.close()
