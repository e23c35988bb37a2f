"""HTTP of clients that do not keep a connection with half a request: its head has a time-out.

uvicorn has one for a connection on which nothing comes; a byte now and then keeps that open for
ever. Bodies and answers have time-outs of their own.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from neuralake.serving.http.plain_parser import PlainParser

HEAD_S = 15.0
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol; a head that is not whole in time is answered by 408.

    Attributes
    ----------
    head_s
        From the connection, or the first byte of a later request, to the end of the head.
    """

    head_s = HEAD_S
    _timer: asyncio.TimerHandle | None = None
    _is_in_head = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser = PlainParser(self)  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing."""
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes; if it leaves a head, or nothing, to wait for, that has its time."""
        super().data_received(data)
        is_idle = self._is_answered and self.timeout_keep_alive_task is None
        if self._timer is None and (self._is_in_head or is_idle):
            self._begin_to_wait()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that it is whole."""
        self._is_in_head = False
        self._end_wait()
        super().on_headers_complete()

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _begin_to_wait(self) -> None:
        self._timer = self.loop.call_later(self.head_s, self._give_up)

    def _end_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._is_answered:
            self.transport.write(_TOO_SLOW)
            self.transport.close()
        else:  # the answer to the request before comes first
            self._begin_to_wait()
