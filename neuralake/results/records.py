"""The records of a run, and the one JSON document they make.

All are plain frozen dataclasses; :data:`SCHEMA_VERSION` counts incompatible changes. Fields may be
added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 1
QUERIES = "queries"

Phase = Literal["start", "open", "first", "hot", "cold"]
Status = Literal["ok", "wrong", "error", "timeout", "oom", "crashed"]
Verdict = Literal["verified", "wrong", "unverified", "failed"]
# Of a load: when its batches or requests are due, how a round of it ended, what was found of it
Arrivals = Literal["closed", "constant", "poisson"]
RoundStatus = Literal["ok", "error", "timeout", "crashed"]
RoundVerdict = Literal["verified", "wrong", "unverified"]


@dataclass(frozen=True)
class Sample:
    """One measured execution.

    Attributes
    ----------
    engine
        Name of the engine.
    phase
        ``start`` of the engine, ``open`` of the tables, the ``first`` run of a query in its
        process, a ``hot`` run, or a ``cold`` one.
    query
        Name of the query; None for ``start`` and ``open``.
    round
        1 … N for hot and cold runs; for ``start``, ``open`` and ``first`` the number of the
        process: 0, and 1 … for those that replaced it.
    status
        ``ok``, or why there is no usable time.
    started_at
        UTC, ISO 8601.
    wall_ns
        Elapsed time in nanoseconds; None unless the call returned.
    cpu_ns
        CPU time of the engine's process tree.
    peak_rss_bytes
        Peak resident memory of the tree during the execution.
    bytes_read
        Bytes read from block devices during the execution.
    rows
        Rows of the result.
    digest
        Digest of the result (:func:`neuralake.queries.digest.digest`).
    message
        Why it failed.
    process
        Number of the engine's process, counted over the run from 0.
    cached_bytes
        Bytes of the dataset that were in the page cache when a cold run began, though they had
        been evicted; None for other runs, and where the system does not say.
    throttled_periods, throttled_ns
        How often and for how long a quota of CPU time stopped the engine during the execution,
        summed over processors; None where there was no quota.
    bytes_written
        Bytes written to files on block devices during the execution, such as those that an engine
        spills; None in runs from before they were recorded.
    instructions
        That the engine's processes executed in user space; None where the processor's counter is
        not to be had (:attr:`Fingerprint.instructions_unknown`), and in runs from before.
    """

    engine: str
    phase: Phase
    query: str | None
    round: int
    status: Status
    started_at: str
    wall_ns: int | None = None
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    bytes_read: int | None = None
    rows: int | None = None
    digest: str | None = None
    message: str | None = None
    process: int = 0
    cached_bytes: int | None = None
    throttled_periods: int | None = None
    throttled_ns: int | None = None
    bytes_written: int | None = None
    instructions: int | None = None


@dataclass(frozen=True)
class Verification:
    """Whether one engine's answers to one query are right.

    Attributes
    ----------
    engine, query
        Whose answer to what.
    verdict
        ``verified``; ``wrong``; ``unverified`` (nothing to compare with); ``failed`` (no answer).
    against
        What it was compared with: ``official answer``, or the engines that agree.
    detail
        First differing rows, where wrong.
    """

    engine: str
    query: str
    verdict: Verdict
    against: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class EngineRecord:
    """An engine as it ran.

    Attributes
    ----------
    name
        Its name.
    options
        What was asked for.
    settings
        What was in effect.
    versions
        Of packages and runtimes.
    unavailable
        Why it did not run, or None.
    faults
        Tables that it could not open, or of which it read other rows than there are, with the
        reason: no query of them has a time.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    unavailable: str | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fingerprint:
    """The machine and the software of a run; what could not be found out is None.

    Versions and settings of each engine, the JDK included, stand in its :class:`EngineRecord`.

    Attributes
    ----------
    cpu
        Model name.
    cores
        Threads that could use what the run might have of the processors: those of its CPU affinity,
        or the quota rounded up where that is less.
    memory_bytes
        Physical memory, or the control group's limit.
    kernel, os
        Kernel release and name of the distribution.
    load_1m
        Load average of the last minute before the run.
    python
        Version and implementation.
    neuralake
        Version of Neuralake.
    packages
        Versions of installed packages that matter to the result.
    commit
        Commit of the repository that the run was started in.
    dirty
        Whether that work tree had uncommitted changes.
    processors
        Processors of its CPU affinity.
    cpu_quota
        Processors' worth of time that control groups allowed; None without a limit.
    memory_limit_bytes
        Memory that control groups allowed; None without a limit below the machine's memory.
    environment
        Variables that change how fast engines are, secrets hidden; None in runs from before they
        were recorded.
    commit_unknown
        Why commit and dirty flag are not known although there is a repository.
    instructions_unknown
        Why the processor's counter of instructions was not to be had; None where it was, and in
        runs from before it was asked for.
    """

    cpu: str | None
    cores: int
    memory_bytes: int
    kernel: str
    os: str | None
    load_1m: float | None
    python: str
    neuralake: str
    packages: Mapping[str, str]
    commit: str | None
    dirty: bool | None
    processors: int | None = None
    cpu_quota: float | None = None
    memory_limit_bytes: int | None = None
    environment: Mapping[str, str] | None = None
    commit_unknown: str | None = None
    instructions_unknown: str | None = None


