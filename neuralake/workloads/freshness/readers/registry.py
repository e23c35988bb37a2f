"""Readers by their names: engines that open the table anew, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from neuralake.errors import FreshnessError, did_you_mean
from neuralake.workloads.engine_reader import EngineReader
from neuralake.workloads.freshness.readers.protocol import Reader
from neuralake.workloads.freshness.readers.servers import FLIGHT_SQL, HTTP, SERVED, open_served
from neuralake.workloads.places import Target

IN_PROCESS = "in-process"
_SERVER = ("datafusion", "starlette", "uvicorn")


def reader_names() -> list[str]:
    """All names, of those that cannot run here too."""
    from neuralake.engines.registry import engine_names

    return [*SERVED, IN_PROCESS, *engine_names()]


def check_readers(names: Sequence[str]) -> tuple[str, ...]:
    """Readers that can run here.

    Raises
    ------
    FreshnessError
        If one is not known, named twice, or lacks a package.
    EngineError
        If an engine cannot run here.
    """
    from neuralake.engines import registry
    from neuralake.engines.registry import EngineSpec

    known = reader_names()
    for name in names:
        if names.count(name) > 1:
            raise FreshnessError(f"reader {name} is named twice: expected each once")
        if name not in known:
            raise FreshnessError(
                f"unknown reader {name!r}: expected one of {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
        missing = _missing(name)
        if missing is not None:
            raise FreshnessError(f"reader {name} is not available: {missing}")
        if name != IN_PROCESS and name not in SERVED:
            registry.require(EngineSpec(name))
    return tuple(names)


def takes_connections(name: str) -> bool:
    """Whether a reader answers several questions at once."""
    return name == IN_PROCESS or name in SERVED


def open_reader(name: str, table: str, target: Target, address: str | None) -> Reader:
    """Start a reader, in the process in which it asks.

    Parameters
    ----------
    name
        Of the reader.
    table
        Name of the table in questions.
    target
        Where it lies.
    address
        Of the server that it asks; None where it reads the table itself.
    """
    if address is not None:
        return open_served(name, address)
    if name == IN_PROCESS:
        from neuralake.workloads.freshness.readers.in_process import InProcessReader

        return InProcessReader(table, target)
    return EngineReader(name, table, target)


def _missing(name: str) -> str | None:
    """What a reader lacks, or None."""
    packages = {
        IN_PROCESS: ("datafusion",),
        HTTP: _SERVER,
        FLIGHT_SQL: (*_SERVER, "adbc_driver_flightsql"),
    }.get(name, ())
    missing = next((package for package in packages if find_spec(package) is None), None)
    return None if missing is None else f"{missing.replace('_', '-')} is not installed"
