"""The engine protocol: all that Neuralake asks of a query engine.

An adapter is one class, found through the entry point group ``neuralake.engines``:

    class MyEngine:
        name = "myengine"
        Options = MyOptions                      # a frozen dataclass: names, types, defaults

        def __init__(self, options: MyOptions): ...   # load the library, start the runtime

Nothing heavy is imported at the module's top level: listing engines must be cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import pyarrow as pa

from neuralake.catalog.tables import Table


class Session(Protocol):
    """An engine with its tables registered."""

    def execute(self, sql: str) -> pa.Table:
        """Run one query to its complete result. This call, and nothing else, is timed."""

    def explain(self, sql: str) -> str:
        """The engine's own plan for a query, as text."""

    def close(self) -> None:
        """Forget the tables."""


@runtime_checkable
class Interruptible(Protocol):
    """A session that can be told to end its query. An adapter may lack it."""

    def interrupt(self) -> None:
        """End the query that another thread runs; it raises there."""


class Engine(Protocol):
    """A started engine, alone in its process.

    Attributes
    ----------
    name
        The name on the command line and in results.
    settings
        The settings in effect (thread counts, memory, readers), as recorded in every result.
    """

    name: str
    settings: Mapping[str, Any]

    def versions(self) -> dict[str, str]:
        """Version of every package and runtime that matters to the result."""

    def open(self, tables: Mapping[str, Table]) -> Session:
        """Resolve snapshots and register the tables; measured as a sample of its own.

        It may be called again after a session was closed, or after it raised: then with fewer
        tables, since queries of the others can still be measured.
        """

    def close(self) -> None:
        """Stop the runtime."""


def works_elsewhere(engine: Engine) -> bool:
    """Whether processes do the work that do not descend from this one, as a cluster's do.

    An adapter says so by an attribute ``works_elsewhere``; it may lack it. Of such an engine only
    the elapsed time is measured.
    """
    return bool(getattr(engine, "works_elsewhere", False))


class EngineType(Protocol):
    """The class of an engine: what can be asked before it is started."""

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    Options: ClassVar[type]

    def __call__(self, options: Any) -> Engine:
        """Load the library and start the runtime; measured as a sample of its own."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Why the engine cannot run here, with the line that installs what is missing, or None."""

    @classmethod
    def prepare(cls, options: Any) -> None:
        """Fetch what starting needs (jars), once and unmeasured. An adapter may lack it."""

    @classmethod
    def reach(cls, options: Any, tables: Mapping[str, Table]) -> Mapping[str, str]:
        """Options that depend on where tables lie, such as a file system that must be loaded.

        They are asked for before :meth:`prepare`, unmeasured. An adapter may lack it.
        """

    @classmethod
    def resolve(cls, options: Any, memory_limit_bytes: int | None) -> Mapping[str, str]:
        """Options that depend on the state of the machine, such as the memory that is free.

        They are asked for once a run, so that all its processes are alike. An adapter may lack it.
        """
