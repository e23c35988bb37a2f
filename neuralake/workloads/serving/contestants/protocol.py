"""All that the workload asks of a contestant: a server to start, and how SQL reaches it.

A contestant is one class, named in :mod:`neuralake.workloads.serving.contestants.registry`. Its
server runs as a user starts it, in a process of its own; its client lives in the driver's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import pyarrow as pa

from neuralake.catalog.tables import Table

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Site:
    """Where a contestant serves, and what.

    Attributes
    ----------
    tables
        By name.
    catalog
        A file of Python that declares the same tables.
    directory
        An empty directory of its own.
    ports
        Two that are free on :data:`HOST`.
    """

    tables: Mapping[str, Table]
    catalog: Path
    directory: Path
    ports: tuple[int, int]


class Contestant(Protocol):
    """A contestant, in any process: what it starts is started by others.

    Attributes
    ----------
    name
        On the command line and in results.
    """

    name: ClassVar[str]

    def __init__(self, site: Site) -> None: ...

    @classmethod
    def unavailable(cls) -> str | None:
        """Why it cannot run here, or None."""
        ...

    def versions(self) -> dict[str, str]:
        """Of every package that matters to the result."""
        ...

    def command(self) -> Sequence[str] | None:
        """What starts its server; None where everything is in the driver's process.

        Files that it needs are written to the site's directory.
        """
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Whatever a reader of its figures must know."""
        ...

    def ask(self, sql: str) -> pa.Table:
        """The answer to a query, by a connection of its own; raises if there is none.

        What is not timed uses this: it waits for a server to be ready, and reads beside a writer.
        """
        ...

    def read(self, body: bytes, schema: pa.Schema) -> pa.Table:
        """An answer as a table.

        Parameters
        ----------
        body
            As the driver has kept it.
        schema
            Of the expected answer, for formats that do not say all types.

        Raises
        ------
        ValueError
            If it is none.
        """
        ...


@runtime_checkable
class OverHttp(Protocol):
    """A contestant that is asked over HTTP/1.1."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        ...

    def message(self, sql: str) -> bytes:
        """A request, head and body."""
        ...


@runtime_checkable
class ByCalls(Protocol):
    """A contestant that is asked by calls, each of which waits for its answer."""

    def connect(self) -> Callable[[str], bytes]:
        """What one thread calls: SQL in, an Arrow IPC stream out."""
        ...

    def close(self) -> None:
        """Let go of what all connections share."""
        ...


class ContestantType(Protocol):
    """The class of a contestant."""

    name: ClassVar[str]

    def __call__(self, site: Site) -> Contestant:
        """For one site."""
        ...

    @classmethod
    def unavailable(cls) -> str | None:
        """Why it cannot run here, or None."""
        ...


@runtime_checkable
class Constant(Protocol):
    """A contestant that gives the same bytes to whatever it is asked."""

    @property
    def constant(self) -> bytes:
        """The body of its answer."""
        ...
