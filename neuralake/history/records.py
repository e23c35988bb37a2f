"""Plain data of a history: what was measured at which commit, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuralake.stats.summary import Interval

Kind = Literal["regression", "improvement"]


@dataclass(frozen=True, order=True)
class Key:
    """What a series is of; values of different keys are never compared.

    Attributes
    ----------
    benchmark
        Name of an asv benchmark, or workload and scale factor of runs.
    engine, query
        None where the benchmark has no such parameter.
    parameters
        Other parameters, as ``name=value``.
    machine
        Its name in asv, or processor, cores and memory.
    environment
        Versions of Python and of what was required, and options.
    definition
        Which code or SQL text was timed, on which dataset, as a hash.
    """

    benchmark: str
    engine: str | None = None
    query: str | None = None
    parameters: tuple[str, ...] = ()
    machine: str = ""
    environment: str = ""
    definition: str = ""

    @property
    def place(self) -> str:
        """Engine, query and other parameters; the benchmark's name if it has none."""
        parts = (self.engine, self.query, *self.parameters)
        return " ".join(part for part in parts if part) or self.benchmark

    @property
    def label(self) -> str:
        """What is measured, without where."""
        return self.place if self.place == self.benchmark else f"{self.place} {self.benchmark}"


@dataclass(frozen=True)
class Measurement:
    """One value of one key at one commit.

    Attributes
    ----------
    key
        What it is of.
    commit
        Full hash.
    value
        Positive, in the unit.
    interval
        For the value; None if too little is known.
    samples
        What the value is the median of, in the order of measuring; may be empty.
    unit
        As the benchmark says it.
    """

    key: Key
    commit: str
    value: float
    interval: Interval | None
    samples: tuple[float, ...]
    unit: str


@dataclass(frozen=True)
class Omission:
    """Something that was found and is not analysed.

    Attributes
    ----------
    reason
        What it is, and why.
    count
        How many values or files it concerns.
    """

    reason: str
    count: int


@dataclass(frozen=True)
class Commit:
    """A commit on the line that is analysed.

    Attributes
    ----------
    hash
        Full hash.
    position
        Counted from the first commit of the line, 0.
    subject
        First line of its message.
    """

    hash: str
    position: int
    subject: str

    @property
    def short(self) -> str:
        """The first eight digits, as asv names its files."""
        return self.hash[:8]


@dataclass(frozen=True)
class Point:
    """A value at a commit; its interval if there is one."""

    commit: Commit
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Series:
    """Values of one key in the order of the commits.

    Attributes
    ----------
    key
        What they are of.
    unit
        Of the values; ``÷ anchor`` for ratios.
    higher_is_better
        Whether a fall is a regression.
    anchor
        Benchmark that the values are divided by, or None.
    points
        One a commit.
    """

    key: Key
    unit: str
    higher_is_better: bool
    anchor: str | None
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Change:
    """A change point of a series.

    Attributes
    ----------
    kind
        Whether it became worse or better.
    index
        Of the first point at the new level: the best estimate.
    before, after
        The commits whose values stand on either side of the best estimate.
    since, until
        The change came after ``since`` and with ``until`` at the latest, at the confidence.
    commits
        How many commits ``since..until`` has, whether they were measured or not.
    ratio, low, high
        New level ÷ old level, and its interval.
    interval_confidence
        Confidence that the interval really has.
    p_value
        Of the permutation test.
    is_latest
        Whether no other change of the series is later.
    """

    kind: Kind
    index: int
    before: Commit
    after: Commit
    since: Commit
    until: Commit
    commits: int
    ratio: float
    low: float | None
    high: float | None
    interval_confidence: float
    p_value: float
    is_latest: bool


@dataclass(frozen=True)
class Analysed:
    """A series with its changes, in the order of the commits.

    Attributes
    ----------
    series
        The values.
    changes
        What was found.
    is_testable
        Whether it has enough points for any change to be significant.
    """

    series: Series
    changes: tuple[Change, ...]
    is_testable: bool


@dataclass(frozen=True)
class History:
    """All series, and how they were tested.

    Attributes
    ----------
    analysed
        Sorted by key.
    omissions
        What is not analysed, and why.
    confidence
        Asked for: 1 − the rate of false discoveries over all series.
    level
        Greatest p-value that was significant in one series.
    smallest_change
        Least size that counts.
    points_needed, points_needed_alone
        Fewest commits with which a change can be significant at all, and if it is in one series
        only.
    """

    analysed: tuple[Analysed, ...]
    omissions: tuple[Omission, ...]
    confidence: float
    level: float
    smallest_change: float
    points_needed: int
    points_needed_alone: int

    @property
    def is_regressed(self) -> bool:
        """Whether the latest change of any series is a regression."""
        return any(c.is_latest and c.kind == "regression" for a in self.analysed for c in a.changes)
