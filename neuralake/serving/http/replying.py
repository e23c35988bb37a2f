"""An answer on its way to a client: in pieces, and stopped as soon as nobody listens.

The first pieces are made before the status is sent, so that whatever fails until then is told; an
answer that fails later is cut off, which every client of HTTP notices.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from neuralake.serving.answers import Answer, CancelledError
from neuralake.serving.backend import Backend
from neuralake.serving.formats import arrow_stream, csv_text, json_text
from neuralake.serving.http.reading import Asked

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
T = TypeVar("T")

_FORMATS = {"json": json_text, "csv": csv_text, "arrow": arrow_stream}
_AT_ONCE_BYTES = 256 << 10
# Before which it is not worth to ask whether the client is still there
_BRIEF_S = 0.05


class ClientGoneError(Exception):
    """Nobody is there to be answered."""


@dataclass
class Sent:
    """What was sent of an answer."""

    status: int = 0
    bytes: int = 0


class Reply:
    """One request that is being answered.

    Parameters
    ----------
    service, asked
        Who answers what.
    executor
        Where it is run, away from the loop.
    """

    def __init__(self, service: Backend, asked: Asked, executor: Executor) -> None:
        self._service = service
        self._asked = asked
        self._executor = executor
        self._answer: Answer | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._is_gone = False

    async def send(
        self,
        receive: Receive,
        send: Send,
        sent: Sent,
        headers: Callable[[Mapping[str, int], int], list[tuple[bytes, bytes]]],
    ) -> None:
        """Answer.

        Parameters
        ----------
        receive, send
            Of ASGI.
        sent
            Is told what was sent.
        headers
            Of an answer made of some versions with a number of rows so far.

        Raises
        ------
        ClientGoneError
            If the client has gone.
        ServingError
            If there is no answer; nothing was sent if ``sent.status`` is 0.
        """
        module = _FORMATS[self._asked.format]
        try:
            body, is_whole = await self._run(self._begin, receive)
            assert self._answer is not None  # noqa: S101 - it was just made
            found = headers(self._answer.versions, 0)
            found.append((b"content-type", module.MEDIA_TYPE.encode()))
            if is_whole:
                found.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": 200, "headers": found})
            sent.status = 200
            while True:
                sent.bytes += len(body)
                async with asyncio.timeout(self._asked.limits.time_s):
                    await send(
                        {"type": "http.response.body", "body": body, "more_body": not is_whole}
                    )
                if is_whole:
                    return
                body, is_whole = await self._run(self._go_on, receive)
        except TimeoutError:
            raise ClientGoneError from None
        finally:
            self._stop()

    def _begin(self) -> tuple[bytes, bool]:
        asked = self._asked
        self._answer = answer = self._service.query(
            asked.sql, asked.parameters, as_of=asked.as_of, limits=asked.limits
        )
        if self._is_gone:
            answer.close()
            raise CancelledError("the client has gone")
        self._pieces = _FORMATS[asked.format].encode(answer.schema, answer)
        return self._go_on()

    def _go_on(self) -> tuple[bytes, bool]:
        """The next pieces, and whether they are the last."""
        found, size = [], 0
        for piece in self._pieces:
            found.append(piece)
            size += len(piece)
            if size >= _AT_ONCE_BYTES:
                return b"".join(found), False
        return b"".join(found), True

    async def _run(self, work: Callable[[], T], receive: Receive) -> T:
        """Do some work in a thread; stop it if the client goes meanwhile."""
        running = asyncio.get_running_loop().run_in_executor(self._executor, work)
        done, _ = await asyncio.wait((running,), timeout=_BRIEF_S)
        if not done:
            await self._wait(running, receive)
        return running.result()

    async def _wait(self, running: asyncio.Future[Any], receive: Receive) -> None:
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((running, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                self._stop()
                await asyncio.wait((running,))
                running.exception()  # of nobody's interest now
                raise ClientGoneError
        except asyncio.CancelledError:
            self._stop()
            raise
        finally:
            leaving.cancel()

    def _stop(self) -> None:
        self._is_gone = True
        if self._answer is not None:
            self._answer.cancel()
            self._answer.close()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
