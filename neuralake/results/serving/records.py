"""The records of a run of the workload serving.

What is measured of a single request is not here: it lies in part files beside the journal
(:mod:`neuralake.results.parts`). Fields may be added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from neuralake.results.parts import Part
from neuralake.results.records import (
    Arrivals,
    EngineRecord,
    Fingerprint,
    MachineUse,
    Resumption,
    RoundStatus,
)

KIND = "serving"
NULL = "null"

Keys = Literal["zipf", "uniform"]


@dataclass(frozen=True)
class Mix:
    """What is asked.

    Attributes
    ----------
    weights
        Share of each kind of request, ``point``, ``aggregate`` and ``tpch``; they add up to 1.
    keys
        How often each key is drawn: ``zipf``, a few of them often, or ``uniform``.
    table_rows
        Rows of the table that ``point`` and ``aggregate`` ask.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: {"point": 1.0})
    keys: Keys = "zipf"
    table_rows: int = 100_000


@dataclass(frozen=True)
class Rate:
    """A rate that is offered.

    Attributes
    ----------
    text
        As it was typed: ``50%`` of the contestant's capacity, or ``300`` requests a second.
    share
        Of the capacity, or None.
    per_second
        Requests a second, or None where it is a share.
    """

    text: str
    share: float | None = None
    per_second: float | None = None

    def offered(self, capacity: float) -> float:
        """Requests a second, of a contestant that has some capacity."""
        if self.per_second is not None:
            return self.per_second
        return (self.share or 0.0) * capacity


@dataclass(frozen=True)
class Load:
    """How requests come.

    Attributes
    ----------
    mix
        What is asked.
    rates
        One after another.
    arrivals
        ``constant`` or ``poisson``.
    duration_s
        Time in which the requests of a round are due.
    connections
        Most requests that are under way at once; what is due beyond waits in the driver.
    timeout_s
        Longest time from the moment at which a request was due until its answer.
    warm_up_s
        Time of a closed loop before each round, which is in no figure.
    capacity_step_s
        Time of each step of the search for the capacity.
    recovery_s
        Time after the load's end in which a low rate is offered, of rates from the capacity on;
        0 for none.
    seed
        Of keys and of random arrivals.
    """

    mix: Mix = Mix()
    rates: tuple[Rate, ...] = ()
    arrivals: Arrivals = "constant"
    duration_s: float = 5.0
    connections: int = 256
    timeout_s: float = 10.0
    warm_up_s: float = 1.0
    capacity_step_s: float = 1.0
    recovery_s: float = 5.0
    seed: int = 1


@dataclass(frozen=True)
class ServingHeader:
    """What is known of a run before its first round: the first line of the journal.

    Attributes
    ----------
    schema_version, id, created_at, workload, fingerprint, kind
        As of every run (:class:`neuralake.results.records.Header`).
    contestants
        In the order of odd rounds; even rounds go backwards.
    load
        What is asked, and when.
    rounds
        How often each contestant is measured at each rate, in a fresh process each time.
    schema
        Columns of the table with their types.
    dataset
        URI of the TPC-H dataset, where it is asked.
    scale_factor
        Of it.
    facts
        What identifies it; None without one, and in runs from before it was recorded.
    """

    schema_version: int
    id: str
    created_at: str
    workload: str
    fingerprint: Fingerprint
    contestants: tuple[str, ...]
    load: Load
    rounds: int
    schema: Mapping[str, str] = field(default_factory=dict)
    dataset: str | None = None
    scale_factor: float | None = None
    kind: str = KIND
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """A step of the search for a capacity.

    Attributes
    ----------
    connections
        Requests under way at once.
    answered, refused, failed
        Requests that were answered, that were refused (429), and that came to nothing.
    per_second
        Answered requests a second.
    median_ms
        Median latency of those, or None without any.
    """

    connections: int
    answered: int
    refused: int
    failed: int
    per_second: float
    median_ms: float | None = None


@dataclass(frozen=True)
class Capacity:
    """How many requests a contestant can answer a second.

    Attributes
    ----------
    contestant
        Its name.
    status
        ``ok``, or why there is none.
    per_second
        The most that a step of the closed loop has reached.
    steps
        With one connection, two, four …
    parts
        Files of samples.
    wrong
        Answers that were not right.
    ready_ns
        From the start of the server's process until it answered.
    message
        Why it failed.
    """

    contestant: str
    status: RoundStatus
    per_second: float | None = None
    steps: tuple[Step, ...] = ()
    parts: tuple[Part, ...] = ()
    wrong: int = 0
    ready_ns: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class Key:
    """Which round of which contestant at which rate."""

    contestant: str
    rate: str
    round: int

    @property
    def stem(self) -> str:
        """For names of files."""
        rate = self.rate.replace("%", "pc")
        return f"{self.contestant}-{rate}-r{self.round:02d}"


@dataclass(frozen=True)
class Round:
    """One contestant at one rate, measured once.

    Attributes
    ----------
    key
        Which.
    status
        ``ok``, or why it did not come to its end.
    started_at
        UTC, ISO 8601.
    offered
        Requests a second that were due.
    requests, answered, refused, failed, timeouts, wrong
        Requests that were due while the load lasted; of them those answered rightly, refused with
        429, failed otherwise, not answered in time, and answered wrongly.
    elapsed_ns
        From the first moment that one was due until the last answer.
    parts
        Files of samples.
    cpu_ns, peak_rss_bytes
        Of the server's process tree while the load lasted; None of a contestant in process.
    driver_cpu_ns
        Of the driver's process while the load lasted, what is asked in process included.
    recovery_ns
        From the load's end until requests were answered as before; None if it was not looked for,
        or did not come.
    recovers
        Whether it came; None if it was not looked for.
    message
        Why it failed, the first failure, or the first wrong answer.
    """

    key: Key
    status: RoundStatus
    started_at: str
    offered: float | None = None
    requests: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    timeouts: int = 0
    wrong: int = 0
    elapsed_ns: int | None = None
    parts: tuple[Part, ...] = ()
    cpu_ns: int | None = None
    peak_rss_bytes: int | None = None
    driver_cpu_ns: int | None = None
    recovery_ns: int | None = None
    recovers: bool | None = None
    message: str | None = None


@dataclass(frozen=True)
class ServingRun:
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
    capacities
        One a contestant.
    rounds
        In the order in which they were measured.
    resumptions, machine_use
        As of every run.
    """

    header: ServingHeader
    finished_at: str | None
    elapsed_ns: int | None
    contestants: tuple[EngineRecord, ...]
    capacities: tuple[Capacity, ...]
    rounds: tuple[Round, ...]
    resumptions: tuple[Resumption, ...] = ()
    machine_use: MachineUse | None = None

    @property
    def is_right(self) -> bool:
        """Whether every round came to its end, and no answer was wrong."""
        return all(c.status == "ok" and not c.wrong for c in self.capacities) and all(
            r.status == "ok" and not r.wrong for r in self.rounds
        )

    def capacity_of(self, contestant: str) -> Capacity | None:
        """Of a contestant, or None if it is not known."""
        return next((c for c in self.capacities if c.contestant == contestant), None)
