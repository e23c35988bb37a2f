"""The driver over HTTP/1.1: one thread, connections that are kept, and no waiting for answers.

It sends what is due, whatever became of what was sent before. A connection carries one request at a
time; where all are busy a request waits here, and that is in its latency. The loop is epoll(7) by
hand, since an event loop's timers have steps of a millisecond, which is longer than many an answer
takes: select(2) on the epoll descriptor waits with those of the kernel. Answers are parsed by
llhttp, as Node.js does (package ``httptools``).
"""

from __future__ import annotations

import errno
import gc
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from neuralake.workloads.serving.outcomes import Outcomes
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.requests import Request

_S = 1_000_000_000
_MOST_READ = 1 << 18
_LONGEST_WAIT_S = 1.0


class HttpDriver:
    """Asks one server.

    Parameters
    ----------
    address
        Host and port.
    message
        A request as bytes, head and body.
    connections
        Most that are open at once.
    """

    def __init__(
        self, address: tuple[str, int], message: Callable[[Request], bytes], connections: int
    ) -> None:
        self._address, self._message, self._most = address, message, connections
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._deadlines: deque[tuple[int, int]] = deque()
        self._unanswered: dict[int, _Connection | None] = {}
        self._outcomes = Outcomes(0)
        self._start_ns = 0

    def run(
        self,
        outcomes: Outcomes,
        pace: Pace | ClosedLoop,
        requests: Iterator[Request],
        start_ns: int,
    ) -> None:
        """Send requests until none is due any more, and each has come to an end.

        Parameters
        ----------
        outcomes
            Is told of each.
        pace
            When they are due.
        requests
            What is asked, in order.
        start_ns
            Reading of the monotonic clock from which moments count.
        """
        self._outcomes, self._start_ns = outcomes, start_ns
        self._waiting.clear()
        self._deadlines.clear()
        self._unanswered.clear()
        gc.disable()  # there are no circles, and a collection would go over all that is kept
        try:
            if isinstance(pace, ClosedLoop):
                self._closed(pace, requests)
            else:
                self._paced(pace, requests)
        finally:
            gc.enable()

    def close(self) -> None:
        """Close all connections."""
        for connection in list(self._open.values()):
            self._drop(connection)
        self._poll.close()

    def _paced(self, pace: Pace, requests: Iterator[Request]) -> None:
        moments = pace.moments()
        due_ns = next(moments, None)
        request = next(requests)
        message = self._message(request)
        while due_ns is not None or self._unanswered:
            now_ns = self._now_ns()
            while due_ns is not None and due_ns <= now_ns:
                self._due(request, message, due_ns)
                due_ns = next(moments, None)
                request = next(requests)
                message = self._message(request)
            self._send_waiting()
            self._expire(now_ns)
            self._wait(due_ns)

    def _closed(self, pace: ClosedLoop, requests: Iterator[Request]) -> None:
        most = min(pace.connections, self._most)
        while (now_ns := self._now_ns()) < pace.duration_ns or self._unanswered:
            while now_ns < pace.duration_ns and len(self._unanswered) < most:
                request = next(requests)
                self._due(request, self._message(request), now_ns)
                self._send_waiting()
                now_ns = self._now_ns()
            self._expire(now_ns)
            self._wait(pace.duration_ns if now_ns < pace.duration_ns else None)

    def _now_ns(self) -> int:
        return time.monotonic_ns() - self._start_ns

    def _due(self, request: Request, message: bytes, due_ns: int) -> None:
        number = self._outcomes.due(request, due_ns)
        self._unanswered[number] = None
        self._waiting.append((number, message))
        self._deadlines.append((due_ns + self._outcomes.timeout_ns, number))

    def _send_waiting(self) -> None:
        while self._waiting:
            if self._waiting[0][0] not in self._unanswered:  # it has timed out meanwhile
                self._waiting.popleft()
                continue
            connection = self._free()
            if connection is None:
                return
            number, message = self._waiting.popleft()
            self._unanswered[number] = connection
            self._outcomes.begun(number, self._now_ns())
            connection.take(number, message)
            self._push(connection)

    def _free(self) -> _Connection | None:
        """The connection that was used last, a new one, or None where all are busy."""
        if self._idle:
            return self._idle.pop()
        if len(self._open) >= self._most:
            return None
        connection = _Connection(self._address)
        self._open[connection.descriptor] = connection
        self._poll.register(connection.descriptor, select.EPOLLIN | select.EPOLLOUT)
        return connection

    def _push(self, connection: _Connection) -> None:
        """Send as much as the socket takes; once it is connected, that is mostly everything."""
        try:
            connection.push()
        except OSError as error:
            self._broken(connection, error)
            return
        wanted = select.EPOLLIN | (select.EPOLLOUT if connection.unsent else 0)
        if wanted != connection.wanted:
            connection.wanted = wanted
            self._poll.modify(connection.descriptor, wanted)

    def _wait(self, until_ns: int | None) -> None:
        """Let answers come in until a moment, the first deadline, or something happens."""
        ends = [] if until_ns is None else [until_ns]
        ends += [self._deadlines[0][0]] if self._deadlines else []
        left_s = (min(ends) - self._now_ns()) / _S if ends else _LONGEST_WAIT_S
        select.select([self._poll.fileno()], [], [], min(max(left_s, 0.0), _LONGEST_WAIT_S))
        for descriptor, events in self._poll.poll(0):
            connection = self._open.get(descriptor)
            if connection is None:
                continue
            if events & select.EPOLLOUT:
                self._push(connection)
            if events & ~select.EPOLLOUT and not connection.is_closed:
                self._read(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_MOST_READ)
            done_ns = self._now_ns()
            if not data:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed the connection")
            is_whole = connection.feed(data)
        except BlockingIOError:
            return
        except OSError as error:
            self._broken(connection, error)
            return
        if not is_whole or connection.number is None:
            return
        number, connection.number = connection.number, None
        del self._unanswered[number]
        self._outcomes.answered(number, done_ns, connection.status, connection.body())
        if connection.keeps_alive:
            self._idle.append(connection)
        else:
            self._drop(connection)
        self._send_waiting()

    def _broken(self, connection: _Connection, error: OSError) -> None:
        """A connection has ended; what it carried is asked again if it may not have arrived.

        A server closes a connection that was idle just when it is used again: a request on it that
        has no byte of an answer is sent once more, on a new one (RFC 9112, 9.3.1).
        """
        number, message = connection.number, connection.message
        is_worn = connection.answers > 0 and not connection.has_begun
        self._drop(connection)
        if number is None or number not in self._unanswered:
            return
        if is_worn:
            self._unanswered[number] = None
            self._waiting.appendleft((number, message))
            # those that were idle as long are as worn
            for other in [c for c in self._open.values() if c.number is None]:
                self._drop(other)
            self._send_waiting()
            return
        del self._unanswered[number]
        reason = os.strerror(error.errno) if error.errno else str(error)
        self._outcomes.failed(number, self._now_ns(), reason)

    def _expire(self, now_ns: int) -> None:
        while self._deadlines:
            deadline_ns, number = self._deadlines[0]
            if number in self._unanswered and deadline_ns > now_ns:
                return
            self._deadlines.popleft()
            connection = self._unanswered.pop(number, None)
            if connection is not None:
                self._drop(connection)  # whoever gives up goes away, which the server may see

    def _drop(self, connection: _Connection) -> None:
        self._open.pop(connection.descriptor, None)
        with suppress(ValueError):
            self._idle.remove(connection)
        connection.close()


