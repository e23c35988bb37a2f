"""How ROAPI is asked: over HTTP, for Arrow, which alone loses nothing of what it says."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from typing import Self

from neuralake.errors import reason_of
from neuralake.serving.answers import (
    CancelledError,
    FailedError,
    LimitError,
    RefusedError,
    UnavailableError,
)
from neuralake.serving.roapi.process import RoapiProcess

_ARROW = {"Accept": "application/vnd.apache.arrow.stream", "Content-Type": "text/plain"}
_MOST_IDLE = 32
_UNDER_WAY = "ROAPI is being started again: ask again later"


class RoapiClient:
    """Connections to a process, kept for the next question.

    Parameters
    ----------
    process
        Whose.
    """

    def __init__(self, process: RoapiProcess) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._idle: deque[tuple[int, http.client.HTTPConnection]] = deque()

    def ask(self, sql: str, time_s: float) -> Exchange:
        """Send a question; what comes back is read from the exchange.

        Raises
        ------
        UnavailableError
            If ROAPI is down.
        """
        port = self._process.port
        if port is None:
            raise UnavailableError(_UNDER_WAY)
        return Exchange.asked(self, self._kept(port), port, sql.encode(), time_s)

    def keep(self, port: int, connection: http.client.HTTPConnection) -> None:
        """Take back a connection on which everything was read."""
        with self._lock:
            if port == self._process.port and len(self._idle) < _MOST_IDLE:
                self._idle.append((port, connection))
                return
        connection.close()

    def end_process(self, port: int) -> None:
        """End what answers no more; ROAPI cannot be told to leave off one question alone."""
        self._process.restart(port)

    def is_up(self, port: int) -> bool:
        """Whether the process that a connection leads to is not known to have ended."""
        return self._process.port == port

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            while self._idle:
                self._idle.pop()[1].close()

    def _kept(self, port: int) -> http.client.HTTPConnection | None:
        with self._lock:
            while self._idle:
                found, connection = self._idle.pop()
                if found == port:
                    return connection
                connection.close()
        return None


@dataclass
class Exchange:
    """One question that ROAPI was asked.

    Attributes
    ----------
    client, connection, port
        Which process, and by which connection.
    body
        The question.
    deadline_s
        By the monotonic clock.
    time_s
        How long it had.
    is_kept
        Whether the connection had served a question before.
    """

    client: RoapiClient
    connection: http.client.HTTPConnection
    port: int
    body: bytes
    deadline_s: float
    time_s: float
    is_kept: bool = False
    response: http.client.HTTPResponse | None = None

    @classmethod
    def asked(
        cls,
        client: RoapiClient,
        kept: http.client.HTTPConnection | None,
        port: int,
        body: bytes,
        time_s: float,
    ) -> Self:
        """Send a question, over a connection that was kept if that still takes it.

        Raises
        ------
        UnavailableError
            If ROAPI is down.
        """
        exchange = cls(
            client, kept or _connection(port), port, body, time.monotonic() + time_s, time_s
        )
        if kept is not None:
            with suppress(OSError, http.client.HTTPException):
                exchange.is_kept = True
                exchange._send()
                return exchange
        exchange._send_anew()
        return exchange

    def _send(self) -> None:
        self._set_timeout()
        self.connection.request("POST", "/api/sql", self.body, _ARROW)

    def _send_anew(self) -> None:
        self.connection.close()
        self.connection, self.is_kept = _connection(self.port), False
        try:
            self._send()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise UnavailableError(_UNDER_WAY) from error

    def begin(self) -> None:
        """Wait until ROAPI has the whole answer, and begins to send it.

        Raises
        ------
        RefusedError, FailedError
            In ROAPI's own words.
        LimitError
            If it took too long; its process is ended then, and started again.
        UnavailableError
            If it died.
        """
        self._set_timeout()
        try:
            response = self._response()
        except TimeoutError as error:
            self._end()
            raise self._too_late() from error
        except (OSError, http.client.HTTPException) as error:
            raise self._lost() from error
        if response.status != http.client.OK:
            raise self._refused(response)
        self.response = response

    def _response(self) -> http.client.HTTPResponse:
        """What comes back; a connection that was closed unused meanwhile is not what is asked of.

        Source: RFC 9112, "Retrying Requests": a question is asked again safely.
        """
        try:
            return self.connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):
            if not self.is_kept:
                raise
        self._send_anew()
        self._set_timeout()
        return self.connection.getresponse()

    def read(self, size: int) -> bytes:
        """Up to so many bytes of the answer; none at its end."""
        if self.response is None:
            return b""
        self._set_timeout()
        try:
            return self.response.read(size)
        except TimeoutError as error:
            raise self._too_late() from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._lost() from error

    def finish(self) -> None:
        """Let the connection be used again if everything was read, and close it otherwise."""
        response = self.response
        if response is not None and response.isclosed():
            self.client.keep(self.port, self.connection)
        else:
            self.connection.close()

    def abandon(self) -> None:
        """Wait for the answer that nobody wants any more, at most as long as it had.

        ROAPI runs a question to its end whether its connection is closed or not; one that is not
        through by then is ended with its process.
        """
        if self.response is None:
            with suppress(RefusedError, FailedError, LimitError, UnavailableError, CancelledError):
                self.begin()
        self.connection.close()

    def _set_timeout(self) -> None:
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            if self.response is None:
                self._end()
            raise self._too_late()
        self.connection.timeout = left_s  # of one that is not open yet
        if self.connection.sock is not None:
            self.connection.sock.settimeout(left_s)

    def _end(self) -> None:
        self.connection.close()
        self.client.end_process(self.port)

    def _too_late(self) -> LimitError:
        return LimitError("time", f"it took more than {self.time_s:g} s")

    def _lost(self) -> FailedError | UnavailableError:
        self.connection.close()
        if self.client.is_up(self.port):
            return FailedError(
                "ROAPI ended the connection without an answer: it failed inside at this query, "
                "or was ended just now"
            )
        return UnavailableError("ROAPI ended while it answered, and is started again")

    def _refused(self, response: http.client.HTTPResponse) -> FailedError | RefusedError:
        try:
            found = json.loads(response.read())
            kind, message = str(found["error"]), str(found["message"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            kind, message = "", f"status {response.status} ({reason_of(error)})"
        self.finish()
        reason = reason_of(ValueError(message))
        return RefusedError(reason) if kind == "plan_sql" else FailedError(reason)


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port)


class ExchangeFile(RawIOBase):
    """The bytes of an answer as a file, for Arrow's reader."""

    def __init__(self, exchange: Exchange, begun: bytes) -> None:
        super().__init__()
        self._exchange = exchange
        self._begun = begun

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end alone."""
        parts = []
        while size > 0:
            part, self._begun = self._begun[:size], self._begun[size:]
            part = part or self._exchange.read(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
