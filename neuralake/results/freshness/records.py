"""The records of a run of the workload freshness.

What is measured of a single batch, poll or commit is not here: it lies in part files beside the
journal (:mod:`neuralake.results.freshness.samples`). Fields may be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neuralake.results.parts import Part
from neuralake.results.records import (
    EngineRecord,
    Fingerprint,
    MachineUse,
    Resumption,
    RoundStatus,
    RoundVerdict,
    StorageFacts,
)

KIND = "freshness"
COMPACTED = "+compaction"

SourceName = Literal["flight", "kafka"]
EventArrivals = Literal["constant", "poisson"]


@dataclass(frozen=True)
class Load:
    """What is written, and when.

    Attributes
    ----------
    source
        Through which records come to the writer.
    rates
        Records per second that are offered, each in rounds of its own.
    arrivals
        ``constant``: records are due at even distances. ``poisson``: independent of one another.
    duration_s
        How long records are due in a round, without the warm-up.
    warm_up_s
        How long records are due before; they are in no figure.
    pieces
        Into how many equal pieces the duration is cut.
    pause_s
        How long nothing is due before each piece and after the last: what queries take alone.
    linger_s
        How long a batch waits for further records before it is sent.
    producers
        Streams of Flight, or partitions of the topic; each numbers its own records.
    brokers
        Of Kafka, ``host:port``; None starts one for each round.
    batch_age_s
        Age at which the writer commits what it has, its ``--batch-age``; None leaves it to the
        writer.
    seed
        Of the rows and of random arrivals.
    """

    source: SourceName = "flight"
    rates: tuple[float, ...] = (1000.0, 10_000.0)
    arrivals: EventArrivals = "constant"
    duration_s: float = 20.0
    warm_up_s: float = 2.0
    pieces: int = 2
    pause_s: float = 2.0
    linger_s: float = 0.005
    producers: int = 1
    batch_age_s: float | None = None
    seed: int = 1
    brokers: str | None = None


@dataclass(frozen=True)
class Asking:
    """Who asks beside the writing, and when.

    Attributes
    ----------
    readers
        Each in rounds of its own.
    poll_s
        From one poll to the next: what an interval cannot be narrower than.
    connections
        How many queries may be under way at once.
    bound_s
        Bound on p99 of visibility, below which a rate counts as sustained.
    """

    readers: tuple[str, ...] = ("http",)
    poll_s: float = 0.02
    connections: int = 1
    bound_s: float = 0.1


@dataclass(frozen=True)
class FreshnessHeader:
    """What is known of a run before its first round: the first line of the journal.

    Attributes
    ----------
    schema_version, id, created_at, workload, fingerprint, kind
        As of every run (:class:`neuralake.results.records.Header`).
    load, asking
        What is written, and who asks.
    compaction
        Whether compaction and vacuum run beside the appends: each in rounds of its own.
    rounds
        How often each case is measured, in a fresh table and fresh processes each time.
    storage
        Where.
    schema
        Columns of the table with their types.
    timeout_s
        Longest time beyond a round's own until everything is durable and seen.
    keeps_tables
        Whether tables stay when they are verified.
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    fingerprint: Fingerprint
    load: Load
    asking: Asking
    compaction: tuple[bool, ...]
    rounds: int
    storage: StorageFacts
    schema: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 120.0
    keeps_tables: bool = False
    kind: str = KIND


@dataclass(frozen=True)
class Case:
    """What is measured against each other.

    Attributes
    ----------
    rate
        Records per second.
    is_compacted
        Whether compaction and vacuum run beside the appends.
    reader
        Who asks.
    """

    rate: float
    is_compacted: bool
    reader: str

    @property
    def stem(self) -> str:
        """For names of files and of tables."""
        return f"{self.reader}{COMPACTED if self.is_compacted else ''}-{self.rate:.12g}"


@dataclass(frozen=True)
class Key:
    """Which round, from 1, of which case."""

    case: Case
    round: int

    @property
    def stem(self) -> str:
        """For names of files and of tables."""
        return f"{self.case.stem}-r{self.round:02d}"


