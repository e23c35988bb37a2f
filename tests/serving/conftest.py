"""A service over HTTP in this process: the real server, on a thread of its own."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from neuralake.catalog.tables import Table
from neuralake.serving.http.app import Api, HttpOptions
from neuralake.serving.http.server import listen
from neuralake.serving.options import ServiceOptions
from neuralake.serving.service import Service
from neuralake.sources.address import Address


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Asks one server."""

    port: int
    service: Service

    def get(self, path: str, **headers: str) -> Response:
        return self._ask(urllib.request.Request(self._url(path), headers=headers))

    def sql(self, sql: str, query: str = "", **headers: str) -> Response:
        return self.post(sql.encode(), query, **{"content-type": "application/sql", **headers})

    def post(self, body: bytes, query: str = "", **headers: str) -> Response:
        url = self._url(f"/api/sql{query}")
        return self._ask(urllib.request.Request(url, body, headers=headers))

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def _ask(self, request: urllib.request.Request) -> Response:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Response(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            return Response(error.code, dict(error.headers.items()), error.read())


Serve = Callable[..., Client]


@contextmanager
def serving(
    tables: Mapping[str, Table],
    options: ServiceOptions | None = None,
    http: HttpOptions | None = None,
) -> Iterator[Client]:
    """A server of some tables."""
    service = Service(tables, options)
    api = Api(service, http)
    config = uvicorn.Config(api, log_config=None, access_log=False, lifespan="off", ws="none")
    with listen(Address("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            yield Client(bound.getsockname()[1], service)
        finally:
            server.should_exit = True
            thread.join()
            api.close()
            service.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Client:
            return stack.enter_context(serving(*arguments, **options))

        yield start
