"""A request that wishes for another protocol is one of HTTP/1.1, and so is what follows it."""

from __future__ import annotations

import httptools
import pytest

from neuralake.serving.http.plain_parser import PlainParser

WISH = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
PLAIN = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
REQUESTS = {
    "without a body": (b"GET /a?b=1 HTTP/1.1\r\nHost: x\r\n" + WISH + b"\r\n", b""),
    "with a length": (
        b"POST /a?b=1 HTTP/1.1\r\nContent-Length: 8\r\n" + WISH + b"\r\nSELECT 1",
        b"8",
    ),
    "in chunks": (
        b"POST /a?b=1 HTTP/1.1\r\n" + WISH + b"Transfer-Encoding: chunked\r\n\r\n"
        b"3\r\nSEL\r\n5\r\nECT 1\r\n0\r\n\r\n",
        b"chunked",
    ),
    "for a WebSocket": (
        b"GET /a?b=1 HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"",
    ),
}


class Recorder:
    """The requests that came: method, target, names of the fields, body."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes, list[bytes], bytes]] = []
        self.parser = PlainParser(self)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""
        self.names: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.names.append(name.lower())

    def on_headers_complete(self) -> None:
        assert self.parser.get_http_version() == "1.1"
        assert not self.parser.should_upgrade()
        self.method, self.stays = self.parser.get_method(), self.parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.requests.append((self.method, self.url, self.names, self.body))


@pytest.mark.parametrize("case", REQUESTS)
def test_its_body_and_the_next_request_are_parsed_however_they_come(case: str) -> None:
    first, framing = REQUESTS[case]
    content = first + first + PLAIN
    for cut in range(len(content)):
        found = Recorder()
        found.parser.feed_data(content[:cut])
        found.parser.feed_data(content[cut:])
        wish, again, last = found.requests
        assert wish == again
        assert wish[:2] == ((b"POST" if framing else b"GET"), b"/a?b=1")
        assert b"upgrade" in wish[2]  # as it was sent
        assert wish[3] == (b"SELECT 1" if framing else b"")
        assert last == (b"GET", b"/last", [b"host", b"connection"], b"")
        assert not found.stays


def test_what_is_no_http_is_still_refused() -> None:
    with pytest.raises(httptools.HttpParserError):
        Recorder().parser.feed_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    wish = REQUESTS["with a length"][0]
    with pytest.raises(httptools.HttpParserError):
        Recorder().parser.feed_data(wish + b"\x00\x01\x02\x03\x04\x05")