class _Connection:
    """One connection, and the request that it carries."""

    def __init__(self, address: tuple[str, int]) -> None:
        from httptools import HttpResponseParser

        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.descriptor = self.socket.fileno()
        self.wanted = select.EPOLLIN | select.EPOLLOUT
        self.refused = self.socket.connect_ex(address)
        self.number: int | None = None
        self.message = b""
        self.unsent = b""
        self.status = 0
        self.answers = 0
        self.has_begun = False
        self.keeps_alive = True
        self.is_closed = False
        self._parser = HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._is_whole = False

    def take(self, number: int, message: bytes) -> None:
        """Carry a request."""
        self.number, self.message, self.unsent = number, message, message
        self._chunks.clear()
        self._is_whole = self.has_begun = False

    def push(self) -> None:
        """Send; raises ``OSError`` if the connection could not be made, or has ended."""
        if self.refused not in (0, errno.EINPROGRESS):
            raise OSError(self.refused, os.strerror(self.refused))
        while self.unsent:
            try:
                sent = self.socket.send(self.unsent)
            except BlockingIOError:  # full, or not connected yet
                return
            self.unsent = self.unsent[sent:]

    def feed(self, data: bytes) -> bool:
        """Whether the answer is whole now; raises ``OSError`` if it is none."""
        from httptools import HttpParserError

        self.has_begun = True
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise OSError(f"the answer is no HTTP/1.1: {error}") from error
        return self._is_whole

    def body(self) -> bytes:
        """Of the answer."""
        self.answers += 1
        return b"".join(self._chunks)

    def close(self) -> None:
        """Close the socket, which leaves the poll with it."""
        self.is_closed = True
        self.socket.close()

    def on_body(self, data: bytes) -> None:
        """A part of the body (called by the parser)."""
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole (called by the parser)."""
        self.status = self._parser.get_status_code()
        self.keeps_alive = self._parser.should_keep_alive()
        self._is_whole = True
