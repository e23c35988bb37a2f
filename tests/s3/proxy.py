"""A proxy between a client and an S3 server that does what networks and services do.

It forwards requests as they are (their signature stays good), tells which there were, and strikes
those that a test names::

    with Proxy(server.endpoint_url) as proxy:
        proxy.strike(Fault.LOST_ANSWER, method="PUT", path="_delta_log/")
        …                                     # by way of proxy.endpoint_url
        assert proxy.struck == 1
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

_LIMIT_BYTES = 2**20
_READ_BYTES = 2**16


class Fault(Enum):
    """What befalls a request.

    Attributes
    ----------
    ERROR
        The proxy answers 500; the server never sees the request.
    UNAVAILABLE
        The same with 503 (``SlowDown``).
    CUT
        The connection ends before the server has seen the request.
    LOST_ANSWER
        The server carries the request out, and the connection ends without an answer.
    HALF_ANSWER
        The connection ends in the middle of the answer's body.
    ERROR_AFTER
        The server carries the request out, and the proxy answers 500.
    SLOW
        The answer comes after :attr:`Strike.delay_s`.
    """

    ERROR = auto()
    UNAVAILABLE = auto()
    CUT = auto()
    LOST_ANSWER = auto()
    HALF_ANSWER = auto()
    ERROR_AFTER = auto()
    SLOW = auto()


@dataclass(frozen=True)
class Request:
    """A request as the proxy saw it; the path is decoded and begins with the bucket."""

    method: str
    path: str
    query: str
    body_bytes: int


@dataclass
class Strike:
    """A fault, whom it befalls, and how often yet."""

    fault: Fault
    method: str | None
    path: str
    times: int
    delay_s: float
    when: Callable[[Request], bool] | None

    def befalls(self, request: Request) -> bool:
        return (
            self.times > 0
            and self.method in (None, request.method)
            and self.path in request.path
            and (self.when is None or self.when(request))
        )


class Proxy:
    """A proxy of one server, on a free port of this machine, for the block.

    Parameters
    ----------
    upstream
        Where the server listens, ``http://host:port``.
    tls
        Certificate and key, if clients are to reach it by HTTPS.
    clock_ahead_s
        By how much the clock in the answers is ahead.

    Attributes
    ----------
    endpoint_url
        Where the proxy listens.
    requests
        What came so far.
    struck
        Number of requests that a fault befell.
    answered_bytes
        Bytes of the bodies of all answers of the server.
    """

    def __init__(
        self,
        upstream: str,
        *,
        tls: tuple[Path, Path] | None = None,
        clock_ahead_s: float = 0.0,
    ) -> None:
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self.clock_ahead_s = clock_ahead_s
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._strikes: list[Strike] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="s3-proxy", daemon=True)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[Request] = []
        self.struck = 0
        self.answered_bytes = 0
        self.endpoint_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def strike(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str = "",
        times: int = 1,
        delay_s: float = 0.0,
        when: Callable[[Request], bool] | None = None,
    ) -> None:
        """Let a fault befall the next requests of which all that is given holds.

        Parameters
        ----------
        fault
            What befalls them.
        method, path
            Of the request; the path, if it holds this text.
        times
            How many requests; the first fault that fits strikes.
        delay_s
            Of a slow answer.
        when
            Any other condition.
        """
        self._strikes.append(Strike(fault, method, path, times, delay_s, when))

    def heal(self) -> None:
        """Let nothing befall requests any more."""
        self._strikes.clear()

    def _run(self) -> None:
        self._stop = asyncio.Event()
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=_LIMIT_BYTES, ssl=self._tls
        )
        port = server.sockets[0].getsockname()[1]
        scheme = "http" if self._tls is None else "https"
        self.endpoint_url = f"{scheme}://127.0.0.1:{port}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _Connection(self, reader, writer, *self._upstream).serve()
        finally:
            writer.transport.abort()

    def _choose(self, request: Request) -> Strike | None:
        self.requests.append(request)
        for strike in self._strikes:
            if strike.befalls(request):
                strike.times -= 1
                self.struck += 1
                return strike
        return None


@dataclass
class _Message:
    """The head of a request or an answer, and its body."""

    first: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    def put_clock_ahead(self, seconds: float) -> None:
        if seconds and (date := self.header("date")):
            moved = parsedate_to_datetime(date) + timedelta(seconds=seconds)
            others = [pair for pair in self.headers if pair[0].lower() != "date"]
            self.headers = [*others, ("Date", format_datetime(moved, usegmt=True))]

    def encode(self, body: bytes) -> bytes:
        lines = [self.first, *(f"{key}: {value}" for key, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


@dataclass
class _Connection:
    proxy: Proxy
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str
    port: int
    _open: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self) -> None:
        upstream_reader, upstream = await asyncio.open_connection(
            self.host, self.port, limit=_LIMIT_BYTES
        )
        try:
            while await self._exchange(upstream_reader, upstream):
                pass
        finally:
            upstream.transport.abort()

    async def _exchange(
        self, upstream_reader: asyncio.StreamReader, upstream: asyncio.StreamWriter
    ) -> bool:
        """One request and its answer; whether another may follow on the connection."""
        head = await _read_head(self.reader)
        if head.header("expect"):
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            head.headers = [pair for pair in head.headers if pair[0].lower() != "expect"]
        head.body = await _read_body(self.reader, head, is_request=True)
        method, target, _ = head.first.split(" ")
        parts = urlsplit(target)
        request = Request(method, unquote(parts.path).lstrip("/"), parts.query, len(head.body))
        strike = self.proxy._choose(request)
        fault = None if strike is None else strike.fault
        if fault is Fault.CUT:
            return False
        if fault in (Fault.ERROR, Fault.UNAVAILABLE):
            return await self._answer_error(fault)
        upstream.write(head.encode(head.body))
        await upstream.drain()
        answer = await _read_head(upstream_reader)
        answer.put_clock_ahead(self.proxy.clock_ahead_s)
        has_body = method != "HEAD" and answer.first.split(" ")[1] not in ("204", "304")
        if has_body:
            answer.body = await _read_body(upstream_reader, answer, is_request=False)
        self.proxy.answered_bytes += len(answer.body)
        if fault is Fault.LOST_ANSWER:
            return False
        if fault is Fault.ERROR_AFTER:
            return await self._answer_error(Fault.ERROR)
        if strike is not None and fault is Fault.SLOW:
            await asyncio.sleep(strike.delay_s)
        whole = answer.encode(answer.body)
        if fault is Fault.HALF_ANSWER:
            self.writer.write(whole[: len(whole) - (len(answer.body) + 1) // 2])
            await self.writer.drain()
            return False
        self.writer.write(whole)
        await self.writer.drain()
        return (answer.header("connection") or "").lower() != "close"

    async def _answer_error(self, fault: Fault) -> bool:
        status = "500 Internal Server Error" if fault is Fault.ERROR else "503 Slow Down"
        code = "InternalError" if fault is Fault.ERROR else "SlowDown"
        body = f"<Error><Code>{code}</Code><Message>by the proxy</Message></Error>".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        return False


async def _read_head(reader: asyncio.StreamReader) -> _Message:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.rstrip("\r\n").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return _Message(first, [(key, value.strip()) for key, _, value in pairs])


async def _read_body(reader: asyncio.StreamReader, head: _Message, *, is_request: bool) -> bytes:
    """The body as it is on the wire, chunk sizes included, so that it can be sent on."""
    if (head.header("transfer-encoding") or "").lower() == "chunked":
        return await _read_chunks(reader)
    if (length := head.header("content-length")) is not None:
        return await reader.readexactly(int(length))
    if is_request:
        return b""
    return await reader.read(-1)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while True:
        size = await reader.readuntil(b"\r\n")
        parts.append(size)
        length = int(size.split(b";")[0], 16)
        if length == 0:
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                parts.append(line)
            parts.append(line)
            return b"".join(parts)
        parts.append(await reader.readexactly(length + 2))
