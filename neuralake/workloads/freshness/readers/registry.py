"""Readers by their names: engines that open the table anew, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence

from neuralake.errors import FreshnessError, did_you_mean
from neuralake.lists import require_once
from neuralake.workloads.engine_reader import EngineReader
from neuralake.workloads.freshness.readers.contestants import (
    IN_PROCESS,
    SERVED,
    ContestantReader,
    missing_of,
)
from neuralake.workloads.freshness.readers.protocol import Reader
from neuralake.workloads.places import Target
from neuralake.workloads.serving.contestants.protocol import Site


def reader_names() -> list[str]:
    """All names, of those that cannot run here too."""
    from neuralake.engines.registry import engine_names

    return [*SERVED, IN_PROCESS, *engine_names()]


def check_readers(names: Sequence[str]) -> tuple[str, ...]:
    """Readers that can run here.

    Raises
    ------
    FreshnessError
        If one is not known, named twice, or lacks something.
    EngineError
        If an engine cannot run here.
    """
    from neuralake.engines import registry
    from neuralake.engines.registry import EngineSpec

    known = reader_names()
    require_once(names, "reader", FreshnessError)
    for name in names:
        if name not in known:
            raise FreshnessError(
                f"unknown reader {name!r}: expected one of {', '.join(known)}"
                f"{did_you_mean(name, known)}"
            )
        if not takes_connections(name):
            registry.require(EngineSpec(name))
        elif (missing := missing_of(name)) is not None:
            raise FreshnessError(f"reader {name} is not available: {missing}")
    return tuple(names)


def takes_connections(name: str) -> bool:
    """Whether a reader answers several questions at once: all do but engines."""
    return name == IN_PROCESS or name in SERVED


def open_reader(name: str, table: str, target: Target, site: Site) -> Reader:
    """Start a reader, in the process in which it asks.

    Parameters
    ----------
    name
        Of the reader.
    table
        Name of the table in questions.
    target
        Where it lies.
    site
        Where a server serves it.
    """
    if takes_connections(name):
        return ContestantReader(name, site)
    return EngineReader(name, table, target)
