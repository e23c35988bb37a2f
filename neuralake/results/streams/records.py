"""The records of a run of the workload streams.

What is measured of a single query or refresh lies in part files beside the journal
(:mod:`neuralake.results.phases.samples`). Fields may be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralake.results.phases.records import PhaseRecord, SessionMapping, WriterName
from neuralake.results.records import (
    EngineRecord,
    EngineRequest,
    Fingerprint,
    Limits,
    MachineUse,
    Resumption,
)

KIND = "streams"
POWER = "power"
REFRESHES = "refreshes"
_THROUGHPUT = "throughput-"


def throughput_phase(streams: int) -> str:
    """Name of the phase in which some streams run at once."""
    return f"{_THROUGHPUT}{streams}"


def streams_of(phase: str) -> int:
    """How many streams run at once in a phase; 0 for the power run, which is one session."""
    return int(phase.removeprefix(_THROUGHPUT)) if phase.startswith(_THROUGHPUT) else 0


@dataclass(frozen=True)
class StreamsHeader:
    """What is known of a run before its first phase: the first line of the journal.

    Attributes
    ----------
    schema_version, id, created_at, workload, fingerprint, kind
        As of every run (:class:`neuralake.results.records.Header`).
    engines
        In the order of odd rounds; even rounds go backwards.
    dataset_uri, scale_factor, dataset
        Of the tables, which are copied; and the facts of their manifest.
    place
        Directory of the copies.
    streams
        How many at once in the throughput runs, one after another.
    seed
        Of the parameters: stream s of a run has the seed plus s.
    sets
        Numbers of the refresh sets: that of the power run, and those of the streams.
    rounds
        How often each engine is measured.
    mapping
        By engine: ``threads`` of one engine, or ``processes``, one for each stream.
    writer
        ``engine``, each by its own path; or ``neuralake``.
    limits
        What one query or refresh, and an engine's processes, might take.
    keeps_tables
        Whether the copies stay.
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    fingerprint: Fingerprint
    engines: tuple[EngineRequest, ...]
    dataset_uri: str
    scale_factor: float
    dataset: Mapping[str, Any]
    place: str
    streams: tuple[int, ...]
    seed: int
    sets: tuple[int, ...] = ()
    rounds: int = 1
    mapping: Mapping[str, SessionMapping] = field(default_factory=dict)
    writer: WriterName = "engine"
    limits: Limits = field(default_factory=Limits)
    keeps_tables: bool = False
    kind: str = KIND

    @property
    def phases(self) -> tuple[str, ...]:
        """Names of the phases of a round, in order."""
        return (POWER, *map(throughput_phase, self.streams))


@dataclass(frozen=True)
class StreamsRun:
    """A whole run: the JSON document.

    Attributes
    ----------
    header
        What was known before.
    finished_at
        UTC, ISO 8601; None if the run was interrupted.
    elapsed_ns
        Elapsed time of the whole run; if it was resumed, since then.
    engines
        As they ran, and those that could not, with the reason.
    phases
        In the order in which they were measured.
    resumptions, machine_use
        As of every run.
    """

    header: StreamsHeader
    finished_at: str | None
    elapsed_ns: int | None
    engines: tuple[EngineRecord, ...]
    phases: tuple[PhaseRecord, ...]
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None
