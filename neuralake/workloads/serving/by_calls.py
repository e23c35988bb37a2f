"""The driver of what is no HTTP: threads, each of which calls and waits.

As many threads as connections: a request that is due when all are busy waits, and that is in its
latency, as over HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from neuralake.storage import one_line
from neuralake.workloads.schedule import MonotonicClock
from neuralake.workloads.serving.outcomes import TOO_MANY, Outcomes
from neuralake.workloads.serving.pace import ClosedLoop, Pace
from neuralake.workloads.serving.requests import Request

Due = tuple[Request, "int | None"]


class RefusedError(Exception):
    """The server has too much to do (what is 429 over HTTP)."""


class CallDriver:
    """Asks by calls.

    Parameters
    ----------
    connect
        Makes what one thread calls with SQL; it returns the answer as an Arrow IPC stream. It may
        have a ``close``.
    sql
        The text of a request.
    connections
        Threads.
    """

    def __init__(
        self,
        connect: Callable[[], Callable[[str], bytes]],
        sql: Callable[[Request], str],
        connections: int,
    ) -> None:
        self._connect, self._sql, self._most = connect, sql, connections
        self._calls: list[Callable[[str], bytes]] = []
        self._clock = MonotonicClock()

    def run(
        self,
        outcomes: Outcomes,
        pace: Pace | ClosedLoop,
        requests: Iterator[Request],
        start_ns: int,
    ) -> None:
        """As of :meth:`neuralake.workloads.serving.over_http.HttpDriver.run`."""
        is_closed = isinstance(pace, ClosedLoop)
        count = min(pace.connections, self._most) if isinstance(pace, ClosedLoop) else self._most
        while len(self._calls) < count:
            self._calls.append(self._connect())
        lock = threading.Lock()
        dues = _dues(pace, requests)

        def work(call: Callable[[str], bytes]) -> None:
            while True:
                with lock:
                    now_ns = self._clock.now_ns() - start_ns
                    if is_closed and now_ns >= pace.duration_ns:
                        return
                    due = next(dues, None)
                    if due is None:
                        return
                    request, due_ns = due
                    if due_ns is None:
                        due_ns = now_ns
                    number = outcomes.due(request, due_ns)
                self._ask(call, outcomes, number, due_ns, start_ns)

        threads = [
            threading.Thread(target=work, args=(call,), name=f"caller-{number}")
            for number, call in enumerate(self._calls[:count])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Close all connections."""
        for call in self._calls:
            with suppress(Exception):
                getattr(call, "close", lambda: None)()

    def _ask(
        self,
        call: Callable[[str], bytes],
        outcomes: Outcomes,
        number: int,
        due_ns: int,
        start_ns: int,
    ) -> None:
        text = self._sql(outcomes.requests[number])
        self._clock.sleep_until(start_ns + due_ns)
        started_ns = self._clock.now_ns() - start_ns
        if started_ns - due_ns >= outcomes.timeout_ns:
            return  # it was given up before it was sent
        outcomes.begun(number, started_ns)
        try:
            body = call(text)
        except RefusedError:
            outcomes.answered(number, self._clock.now_ns() - start_ns, TOO_MANY, b"")
            return
        except BaseException as error:  # noqa: BLE001 (a Rust panic is not an Exception)
            outcomes.failed(number, self._clock.now_ns() - start_ns, one_line(error, {}))
            return
        done_ns = self._clock.now_ns() - start_ns
        outcomes.answered(number, done_ns, 200, body)
        if done_ns - due_ns >= outcomes.timeout_ns:
            outcomes.overdue(number)


def _dues(pace: Pace | ClosedLoop, requests: Iterator[Request]) -> Iterator[Due]:
    if isinstance(pace, ClosedLoop):
        for request in requests:
            yield request, None
    else:
        for moment in pace.moments():
            yield next(requests), moment