@dataclass(frozen=True)
class ProcessUse:
    """What a process of a round used from the first record on until all were seen.

    Attributes
    ----------
    cpu_ns
        User and system time of it and its descendants.
    peak_rss_bytes
        Its peak resident memory; None where the system does not tell.
    delayed_ns
        For how long its threads waited for a processor, summed; None where the system does not
        tell.
    """

    cpu_ns: int | None
    peak_rss_bytes: int | None = None
    delayed_ns: int | None = None


@dataclass(frozen=True)
class Parts:
    """Files of samples of a round.

    Attributes
    ----------
    batches
        Of what was sent, and when it was acknowledged.
    polls
        Of each poll.
    sightings
        Up to where each answer held the records of each producer.
    commits
        Of each version of the table.
    distributions
        Of times to durability, to table and to visibility, and of the age of answers.
    ways
        Of the stages of records' ways; None in runs of earlier versions.
    """

    batches: Part
    polls: Part
    sightings: Part
    commits: Part
    distributions: Part
    ways: Part | None = None

    @property
    def every(self) -> tuple[Part, ...]:
        """All of them."""
        known = (self.batches, self.polls, self.sightings, self.commits, self.distributions)
        return known if self.ways is None else (*known, self.ways)


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
        From the moment at which the first record was due until all were seen.
    records, acknowledged, unseen
        That were due; of them that were acknowledged; and that the reader never held.
    late_ns
        The longest time after which a batch was sent that should have been: what the driver itself
        has added.
    polls, asked, failed_polls
        Polls that were due; queries that were asked for them; and that failed.
    apart_ns
        Median time from one answer to the next: the width of an interval.
    violations
        Answers that no state of the table could have given, or that took records back.
    violation
        What the first of them was.
    versions, compactions
        Of the table, and those of them that were made by compaction.
    clock_ns
        By how much the wall clock went wrong against the monotonic one during the round.
    use
        By process.
    parts
        Files of samples; None if the round did not come to its end.
    message
        Why it failed, or the first failure.
    """

    key: Key
    status: RoundStatus
    started_at: str
    elapsed_ns: int | None = None
    records: int = 0
    acknowledged: int = 0
    unseen: int = 0
    late_ns: int = 0
    polls: int = 0
    asked: int = 0
    failed_polls: int = 0
    apart_ns: int | None = None
    violations: int = 0
    violation: str | None = None
    versions: int = 0
    compactions: int = 0
    clock_ns: int = 0
    use: Mapping[str, ProcessUse] = field(default_factory=dict)
    parts: Parts | None = None
    message: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether it came to its end, each answer was possible, and each record was seen."""
        is_whole = self.acknowledged == self.records and not self.unseen
        return self.status == "ok" and is_whole and not self.violations


@dataclass(frozen=True)
class RoundVerification:
    """Whether a table holds every record once, read by another engine than the reader.

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
    records
        That the table holds.
    version, files
        Newest version of the table, and its data files then.
    """

    key: Key
    verdict: RoundVerdict
    against: str | None = None
    detail: str | None = None
    records: int | None = None
    version: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class FreshnessRun:
    """A whole run: the JSON document.

    Attributes
    ----------
    header
        What was known before.
    finished_at
        UTC, ISO 8601; None if the run was interrupted.
    elapsed_ns
        Elapsed time of the whole run; if it was resumed, since then.
    readers
        As they ran.
    rounds
        In the order in which they were measured.
    verifications
        One a round that came to its end.
    resumptions, machine_use
        As of every run.
    """

    header: FreshnessHeader
    finished_at: str | None
    elapsed_ns: int | None
    readers: tuple[EngineRecord, ...]
    rounds: tuple[Round, ...]
    verifications: tuple[RoundVerification, ...]
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None

    @property
    def wrong(self) -> frozenset[Key]:
        """Rounds of which an answer was impossible, a record missing, or a table not right."""
        judged = {v.key for v in self.verifications if v.verdict == "wrong"}
        impossible = {r.key for r in self.rounds if r.status == "ok" and not r.is_right}
        return frozenset(judged | impossible)

    @property
    def is_right(self) -> bool:
        """Whether every round came to its end, and nothing was wrong, missing or double."""
        return all(r.is_right for r in self.rounds) and all(
            v.verdict == "verified" for v in self.verifications
        )
