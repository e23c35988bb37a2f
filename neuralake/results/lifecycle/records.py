"""The records of a run of the workload lifecycle.

What is measured of a single task lies in part files beside the journal
(:mod:`neuralake.results.phases.samples`). Fields may be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralake.results.phases.records import PhaseKey, PhaseRecord, SessionMapping, WriterName
from neuralake.results.records import (
    EngineRecord,
    EngineRequest,
    Fingerprint,
    Limits,
    MachineUse,
    Resumption,
)

KIND = "lifecycle"


@dataclass(frozen=True)
class Expected:
    """What a table holds after a phase, found by carrying the plan out in memory.

    Attributes
    ----------
    table
        Its name.
    rows
        How many.
    digest
        Of all rows in any order (:func:`neuralake.queries.digest.digest`).
    columns
        Digest of each column by itself.
    """

    table: str
    rows: int
    digest: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedPhase:
    """A phase as it was planned.

    Attributes
    ----------
    name
        In the plan, with its turn where a loop repeats it.
    series, turn
        Phases whose latencies are compared with one another, and which of them it is, from 1.
    alone
        The series in which the same queries run alone, or None.
    has_queries, changes_rows, is_maintenance
        What is done in it; maintenance is when nothing else is.
    kinds
        Of its tasks.
    expected
        What the tables hold after it that it names.
    asks
        How often it asks each question, by the names of the tasks; None in runs from before that
        was recorded.
    """

    name: str
    series: str
    turn: int
    alone: str | None = None
    has_queries: bool = False
    changes_rows: bool = False
    is_maintenance: bool = False
    kinds: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    asks: Mapping[str, int] | None = None


@dataclass(frozen=True)
class LifecycleHeader:
    """What is known of a run before its first phase: the first line of the journal.

    Attributes
    ----------
    schema_version, id, created_at, workload, fingerprint, kind
        As of every run (:class:`neuralake.results.records.Header`).
    plan
        The name of the plan.
    plan_text
        Its file, as it was read.
    plan_source
        Where that lies, or the name of a scenario.
    phases
        Of a repetition, in order.
    engines
        In the order of odd repetitions; even ones go backwards.
    queries_of
        Name of the workload whose queries are asked.
    dataset_uri, scale_factor, dataset
        Of the tables, which are copied; and what identifies them.
    query_sha256
        Of each query's SQL text, with its parameters filled in.
    tables
        What identifies each table of the plan as it was when the run began.
    place
        Directory of the copies.
    repetitions
        How often each engine carries out the whole plan, on fresh copies each time.
    mapping
        By engine: sessions at once are ``threads`` of one engine, or ``processes``.
    writer
        ``engine``, each by its own path; or ``neuralake``.
    limits
        What one task, and an engine's processes, might take.
    keeps_tables
        Whether the copies stay.
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    fingerprint: Fingerprint
    plan: str
    plan_text: str
    plan_source: str
    phases: tuple[PlannedPhase, ...]
    engines: tuple[EngineRequest, ...]
    queries_of: str
    dataset_uri: str
    scale_factor: float | None
    dataset: Mapping[str, Any]
    place: str
    query_sha256: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    repetitions: int = 1
    mapping: Mapping[str, SessionMapping] = field(default_factory=dict)
    writer: WriterName = "engine"
    limits: Limits = field(default_factory=Limits)
    keeps_tables: bool = False
    kind: str = KIND

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of all tasks of the plan, pauses excepted, in the order in which they come."""
        every = dict.fromkeys(kind for phase in self.phases for kind in phase.kinds)
        return tuple(kind for kind in every if kind != "pause")

    @property
    def repetition_numbers(self) -> range:
        """Of the repetitions that were planned."""
        return range(1, self.repetitions + 1)


@dataclass(frozen=True)
class TableSize:
    """A table after a phase.

    Attributes
    ----------
    table
        Its name.
    version
        Its newest.
    live_files, live_bytes
        Data files of that version.
    stored_files, stored_bytes
        Data files in its directory, those of earlier versions included.
    log_files, log_bytes
        Entries and checkpoints of its log.
    """

    table: str
    version: int
    live_files: int
    live_bytes: int
    stored_files: int
    stored_bytes: int
    log_files: int
    log_bytes: int


@dataclass(frozen=True)
class Change:
    """What a task that changes rows has cost in writing.

    Attributes
    ----------
    task, kind, table
        Which.
    rows, rows_bytes
        That it added, changed or deleted, and their size as Parquet.
    written_bytes
        Data files and deletion vectors that its version added; None where that is not told.
    """

    task: str
    kind: str
    table: str
    rows: int
    rows_bytes: int
    written_bytes: int | None = None


@dataclass(frozen=True)
class PhaseEnd:
    """What a phase left behind: the line of the journal after the phase's own.

    Attributes
    ----------
    key
        Of the phase.
    tables
        Sizes of the tables of the plan, where they are.
    changes
        Of its tasks.
    """

    key: PhaseKey
    tables: tuple[TableSize, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class RepetitionEnd:
    """An engine has carried out the plan once, or as much of it as it could.

    Attributes
    ----------
    engine, repetition
        Which.
    stopped
        Why the phases after some point were not run, or None.
    """

    engine: str
    repetition: int
    stopped: str | None = None


@dataclass(frozen=True)
class LifecycleRun:
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
    ends
        What each of them left behind.
    repetitions
        That came to their ends.
    resumptions, machine_use
        As of every run.
    """

    header: LifecycleHeader
    finished_at: str | None
    elapsed_ns: int | None
    engines: tuple[EngineRecord, ...]
    phases: tuple[PhaseRecord, ...]
    ends: tuple[PhaseEnd, ...] = ()
    repetitions: tuple[RepetitionEnd, ...] = ()
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None

    @property
    def planned(self) -> Mapping[str, PlannedPhase]:
        """The phases of a repetition by name."""
        return {phase.name: phase for phase in self.header.phases}
