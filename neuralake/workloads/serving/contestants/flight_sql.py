"""Neuralake's own server over Flight SQL, asked through ADBC as Polars and pandas do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

from neuralake.workloads.serving.by_calls import RefusedError
from neuralake.workloads.serving.contestants.messages import stream_of, table_of_stream
from neuralake.workloads.serving.contestants.own import OwnServer
from neuralake.workloads.serving.contestants.protocol import HOST, Site

_DRIVER = "adbc_driver_flightsql"
_BUSY = "ask again later"  # what the server says in the place of 429


class FlightSql:
    """``neuralake serve --flight-sql``."""

    name = "flight-sql"

    def __init__(self, site: Site) -> None:
        self._server = OwnServer(site)
        self._address = f"{HOST}:{site.ports[1]}"

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        if find_spec(_DRIVER) is None:
            return "adbc-driver-flightsql is not installed: pip install adbc-driver-flightsql"
        return OwnServer.unavailable()

    def versions(self) -> dict[str, str]:
        """Of the engine, and of both ends of the connection."""
        packages = ("datafusion", "pyarrow", "adbc-driver-flightsql")
        return {name: version(name) for name in packages}

    def command(self) -> Sequence[str]:
        """As a user types it."""
        return (*self._server.command(), "--flight-sql", self._address)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is asked for."""
        return {"client": "ADBC, a connection a thread"}

    def connect(self) -> Callable[[str], bytes]:
        """A connection."""
        return _Connection(f"grpc://{self._address}")

    def ask(self, sql: str) -> pa.Table:
        """By a connection of its own."""
        connection = _Connection(f"grpc://{self._address}")
        try:
            return table_of_stream(connection(sql))
        finally:
            connection.close()

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:  # noqa: ARG002 (it says all types)
        """The table in a stream."""
        return table_of_stream(body)

    def close(self) -> None:
        """Nothing is shared."""


class _Connection:
    def __init__(self, uri: str) -> None:
        from adbc_driver_flightsql import dbapi

        self._connection = dbapi.connect(uri, autocommit=True)
        self._cursor = self._connection.cursor()

    def __call__(self, sql: str) -> bytes:
        try:
            self._cursor.execute(sql)
            reader = self._cursor.fetch_record_batch()
            return stream_of(reader.schema, reader)
        except Exception as error:
            # of ADBC's own classes, or of Arrow's where the stream had begun
            if _BUSY in str(error):
                raise RefusedError(str(error)) from error
            raise

    def close(self) -> None:
        self._cursor.close()
        self._connection.close()
