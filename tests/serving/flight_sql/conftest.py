"""A server of Flight SQL in this process, and a connection of ADBC to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

from neuralake.serving.backend import Backend
from neuralake.serving.flight_sql.server import FlightSqlServer
from neuralake.serving.listening import Listening
from neuralake.sources.address import Address

HERE = Listening(Address("127.0.0.1", 0))


@contextmanager
def serving(
    service: Backend, listening: Listening = HERE, token: str | None = None
) -> Iterator[FlightSqlServer]:
    """A server that is closed before its service."""
    server = FlightSqlServer(service, listening, token)
    try:
        yield server
    finally:
        server.close()
        service.close()


@contextmanager
def connected(url: str, **options: str) -> Iterator[Any]:
    """A cursor of ADBC."""
    with (
        adbc.connect(url, db_kwargs=options or None, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


def ask(cursor: Any, sql: str, *parameters: Any) -> pa.Table:
    """All rows of an answer."""
    cursor.execute(sql, parameters or None)
    return cursor.fetch_arrow_table()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("tls")
    paths = root / "certificate.pem", root / "key.pem"
    options = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *options, *names, "-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths
