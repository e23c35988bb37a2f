"""What a kind of run must tell of itself, so that runs of all kinds are kept and listed alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from neuralake.results.journal import AnyEntry
from neuralake.results.parts import Part
from neuralake.results.records import Fingerprint


class AnyHeader(Protocol):
    """What the header of every run has."""

    @property
    def id(self) -> str:
        """Name of the run and of its directory."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Machine and software."""


class AnyRun(Protocol):
    """What every run has."""

    @property
    def header(self) -> AnyHeader:
        """What was known before it began."""

    @property
    def finished_at(self) -> str | None:
        """UTC, ISO 8601; None if it was interrupted."""


R = TypeVar("R", bound=AnyRun)


@dataclass(frozen=True)
class RunOverview:
    """A run in a line.

    Attributes
    ----------
    id
        Its name.
    workload, scale_factor, engines
        What was run.
    samples
        How many executions were measured.
    verified, judged
        Answers found right, of how many.
    state
        ``finished``, ``interrupted``, or why it cannot be read.
    """

    id: str
    workload: str = ""
    scale_factor: float | None = None
    engines: tuple[str, ...] = ()
    samples: int = 0
    verified: int = 0
    judged: int = 0
    state: str = "finished"


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A kind of run.

    Attributes
    ----------
    name
        As the header of its journal says it.
    command
        That makes such a run and goes on with it.
    document
        The record of a whole run.
    entry
        What a line of its journal holds.
    read
        Reads it from a journal.
    overview
        A run in a line.
    samples
        A run, and its directory, as a table with one row a sample.
    parts
        The files of samples that its journal tells of; none where that holds the samples itself.
    """

    name: str
    command: str
    document: type[R]
    entry: type[AnyEntry]
    read: Callable[[Path], R]
    overview: Callable[[R], RunOverview]
    samples: Callable[[R, Path], pa.Table]
    parts: Callable[[R], Iterable[Part]] = lambda _: ()