@dataclass(frozen=True)
class EngineRequest:
    """An engine that was to run, with its options: what resuming a run needs to know."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What one execution may take.

    Attributes
    ----------
    timeout_s
        Elapsed time of one execution of a query, or None.
    memory_bytes
        Memory of the engine's process tree, or None.
    memory_limiter
        ``cgroup``: the kernel keeps the limit; ``watched``: the resident memory is read every few
        milliseconds; None without a limit.
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None
    memory_limiter: Literal["cgroup", "watched"] | None = None


@dataclass(frozen=True)
class Resumption:
    """An interrupted run went on.

    Attributes
    ----------
    resumed_at
        UTC, ISO 8601.
    after_samples
        Samples that there were.
    fingerprint
        The machine and the software then.
    """

    resumed_at: str
    after_samples: int
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Header:
    """What is known of a run before its first sample: the first line of the journal.

    Attributes
    ----------
    schema_version
        :data:`SCHEMA_VERSION` of the writer.
    id
        Name of the run and of its directory.
    created_at
        UTC, ISO 8601.
    workload
        Name of the workload.
    dataset_uri
        Where its tables lie.
    scale_factor
        Size of the dataset, or None.
    dataset
        Facts of the dataset's manifest.
    queries
        Names, in the order in which they run.
    runs
        Hot runs of each query.
    fingerprint
        Machine and software.
    engines
        Those that were to run, in order.
    cold_runs
        Cold runs of each query.
    limits
        What one execution might take.
    query_sha256
        Of each query's SQL text, with its parameters filled in.
    kind
        Of run: what its journal holds (:mod:`neuralake.results.kinds`).
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    dataset_uri: str
    scale_factor: float | None
    dataset: Mapping[str, Any]
    queries: tuple[str, ...]
    runs: int
    fingerprint: Fingerprint
    engines: tuple[EngineRequest, ...] = ()
    cold_runs: int = 0
    limits: Limits = Limits()
    query_sha256: Mapping[str, str] = field(default_factory=dict)
    kind: str = QUERIES


@dataclass(frozen=True)
class StorageFacts:
    """Where the tables are written.

    Attributes
    ----------
    uri
        Directory or address under which they are made.
    filesystem, device, mount_options
        As the kernel names them; None on object storage, and where it does not tell.
    is_rotational
        Whether the device's platters turn, as the kernel believes.
    sync_ns
        Median time of 64 times writing 4 KiB to a file and fsync(2), before the run.
    endpoint
        Host of the object storage.
    """

    uri: str
    filesystem: str | None = None
    device: str | None = None
    mount_options: str | None = None
    is_rotational: bool | None = None
    sync_ns: int | None = None
    endpoint: str | None = None


@dataclass(frozen=True)
class MachineUse:
    """What the whole machine did during a run; since it was resumed, if it was.

    Attributes
    ----------
    elapsed_s
        Elapsed time.
    processors
        Of the machine, those included that the run might not use.
    busy_s
        Processor time of all programs, the run included.
    own_s
        Processor time of the run.
    stolen_s
        Processor time that a hypervisor gave to others.
    """

    elapsed_s: float
    processors: int
    busy_s: float
    own_s: float
    stolen_s: float

    @property
    def others(self) -> float:
        """Share of the machine's processor time that other programs took, 0 to 1."""
        return max(self.busy_s - self.own_s, 0.0) / (self.elapsed_s * self.processors)

    @property
    def stolen(self) -> float:
        """Share that was stolen, 0 to 1."""
        return self.stolen_s / (self.elapsed_s * self.processors)


@dataclass(frozen=True)
class Run:
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
        As they ran, in order.
    verifications
        One an engine and query.
    samples
        In the order in which they were taken.
    resumptions
        When the run went on after an interruption.
    machine_use
        What the machine did meanwhile; None if the run was interrupted, or the kernel does not
        tell.
    """

    header: Header
    finished_at: str | None
    elapsed_ns: int | None
    engines: tuple[EngineRecord, ...]
    verifications: tuple[Verification, ...]
    samples: tuple[Sample, ...]
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None

    @property
    def wrong(self) -> frozenset[tuple[str, str]]:
        """Engine and query of answers that were found wrong."""
        return frozenset((v.engine, v.query) for v in self.verifications if v.verdict == "wrong")

    @property
    def is_right(self) -> bool:
        """Whether no answer was wrong or missing."""
        return all(v.verdict not in ("wrong", "failed") for v in self.verifications)
