"""ROAPI alone, as its wheel brings it: no supervision, no limits, and nothing that follows a log.

It reads the tables once, as it does by default, and answers as Arrow: its JSON leaves out what is
null.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from neuralake.config import Settings
from neuralake.serving.roapi.configuration import RoapiOptions, roapi_configuration
from neuralake.serving.roapi.process import roapi_program
from neuralake.serving.roapi.refusals import Freshness
from neuralake.workloads.serving.contestants.messages import (
    ARROW,
    ask_by_post,
    post,
    table_of_stream,
)
from neuralake.workloads.serving.contestants.own import why_no_roapi
from neuralake.workloads.serving.contestants.protocol import HOST, Site

_PATH = "/api/sql"
_HEADERS = {"Accept": ARROW, "Content-Type": "text/plain"}


class BareRoapi:
    """The binary, with its defaults."""

    name = "roapi-bare"

    def __init__(self, site: Site) -> None:
        self._site = site
        self.address = (HOST, site.ports[0])

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        return why_no_roapi()

    def versions(self) -> dict[str, str]:
        """Of the wheel."""
        return {"roapi": version("roapi")}

    def command(self) -> Sequence[str]:
        """Its program, with the configuration that Neuralake writes for it."""
        host, port = self.address
        place = self._site.directory / "roapi.yml"
        options = RoapiOptions(Freshness.MEMORY, listen=f"{host}:{port}")
        place.write_text(
            roapi_configuration(self._site.tables, Settings.from_environ(os.environ), options)
        )
        # as the others, it writes no line a request
        return ("env", "RUST_LOG=warn", roapi_program(), "-c", str(place))

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is asked for, and what it keeps."""
        return {"answer": ARROW, "tables": "read once, in memory"}

    def message(self, sql: str) -> bytes:
        """A statement as the body of a request."""
        return post(self.address, _PATH, sql.encode(), _HEADERS)

    def ask(self, sql: str) -> pa.Table:
        """As Arrow; of no row ROAPI says no column either."""
        body = ask_by_post(self.address, _PATH, sql.encode(), _HEADERS)
        return table_of_stream(body) if body else pa.table({})

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:
        """The table in a stream; for no row ROAPI sends no stream, but nothing at all."""
        return table_of_stream(body) if body else schema.empty_table()
