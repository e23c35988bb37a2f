"""ROAPI as it is, of tables that nobody has checked."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pyarrow as pa

from neuralake.catalog.tables import Table
from neuralake.errors import ServingError
from neuralake.serving.roapi.configuration import NOWHERE
from neuralake.serving.roapi.refusals import Freshness
from neuralake.starting import free_ports

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}


class BareRoapi:
    """A process of its own, with what it says in a file."""

    def __init__(self, tables: Mapping[str, Table], freshness: Freshness, directory: Path) -> None:
        (self.port,) = free_ports("127.0.0.1", (0,), "ROAPI", ServingError)
        option = {"use_memory_table": freshness.is_in_memory}
        configuration = {
            "addr": {"http": f"127.0.0.1:{self.port}", "postgres": NOWHERE, "flight_sql": NOWHERE},
            "tables": [
                {"name": name, "uri": t.uri, "option": {"format": t.format, **option}}  # type: ignore[attr-defined]
                for name, t in tables.items()
            ],
        }
        self._place = directory / "bare.yml"
        self._place.write_text(json.dumps(configuration))
        self._log = directory / "bare.log"

    def __enter__(self) -> Self:
        program = shutil.which("roapi") or str(Path(sys.executable).with_name("roapi"))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([program, "-c", str(self._place)], stderr=log)
        for _ in range(600):
            assert self._process.poll() is None, self._log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError(self._log.read_text())

    def ask(self, sql: str) -> pa.Table | None:
        """The answer; None if it has neither rows nor columns."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/api/sql", sql.encode(), ARROW)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 200, body
        return pa.ipc.open_stream(body).read_all() if body else None

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
