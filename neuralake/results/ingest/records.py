"""The records of a run of the workload ingest.

What is measured of a single commit or poll is not here: it lies in part files beside the journal
(:mod:`neuralake.results.parts`), since there are hundreds of thousands of them. Fields may
be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuralake.results.parts import Part
from neuralake.results.records import (
    Arrivals,
    EngineRecord,
    Fingerprint,
    MachineUse,
    Resumption,
    RoundStatus,
    RoundVerdict,
    StorageFacts,
)

KIND = "ingest"
DISK = "disk"
MAINTAINED = "+maintenance"


@dataclass(frozen=True)
class Case:
    """What is measured against each other: a contestant, with or without maintenance beside it.

    Attributes
    ----------
    contestant
        Its name.
    is_maintained
        Whether compaction, checkpoints and vacuum run beside the producers.
    """

    contestant: str
    is_maintained: bool = False

    @property
    def label(self) -> str:
        """Its name in reports and in names of files."""
        return self.contestant + (MAINTAINED if self.is_maintained else "")


@dataclass(frozen=True)
class Load:
    """What is written, and when.

    Attributes
    ----------
    arrivals
        ``closed``: each producer appends its next batch when the one before is durable.
        ``constant`` and ``poisson``: batches are due at moments of their own, whoever is ready.
    rates
        Rows per second that are offered, one after another; empty where arrivals are closed.
    batch_rows
        Rows of a batch.
    producers
        Threads that append at once, over all processes.
    processes
        Processes that they are shared out to.
    commits
        Batches a round, over all producers, or None.
    duration_s
        Time in which a round's batches are due, or None.
    warm_up
        Batches that are appended before a round and are in no figure.
    seed
        Of the rows and of random arrivals.
    """

    arrivals: Arrivals = "closed"
    rates: tuple[float, ...] = ()
    batch_rows: int = 1000
    producers: int = 1
    processes: int = 1
    commits: int | None = None
    duration_s: float | None = None
    warm_up: int = 20
    seed: int = 1


@dataclass(frozen=True)
class Freshness:
    """When others see what was written.

    Attributes
    ----------
    readers
        Engines that poll beside the producers, each in rounds of its own.
    poll_s
        Time from one poll to the next: what an interval cannot be narrower than.
    """

    readers: tuple[str, ...] = ()
    poll_s: float = 0.02


@dataclass(frozen=True)
class IngestHeader:
    """What is known of a run before its first round: the first line of the journal.

    Attributes
    ----------
    schema_version, id, created_at, workload, fingerprint, kind
        As of every run (:class:`neuralake.results.records.Header`).
    cases
        In the order of odd rounds; even rounds go backwards.
    load
        What is written.
    rounds
        How often each case is measured, in a fresh table and a fresh process each time.
    freshness
        Who reads beside the producers, after the rounds without a reader.
    storage
        Where.
    schema
        Columns of the table with their types.
    maintenance_every_s
        Pause between two passes of maintenance.
    properties
        Configuration of the tables, such as ``delta.logRetentionDuration``.
    timeout_s
        Longest round.
    keeps_tables
        Whether tables stay when they are verified.
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    fingerprint: Fingerprint
    cases: tuple[Case, ...]
    load: Load
    rounds: int
    storage: StorageFacts
    freshness: Freshness = Freshness()
    schema: Mapping[str, str] = field(default_factory=dict)
    maintenance_every_s: float = 1.0
    properties: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 3600.0
    keeps_tables: bool = False
    kind: str = KIND


@dataclass(frozen=True)
class Key:
    """Which round of which case.

    Attributes
    ----------
    case
        What was measured.
    round
        1 … N.
    rate
        Rows per second offered; None where arrivals are closed.
    reader
        Engine that polled beside the producers, or None.
    """

    case: Case
    round: int
    rate: float | None = None
    reader: str | None = None

    @property
    def stem(self) -> str:
        """For names of files and of tables."""
        rate = "" if self.rate is None else f"-{self.rate:.12g}"
        reader = "" if self.reader is None else f"-{self.reader}"
        return f"{self.case.label}{rate}{reader}-r{self.round:02d}"


@dataclass(frozen=True)
class Round:
    """One case, measured once.

    Attributes
    ----------
    key
        Which.
    status
        ``ok``, or why it did not come to its end.
    started_at
        UTC, ISO 8601.
    elapsed_ns
        From the moment that the first batch was due until the last one was durable.
    commits, rows, size_bytes
        Batches that were acknowledged, their rows, and the size of the files they made where the
        contestant tells.
    failed
        Batches whose append raised.
    unstarted
        Batches that were due and that no producer came to before the round was ended.
    parts
        Files of samples: one a process.
    sightings
        File of when the reader saw each batch; None without a reader.
    polls, failed_polls
        Queries of the reader that were answered, and that raised.
    apart_ns
        Median time from one of its answers to the next: the resolution of when it saw a batch.
    unseen
        Acknowledged batches that it never saw.
    cpu_ns, peak_rss_bytes
        Of the contestant's processes during the round.
    passes
        Passes of maintenance that came to their end; None without maintenance.
    message
        Why it failed, or the first failure.
    """

    key: Key
    status: RoundStatus
    started_at: str
    elapsed_ns: int | None = None
    commits: int = 0
    rows: int = 0
    size_bytes: int | None = None
    failed: int = 0
    unstarted: int = 0
    parts: tuple[Part, ...] = ()
    sightings: Part | None = None
    polls: int | None = None
    failed_polls: int | None = None
    apart_ns: int | None = None
    unseen: int | None = None
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    passes: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class RoundVerification:
    """Whether a table holds what was acknowledged, and nothing twice.

    Attributes
    ----------
    key
        Of the round.
    verdict
        ``verified``, ``wrong``, or ``unverified`` where nothing could be read.
    against
        Who read it.
    detail
        What is wrong.
    rows
        That the table holds.
    version, files
        Newest version of the table, and its data files then.
    open_ns
        Median time of up to five in which a reader opened the table at its end.
    """

    key: Key
    verdict: RoundVerdict
    against: str | None = None
    detail: str | None = None
    rows: int | None = None
    version: int | None = None
    files: int | None = None
    open_ns: int | None = None


@dataclass(frozen=True)
class IngestRun:
    """A whole run: the JSON document.

    Attributes
    ----------
    header
        What was known before.
    finished_at
        UTC, ISO 8601; None if the run was interrupted.
    elapsed_ns
        Elapsed time of the whole run; if it was resumed, since then.
    contestants
        As they ran, and those that could not, with the reason.
    rounds
        In the order in which they were measured.
    verifications
        One a round with a table.
    resumptions, machine_use
        As of every run.
    """

    header: IngestHeader
    finished_at: str | None
    elapsed_ns: int | None
    contestants: tuple[EngineRecord, ...]
    rounds: tuple[Round, ...]
    verifications: tuple[RoundVerification, ...]
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None

    @property
    def wrong(self) -> frozenset[Key]:
        """Rounds whose table does not hold what was acknowledged."""
        return frozenset(v.key for v in self.verifications if v.verdict == "wrong")

    @property
    def is_right(self) -> bool:
        """Whether every round came to its end, no append failed, and every table was verified."""
        return all(r.status == "ok" and not r.failed for r in self.rounds) and all(
            v.verdict == "verified" for v in self.verifications
        )
