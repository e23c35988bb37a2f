"""All that the workload asks of a contestant: a table, and appends that are done when they return.

A contestant is one class, named in :mod:`neuralake.workloads.ingest.contestants.registry`; it lives
in processes of its own. Nothing heavy is imported at a module's top level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import pyarrow as pa

from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.places import Target


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known of an append that is done; what a contestant does not tell is None.

    Attributes
    ----------
    version
        Of the table, in which the rows are.
    size_bytes
        Of the files that were written for it, or for the commit that it shares.
    appends
        Batches that share the commit.
    attempts
        How often the commit was tried.
    steps_ns
        Nanoseconds of waiting, of bringing the batch into the table's form, of encoding, of writing
        the data file, and of the commit.
    """

    version: int | None = None
    size_bytes: int | None = None
    appends: int | None = None
    attempts: int | None = None
    steps_ns: tuple[int | None, int | None, int | None, int | None, int | None] = (None,) * 5


class Appender(Protocol):
    """What one producer thread holds; several may share one."""

    def append(self, batch: pa.RecordBatch, number: int) -> Receipt:
        """Append a batch. This call, and nothing else, is timed; its rows are in when it returns.

        Parameters
        ----------
        batch
            In the schema of :mod:`neuralake.workloads.ingest.batches`.
        number
            Of the batch: no other has it.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Contestant(Protocol):
    """A contestant in a process of its own.

    Attributes
    ----------
    settings
        Whatever a reader of its figures must know, such as whether it syncs.
    """

    settings: Mapping[str, Any]

    def versions(self) -> dict[str, str]:
        """Of every package and runtime that matters to the result."""
        ...

    def appender(self, batches: Batches) -> Appender:
        """For one producer thread; called once a thread, before anything is timed."""
        ...

    def close(self) -> None:
        """Stop the runtime."""
        ...


class ContestantType(Protocol):
    """The class of a contestant: what can be asked before it is started.

    Attributes
    ----------
    name
        On the command line and in results.
    makes_tables
        Whether what it writes is a Delta table, which can be verified and read.
    """

    name: ClassVar[str]
    makes_tables: ClassVar[bool]

    def __call__(self, target: Target) -> Contestant:
        """Load the library and start the runtime; nothing of it is timed."""
        ...

    @classmethod
    def unavailable(cls, target: Target) -> str | None:
        """Why it cannot write there, from here, or None."""
        ...

    @classmethod
    def prepare(cls) -> None:
        """Fetch what starting needs, once and unmeasured. A contestant may lack it."""
        ...


@runtime_checkable
class Maintained(Protocol):
    """A contestant that can keep its own table in order while others append to it."""

    def maintain(self) -> None:
        """One pass of compaction, checkpoint and vacuum, in a process of its own."""
        ...

    def close(self) -> None:
        """Stop the runtime, and whatever is kept in order between two passes."""
        ...
