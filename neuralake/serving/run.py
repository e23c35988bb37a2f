"""A catalog, served: what `neuralake serve` runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from neuralake.catalog.tables import Table
from neuralake.config import Settings
from neuralake.errors import ServingError
from neuralake.serving.listening import Listening
from neuralake.serving.options import ServiceOptions

if TYPE_CHECKING:
    from neuralake.serving.backend import Backend

_PACKAGES = ("datafusion", "starlette", "uvicorn", "prometheus_client")


def check_serve_extra() -> None:
    """Refuse to serve without the packages that do.

    Raises
    ------
    ServingError
        With the line that installs them.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ServingError(
            f"{', '.join(missing)} is not installed: pip install 'neuralake-bench[serve]'"
        )


@dataclass(frozen=True)
class RoapiRun:
    """How ROAPI is run in the place of our own server.

    Attributes
    ----------
    freshness
        ``memory``, ``files`` or ``reload``.
    reload_s
        How often it looks for commits with ``reload``.
    memory_bytes
        Private memory of its process.
    """

    freshness: str = "memory"
    reload_s: int = 1
    memory_bytes: int = 4 << 30


def run_http(
    tables: Mapping[str, Table],
    options: ServiceOptions,
    listening: Listening,
    token: str | None,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
    roapi: RoapiRun | None = None,
    flight_sql: Listening | None = None,
) -> None:
    """Serve until the process is asked to end; raises what the servers do.

    Parameters
    ----------
    tables
        By name, resolved.
    options
        How the service runs.
    listening
        Where HTTP is spoken.
    token
        That clients show; None asks for none.
    tell, warn
        Are given lines for people: where it listens, and what went wrong.
    roapi
        How ROAPI is run, if it answers.
    flight_sql
        Where Flight SQL is spoken, if it is.
    """
    check_serve_extra()
    from neuralake.serving.http.server import serve

    with ExitStack() as stack:
        service = _backend(tables, options, warn, roapi)
        stack.callback(service.close)
        service.start()
        if flight_sql is not None:
            from neuralake.serving.flight_sql.server import FlightSqlServer

            flight = FlightSqlServer(service, flight_sql, token)
            stack.callback(flight.close)
            tell(f"serving Flight SQL on {flight.url}")
        serve(service, listening, token, lambda url: tell(f"serving on {url}"))


def _backend(
    tables: Mapping[str, Table],
    options: ServiceOptions,
    warn: Callable[[str], None],
    roapi: RoapiRun | None,
) -> Backend:
    if roapi is None:
        from neuralake.serving.service import Service

        return Service(tables, options)
    from neuralake.serving.roapi.refusals import Freshness
    from neuralake.serving.roapi.service import RoapiService

    return RoapiService(
        tables,
        Settings.from_environ(os.environ),
        options,
        freshness=Freshness(roapi.freshness),
        reload_s=roapi.reload_s,
        memory_bytes=roapi.memory_bytes,
        tell=warn,
    )
