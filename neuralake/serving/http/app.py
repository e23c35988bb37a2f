"""The routes: statements, tables, what there is, and how the server is."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import ClientDisconnect, Request

from neuralake.errors import did_you_mean, reason_of
from neuralake.serving.backend import Backend
from neuralake.serving.http import problems, reading
from neuralake.serving.http.metrics import MEDIA_TYPE as METRICS_TYPE
from neuralake.serving.http.metrics import Metrics
from neuralake.serving.http.openapi import document, schema_document
from neuralake.serving.http.problems import ProblemError, problem_of
from neuralake.serving.http.reading import Asked
from neuralake.serving.http.replying import ClientGoneError, Receive, Reply, Send, Sent
from neuralake.serving.http.rest import page_of
from neuralake.sources.bearer import shows_token

_JSON = "application/json"
_LOG = logging.getLogger("neuralake.serve")
# A browser takes an answer for nothing else, and keeps none
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_OF_STATEMENTS = frozenset({"as_of", "format", "timeout", "max_rows"})
_PUBLIC = frozenset({"/healthz", "/readyz"})


@dataclass(frozen=True)
class HttpOptions:
    """How the service is reached.

    Attributes
    ----------
    token
        That every request must show, as ``Authorization: Bearer …``; None asks for none.
    hosts
        Names by which requests may call the server; any if empty. Where no token protects it, a
        page in a browser could reach it under a name of its own (DNS rebinding).
    body_bytes, body_s
        How large a body may be, and how long it may take to come.
    """

    token: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()
    body_bytes: int = 1 << 20
    body_s: float = 10.0


class Api:
    """The application, as ASGI has it.

    Parameters
    ----------
    service
        That answers.
    options
        How it is reached.
    """

    def __init__(self, service: Backend, options: HttpOptions | None = None) -> None:
        self._service = service
        self._options = options or HttpOptions()
        self._metrics = Metrics(service)
        # One more than can be in the service, light and heavy, so that it is there to refuse
        threads = 2 * (service.turns.places + service.options.queue) + 1
        self._executor = ThreadPoolExecutor(threads, "neuralake-request")
        self._routes: dict[str, tuple[str, Callable[[_Exchange], Awaitable[None]]]] = {
            "/healthz": ("GET", self._health),
            "/readyz": ("GET", self._ready),
            "/metrics": ("GET", self._show_metrics),
            "/openapi.json": ("GET", self._show_document),
            "/api/schema": ("GET", self._show_schema),
            "/api/tables": ("GET", self._show_schema),
            "/api/sql": ("POST", self._sql),
        }

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began_s = time.perf_counter()
        exchange = _Exchange(Request(scope, receive), receive, send)
        try:
            await self._answer(exchange)
        except (ClientGoneError, ClientDisconnect):
            self._metrics.abandon()
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told)
            problem = problem_of(error)
            if problem.status == 500:
                _LOG.error("%s: %s", type(error).__name__, reason_of(error))
            if exchange.sent.status:  # the answer is cut off: a client notices that
                return
            await exchange.send_problem(problem)
        took_s = time.perf_counter() - began_s
        self._metrics.count(exchange.route, exchange.sent.status, took_s, exchange.sent.bytes)

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, exchange: _Exchange) -> None:
        request = exchange.request
        path = request.url.path
        name = path.removeprefix("/api/tables/") if path.startswith("/api/tables/") else None
        method, handler = self._routes.get(path, ("GET", self._table if name else None))
        exchange.route = "/api/tables/{table}" if name else path if handler else "other"
        self._admit(request)
        if handler is None:
            known = [*self._routes, "/api/tables/{table}"]
            raise ProblemError(404, f"no {path[:100]!r}: there are {', '.join(known)}")
        if request.method != method and not (request.method == "HEAD" and method == "GET"):
            raise ProblemError(405, f"{path[:100]} is asked by {method}", {"allow": method})
        reading.check_text(request)
        await handler(exchange)

    def _admit(self, request: Request) -> None:
        hosts = self._options.hosts
        if hosts and (host := _host(request.headers.get("host", ""))) not in hosts:
            raise ProblemError(421, f"this server is not called {host[:100]!r}")
        if self._options.token is None or request.url.path in _PUBLIC:
            return
        shown = request.headers.get("authorization", "").encode("latin-1")
        if not shows_token(shown, self._options.token):
            raise ProblemError(
                401,
                "expected the header Authorization: Bearer TOKEN",
                {"www-authenticate": 'Bearer realm="neuralake"'},
            )

    async def _health(self, exchange: _Exchange) -> None:
        await exchange.send_whole({"status": "ok"})

    async def _ready(self, exchange: _Exchange) -> None:
        waiting = self._service.loading()
        if waiting:
            raise ProblemError(503, f"still to be loaded: {', '.join(waiting)}")
        await exchange.send_whole({"status": "ready"})

    async def _show_metrics(self, exchange: _Exchange) -> None:
        await exchange.send_bytes(self._metrics.text(), METRICS_TYPE)

    async def _show_schema(self, exchange: _Exchange) -> None:
        found = await self._in_thread(lambda: schema_document(self._service))
        await exchange.send_whole(found)

    async def _show_document(self, exchange: _Exchange) -> None:
        has_token = self._options.token is not None
        found = await self._in_thread(lambda: document(self._service, has_token=has_token))
        await exchange.send_whole(found)

    async def _sql(self, exchange: _Exchange) -> None:
        request, options = exchange.request, self._options
        reading.check_query(request.query_params, _OF_STATEMENTS)
        body = await reading.read_body(request, options.body_bytes, options.body_s)
        sql, given = reading.statement(request, body)
        asked = Asked(
            sql,
            reading.parameters(given),
            reading.as_of(request.query_params),
            reading.limits(request.query_params, self._service.options.limits),
            reading.answer_format(request),
        )
        await self._reply(exchange, asked, lambda _: [])

    async def _table(self, exchange: _Exchange) -> None:
        request = exchange.request
        name = request.url.path.removeprefix("/api/tables/")
        tables = self._service.tables()
        if name not in tables:
            raise ProblemError(
                404,
                f"no table {name[:100]!r}: there are {', '.join(tables)}"
                f"{did_you_mean(name, tables)}",
            )
        query = request.query_params
        limits = reading.limits(query, self._service.options.limits)
        schema = self._service.known_schema(name)
        if schema is None:
            schema = await self._in_thread(lambda: self._service.arrow_schema(name))
        page = page_of(name, schema, tables[name].primary_key, query, limits.rows)
        as_of = reading.as_of(query)
        asked = Asked(page.sql, page.parameters, as_of, limits, reading.answer_format(request))

        def links(versions: Mapping[str, int]) -> list[tuple[bytes, bytes]]:
            pairs = [
                (key, value)
                for key, value in query.multi_items()
                if key not in {"limit", "offset", "as_of"}
            ]
            pairs += [("limit", str(page.limit)), ("offset", str(page.offset + page.limit))]
            if name in versions:  # the next page is of the same rows
                pairs.append(("as_of", str(versions[name])))
            elif "as_of" in query:
                pairs.append(("as_of", query["as_of"]))
            return [(b"link", f'</api/tables/{name}?{urlencode(pairs)}>; rel="next"'.encode())]

        await self._reply(exchange, asked, links)

    async def _reply(
        self,
        exchange: _Exchange,
        asked: Asked,
        more: Callable[[Mapping[str, int]], list[tuple[bytes, bytes]]],
    ) -> None:
        def headers(versions: Mapping[str, int], _rows: int) -> list[tuple[bytes, bytes]]:
            told = ", ".join(f"{name}={version}" for name, version in versions.items())
            found = [*_ALWAYS, *more(versions)]
            return [*found, (b"neuralake-versions", told.encode())] if told else found

        self._service.turns.check_room()
        reply = Reply(self._service, asked, self._executor)
        await reply.send(exchange.receive, exchange.send, exchange.sent, headers)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        import asyncio

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


@dataclass
class _Exchange:
    """A request, and what was sent for it."""

    request: Request
    receive: Receive
    send: Send
    sent: Sent = field(default_factory=Sent)
    route: str = "other"

    async def send_whole(self, value: Any) -> None:
        """Send JSON."""
        await self.send_bytes(msgspec.json.encode(value), _JSON)

    async def send_problem(self, problem: ProblemError) -> None:
        """Send a problem document."""
        await self.send_bytes(problem.body(), problems.MEDIA_TYPE, problem.status, problem.headers)

    async def send_bytes(
        self,
        body: bytes,
        media_type: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole body."""
        self.sent.status, self.sent.bytes = status, len(body)
        found = [
            *_ALWAYS,
            (b"content-type", media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *((k.encode(), v.encode()) for k, v in (headers or {}).items()),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": found})
        content = b"" if self.request.method == "HEAD" else body
        await self.send({"type": "http.response.body", "body": content})


def _host(header: str) -> str:
    """The name in a ``Host`` header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0].removeprefix("[").lower()
    return header.partition(":")[0].lower()
