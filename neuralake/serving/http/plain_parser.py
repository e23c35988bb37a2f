"""HTTP/1.1 as it is parsed where no other protocol is spoken: a wish for one is passed over.

A client may ask for HTTP/2 in a request of HTTP/1.1 (``Upgrade: h2c``: curl's ``--http2``, Java's
``HttpClient``), and is answered in HTTP/1.1 by a server that does not speak it (RFC 9110, 7.8).
httptools ends such a request with its head, takes its body for the other protocol, and uvicorn
drops it.
"""

from __future__ import annotations

from typing import Protocol

import httptools

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Callbacks(Protocol):
    """What is told of each request; as uvicorn's protocol has it."""

    def on_message_begin(self) -> None:
        """A request begins."""

    def on_url(self, url: bytes) -> None:
        """A part of its target."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of its head."""

    def on_headers_complete(self) -> None:
        """Its head is whole."""

    def on_body(self, body: bytes) -> None:
        """A part of its body."""

    def on_message_complete(self) -> None:
        """It is whole."""


class PlainParser:
    """httptools' parser, for which every request is one of HTTP/1.1.

    The head of a request that wishes for another protocol is parsed again without that wish, so
    that its body follows, and the next request.

    Parameters
    ----------
    callbacks
        Told of each request.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self.on_body = callbacks.on_body
        self._framing: list[bytes] = []
        self._is_again = False
        self._parser = self._new()

    def feed_data(self, data: bytes) -> None:
        """Parse what has come.

        Raises
        ------
        httptools.HttpParserError
            If it is no HTTP/1.1.
        """
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as wish:
                data = data[wish.args[0] :]
            else:
                return
            head = [self._parser.get_method() + b" / HTTP/1.1", *self._framing, b"", b""]
            self._parser = self._new()
            self._is_again = True
            self._parser.feed_data(b"\r\n".join(head))
            self._is_again = False

    def get_http_version(self) -> str:
        """Of the request whose head has come."""
        return str(self._parser.get_http_version())

    def get_method(self) -> bytes:
        """Of the request whose head has come."""
        return bytes(self._parser.get_method())

    def should_keep_alive(self) -> bool:
        """Whether another request may follow."""
        return bool(self._parser.should_keep_alive())

    def should_upgrade(self) -> bool:
        """Whether another protocol follows: never."""
        return False

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._is_again:
            self._framing = []
            self._callbacks.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        if not self._is_again:
            self._callbacks.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of its head."""
        if self._is_again:
            return
        if name.lower() in _FRAMING:
            self._framing.append(name + b": " + value)
        self._callbacks.on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        if not self._is_again:
            self._callbacks.on_headers_complete()

    def on_message_complete(self) -> None:
        """It is whole, unless what follows its head was not looked at."""
        if not self._parser.should_upgrade():
            self._callbacks.on_message_complete()

    def _new(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # uvicorn's setting: what follows the last request of a connection is no fault
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser
