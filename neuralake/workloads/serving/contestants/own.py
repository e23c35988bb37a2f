"""Servers that ``neuralake serve`` starts, asked over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, ClassVar

import pyarrow as pa

from neuralake.errors import EngineUnavailableError
from neuralake.workloads.serving.contestants.messages import (
    ARROW,
    JSON,
    ask_by_post,
    parse_json,
    post,
    table_of_rows,
    table_of_stream,
)
from neuralake.workloads.serving.contestants.protocol import HOST, Site

_PATH = "/api/sql"


class OwnServer:
    """Neuralake's own server, asked for JSON."""

    name: ClassVar[str] = "http"
    server: ClassVar[str | None] = None
    accept: ClassVar[str] = JSON
    packages: ClassVar[tuple[str, ...]] = ("datafusion", "starlette", "uvicorn", "httptools")

    def __init__(self, site: Site) -> None:
        self._site = site
        self.address = (HOST, site.ports[0])

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        missing = [name for name in cls.packages if not find_spec(name)]
        return f"{missing[0]} is not installed: install neuralake-bench[all]" if missing else None

    def versions(self) -> dict[str, str]:
        """Of the engine and the HTTP stack."""
        return {name: version(name) for name in self.packages}

    def command(self) -> Sequence[str]:
        """As a user types it."""
        host, port = self.address
        return (
            *(sys.executable, "-P", "-m", "neuralake", "serve"),
            *(() if self.server is None else ("--server", self.server)),
            *("--catalog", str(self._site.catalog), "--listen", f"{host}:{port}"),
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is asked for."""
        return {"server": self.server or "the default", "answer": self.accept}

    def message(self, sql: str) -> bytes:
        """A statement as the body of a request."""
        return post(self.address, _PATH, sql.encode(), self._headers)

    def ask(self, sql: str) -> pa.Table:
        """As Arrow, which says all types."""
        headers = {**self._headers, "Accept": ARROW}
        return table_of_stream(ask_by_post(self.address, _PATH, sql.encode(), headers))

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:
        """The table in JSON, or in a stream."""
        if self.accept == ARROW:
            return table_of_stream(body)
        return table_of_rows(parse_json(body), schema)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": self.accept, "Content-Type": "application/sql"}


class OwnServerArrow(OwnServer):
    """Neuralake's own server, asked for an Arrow IPC stream."""

    name = "http-arrow"
    accept = ARROW


class OwnRoapi(OwnServer):
    """ROAPI under Neuralake's supervision, asked for JSON."""

    name = "roapi"
    server = "roapi"

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        return why_no_roapi() or super().unavailable()

    def versions(self) -> dict[str, str]:
        """Of ROAPI too."""
        return {**super().versions(), "roapi": version("roapi")}


def why_no_roapi() -> str | None:
    """Why ROAPI's program is not to be had, or None."""
    from neuralake.serving.roapi.process import roapi_program

    try:
        roapi_program()
    except EngineUnavailableError as error:
        return str(error)
    return None
