"""In process: the service that Neuralake's servers are made of, called without a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

from neuralake.workloads.serving.by_calls import RefusedError
from neuralake.workloads.serving.contestants.messages import stream_of, table_of_stream
from neuralake.workloads.serving.contestants.protocol import Site


class InProcess:
    """:class:`neuralake.serving.service.Service`, with its defaults, in the driver's process."""

    name = "in-process"

    def __init__(self, site: Site) -> None:
        from neuralake.serving.service import Service

        self._service = Service(site.tables)
        self._is_started = False

    @classmethod
    def unavailable(cls) -> str | None:
        """What is missing."""
        if find_spec("datafusion") is None:
            return "datafusion is not installed: install neuralake-bench[datafusion]"
        return None

    def versions(self) -> dict[str, str]:
        """Of the engine."""
        return {name: version(name) for name in ("datafusion", "pyarrow")}

    def command(self) -> Sequence[str] | None:
        """There is no server."""
        return None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the service."""
        options = self._service.options
        return {"queue": options.queue, "hot_bytes": options.hot_bytes}

    def connect(self) -> Callable[[str], bytes]:
        """The service itself, which many threads may use at once."""
        if not self._is_started:
            self._is_started = True
            self._service.start()  # as a server does: what fits is loaded before it is asked
        return self._call

    def ask(self, sql: str) -> pa.Table:
        """The answer of the service."""
        return table_of_stream(self._call(sql))

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:  # noqa: ARG002 (it says all types)
        """The table in a stream."""
        return table_of_stream(body)

    def close(self) -> None:
        """Forget the tables."""
        self._service.close()

    def _call(self, sql: str) -> bytes:
        from neuralake.serving.answers import OverloadedError

        try:
            answer = self._service.query(sql)
        except OverloadedError as error:
            raise RefusedError(str(error)) from error
        try:
            return stream_of(answer.schema, answer)
        finally:
            answer.close()
