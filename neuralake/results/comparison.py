"""The records of a comparison: what two arms were, what was measured, and what is said of it.

All are plain frozen dataclasses; :data:`SCHEMA_VERSION` counts incompatible changes. Fields may be
added, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neuralake.results.profiles import Growth
from neuralake.results.records import Fingerprint

SCHEMA_VERSION = 1

Side = Literal["base", "candidate"]
SIDES: tuple[Side, Side] = ("base", "candidate")
By = Literal["time", "instructions"]
OfTime = Literal["slower", "faster", "unchanged"]
OfWork = Literal["more work", "less work", "same work"]
Verdict = OfTime | OfWork | Literal["inconclusive", "wrong", "failed"]
WORSE: tuple[Verdict, ...] = ("slower", "more work")
BETTER: tuple[Verdict, ...] = ("faster", "less work")
SAME: tuple[Verdict, ...] = ("unchanged", "same work")
Ending = Literal["decided", "regression", "time", "failed", "interrupted"]


@dataclass(frozen=True)
class ArmRecord:
    """One side of a comparison.

    Attributes
    ----------
    text
        As it was asked for.
    commit, subject
        The commit, and the first line of its message; None, and words for that, for what was
        installed where the comparison was started.
    requirements
        What was installed on top of that, or of the commit's lock file.
    options
        Engine options, such as ``datafusion:target_partitions=1``.
    packages
        Versions of everything in its environment, by name.
    """

    text: str
    commit: str | None
    subject: str
    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two executions of one query, one right after the other, in the two arms.

    Attributes
    ----------
    engine, query
        What was run.
    processes
        Number of the pair of processes, from 0.
    round
        Number of the round within it, from 0.
    base_wall_ns, candidate_wall_ns
        Elapsed time.
    base_cpu_ns, candidate_cpu_ns
        CPU time of the process trees, or None.
    base_first
        Which of them came first; where instructions were counted by a simulator, both ran at once,
        and the times are the simulator's.
    base_instructions, candidate_instructions
        Executed in user space, or None where nobody counted them.
    base_cycles, candidate_cycles
        That a simulated processor would need, or None.
    """

    engine: str
    query: str
    processes: int
    round: int
    base_wall_ns: int
    candidate_wall_ns: int
    base_cpu_ns: int | None
    candidate_cpu_ns: int | None
    base_first: bool
    base_instructions: int | None = None
    candidate_instructions: int | None = None
    base_cycles: int | None = None
    candidate_cycles: int | None = None


@dataclass(frozen=True)
class Change:
    """What is said of the suite of an engine, or of one query.

    Attributes
    ----------
    query
        Its name; None for the suite, which is the geometric mean over the queries.
    verdict
        ``slower``, ``faster``: the candidate; ``unchanged``: the interval lies within the effect;
        ``inconclusive``; ``wrong``: an answer is wrong; ``failed``: there is none. By counted
        instructions they are ``more work``, ``less work`` and ``same work``.
    ratio, low, high
        Wall time, or counted instructions, candidate ÷ base, and its interval of 95 %.
    cpu_ratio, cpu_low, cpu_high
        The same of CPU time, of which nothing is decided.
    base_ns, candidate_ns
        Median wall time; of the suite the sum of the medians. None where instructions were counted.
    pairs
        Executions of each arm behind it.
    decided_after_pairs
        Pairs that the verdict took, or None.
    more_pairs
        Pairs beyond which there is a verdict, where there is none.
    fixed_size_pairs
        Pairs that a test of fixed size with the noise known beforehand would take.
    spread
        Standard deviation of the logarithm of one pair's ratio.
    unit_spread
        The same of the ratio of a pair of processes.
    message
        Why it is wrong or failed, and in which arm.
    base_instructions, candidate_instructions
        Median count; of the suite the sum of the medians. None where time was measured.
    cycles_ratio, cycles_low, cycles_high
        The same as ``ratio`` of cycles that were estimated, of which nothing is decided.
    """

    query: str | None
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    cpu_ratio: float | None = None
    cpu_low: float | None = None
    cpu_high: float | None = None
    base_ns: float | None = None
    candidate_ns: float | None = None
    pairs: int = 0
    decided_after_pairs: int | None = None
    more_pairs: int | None = None
    fixed_size_pairs: float | None = None
    spread: float | None = None
    unit_spread: float | None = None
    message: str | None = None
    base_instructions: float | None = None
    candidate_instructions: float | None = None
    cycles_ratio: float | None = None
    cycles_low: float | None = None
    cycles_high: float | None = None


