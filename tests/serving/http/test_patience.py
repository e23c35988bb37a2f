"""A client that does not come to the end of a request's head does not keep its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from neuralake.serving.http.patience import PatientProtocol

Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
FOREVER_S = 300


class Brief(PatientProtocol):
    head_s = 0.2


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads the whole body, takes its time where it is asked to, and answers."""
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(3 * Brief.head_s)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def run(client: Client) -> None:
    """A client's talk with a server."""

    async def talk() -> None:
        config = uvicorn.Config(
            app, port=0, http=Brief, lifespan="off", log_config=None, timeout_keep_alive=FOREVER_S
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait_for(client(reader, writer), FOREVER_S)
        finally:
            writer.close()
            server.should_exit = server.force_exit = True
            await server.shutdown()

    asyncio.run(talk())


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The status of a whole answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"chunked" in head
    await reader.readuntil(b"0\r\n\r\n")
    return head.split(b" ")[1]


async def drip(writer: asyncio.StreamWriter, what: bytes) -> None:
    """Send a byte now and then, for as long as anybody listens."""
    while not writer.is_closing():
        writer.write(what)
        await asyncio.sleep(0.02)


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, what: bytes) -> None:
    """Be cut off, with a word, however the client goes on."""
    dripping = asyncio.ensure_future(drip(writer, what))
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    dripping.cancel()


@pytest.mark.parametrize(
    ("begin", "then"), [(b"", b""), (b"", b"\r\n"), (b"GET / HT", b""), (REQUEST[:-2], b"a: b\r\n")]
)
def test_a_head_that_does_not_end(begin: bytes, then: bytes) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await cut(reader, writer, then)

    run(client)


@pytest.mark.parametrize("then", [b"\r\n", b"G"])
def test_that_of_a_second_request(then: bytes) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REQUEST)
        assert await answer(reader) == b"200"
        writer.write(REQUEST[:5] if then == b"G" else then)
        await cut(reader, writer, b"" if then == b"G" else then)

    run(client)


def test_a_kept_connection_a_slow_body_and_a_slow_answer_have_their_own_times() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REQUEST)
        assert await answer(reader) == b"200"
        await asyncio.sleep(3 * Brief.head_s)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(Brief.head_s / 2)
            writer.write(b"x")
        assert await answer(reader) == b"200"
        # the next request's head begins while the one before is answered
        writer.write(REQUEST.replace(b"GET /", b"GET /slow") + REQUEST[:7])
        assert await answer(reader) == b"200"
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")

    run(client)
