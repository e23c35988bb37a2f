"""Readers that ask a server: ``neuralake serve``, started as a user starts it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from neuralake.workloads.places import Target

HTTP, FLIGHT_SQL = "http", "flight-sql"
SERVED = (HTTP, FLIGHT_SQL)
_ARROW = "application/vnd.apache.arrow.stream"
_LOOPBACK = "127.0.0.1:0"
_TIMEOUT_S = 60.0


def options_of(reader: str) -> tuple[str, ...]:
    """What ``neuralake serve`` is told besides its catalog."""
    own = ("--flight-sql", _LOOPBACK) if reader == FLIGHT_SQL else ()
    return ("--listen", _LOOPBACK, *own)


def catalog_of(table: str, target: Target) -> str:
    """A catalog that declares one table."""
    return (
        "from neuralake.catalog import DeltaTable\n\n"
        f"{table} = DeltaTable(name={table!r}, location={target.uri!r})\n"
    )


class HttpReader:
    """``POST /api/sql``, answered by an Arrow stream: a connection a thread, which is kept.

    Parameters
    ----------
    address
        Such as ``http://127.0.0.1:8080``.
    """

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._own = threading.local()
        self.settings: Mapping[str, Any] = {"answer": _ARROW}

    def versions(self) -> dict[str, str]:
        """Of the engine and the HTTP stack."""
        return {name: version(name) for name in ("datafusion", "starlette", "uvicorn")}

    def ask(self, sql: str) -> pa.Table:
        """The answer; a connection that was closed meanwhile is opened anew, once."""
        try:
            return self._ask(sql)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._own.connection = None
            return self._ask(sql)

    def close(self) -> None:
        """Nothing is shared."""

    def _ask(self, sql: str) -> pa.Table:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self._host, timeout=_TIMEOUT_S)
            self._own.connection = connection
        headers = {"Content-Type": "application/sql", "Accept": _ARROW}
        try:
            connection.request("POST", "/api/sql", sql.encode(), headers)
            response = connection.getresponse()
            body = response.read()
        except BaseException:
            connection.close()
            raise
        if response.status != http.client.OK:
            raise OSError(f"status {response.status}: {body[:300].decode(errors='replace')}")
        with pa.ipc.open_stream(body) as stream:
            return stream.read_all()


class FlightSqlReader:
    """Flight SQL through ADBC, as Polars and pandas read it: a connection a thread.

    Parameters
    ----------
    address
        Such as ``grpc://127.0.0.1:8081``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._own = threading.local()
        self._close: list[Callable[[], None]] = []
        self.settings: Mapping[str, Any] = {"client": "ADBC"}

    def versions(self) -> dict[str, str]:
        """Of the engine, and of both ends of the connection."""
        names = ("datafusion", "pyarrow", "adbc-driver-flightsql")
        return {name: version(name) for name in names}

    def ask(self, sql: str) -> pa.Table:
        """The answer."""
        cursor = getattr(self._own, "cursor", None)
        if cursor is None:
            from adbc_driver_flightsql import dbapi

            connection = dbapi.connect(self._address, autocommit=True)
            cursor = self._own.cursor = connection.cursor()
            self._close += [cursor.close, connection.close]
        cursor.execute(sql)
        return cursor.fetch_arrow_table()

    def close(self) -> None:
        """Close all connections."""
        for close in self._close:
            close()


def open_served(reader: str, address: str) -> HttpReader | FlightSqlReader:
    """Connect to a server that was started for a reader."""
    if reader == FLIGHT_SQL:
        return FlightSqlReader(address)
    return HttpReader(address)