@dataclass(frozen=True)
class EngineComparison:
    """One engine in both arms.

    Attributes
    ----------
    engine
        Its name.
    versions, settings
        In each arm (``base``, ``candidate``).
    processes
        Pairs of processes that were measured.
    rounds
        Rounds in each; there may be fewer in the first.
    elapsed_s
        Time that it took, starts included.
    ending
        ``decided``; ``regression``: it ended at the first; ``time`` was up; ``failed``: nothing
        is left to compare; ``interrupted``.
    suite
        What is said of all queries together.
    queries
        What is said of each, in order.
    verified_against
        What the answers were compared with.
    faults
        Tables that an arm does not read rightly, with the reason: none of their queries has a time.
    throttled_periods, throttled_ns
        How often and for how long a quota of CPU time stopped its processes while queries ran,
        summed over processors; None where there was no quota.
    """

    engine: str
    versions: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, Mapping[str, str]]
    processes: int
    rounds: int
    elapsed_s: float
    ending: Ending
    suite: Change
    queries: tuple[Change, ...]
    verified_against: str
    faults: Mapping[str, str] = field(default_factory=dict)
    throttled_periods: int | None = None
    throttled_ns: int | None = None


@dataclass(frozen=True)
class Comparison:
    """A whole comparison: the JSON document.

    Attributes
    ----------
    schema_version
        :data:`SCHEMA_VERSION` of the writer.
    id
        Its name, and that of its directory.
    created_at, finished_at
        UTC, ISO 8601; not finished if it was interrupted.
    workload, dataset_uri, scale_factor
        What was run.
    base, candidate
        The arms.
    effect, query_effect
        Smallest changes that matter, of the suite and of a query (0.02 is 2 %).
    suite_alpha, queries_alpha
        Error rates: of the suite, and of all queries together.
    max_time_s
        Time that was given.
    fingerprint
        Machine and software that compared.
    engines
        In the order in which they ran.
    only_in_base, only_in_candidate
        Queries that the other arm lacks.
    tables
        What identifies the data of each table.
    streams
        How many streams of queries ran at once in each execution: their throughput was compared,
        and the suite is their only "query". None where queries ran alone.
    stream_queries
        Names of those that each of the streams had, in an order of its own.
    by
        What was compared: ``time``, or ``instructions`` that a simulator counted.
    counted
        The same arms by counted instructions, beside this comparison of their times; None unless
        both were asked for.
    grown
        The functions that changed most, by engine and query, where profiles were kept.
    """

    schema_version: int
    id: str
    created_at: str
    finished_at: str | None
    workload: str
    dataset_uri: str
    scale_factor: float | None
    base: ArmRecord
    candidate: ArmRecord
    effect: float
    query_effect: float
    suite_alpha: float
    queries_alpha: float
    max_time_s: float
    fingerprint: Fingerprint
    engines: tuple[EngineComparison, ...]
    only_in_base: tuple[str, ...] = ()
    only_in_candidate: tuple[str, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    streams: int | None = None
    stream_queries: tuple[str, ...] = ()
    by: By = "time"
    counted: Comparison | None = None
    grown: Mapping[str, Mapping[str, tuple[Growth, ...]]] = field(default_factory=dict)

    @property
    def regressed(self) -> bool:
        """Whether anything is slower or more work in the candidate, or wrong or failed in it."""
        bad = (*WORSE, "wrong", "failed")
        return any(change.verdict in bad for change in self._changes_of_both())

    @property
    def is_conclusive(self) -> bool:
        """Whether there is a verdict on everything."""
        return all(change.verdict != "inconclusive" for change in self._changes_of_both())

    def changes(self) -> list[Change]:
        """Every verdict: of each engine the suite's, then the queries'."""
        return [c for engine in self.engines for c in (engine.suite, *engine.queries)]

    def _changes_of_both(self) -> list[Change]:
        return [*self.changes(), *(self.counted.changes() if self.counted else ())]
