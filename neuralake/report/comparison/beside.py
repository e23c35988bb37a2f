"""Counted work beside time: of which queries the two differ, and what that points to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neuralake.results.comparison import Change

Interval = tuple[float, float]


@dataclass(frozen=True)
class Beside:
    """One query, or the suite, counted and timed.

    Attributes
    ----------
    counted
        Change of instructions.
    timed
        Change of wall time, with that of CPU time.
    """

    counted: Change
    timed: Change

    @property
    def query(self) -> str | None:
        """Name of the query; None for the suite."""
        return self.timed.query

    @property
    def disagrees(self) -> bool:
        """Whether the intervals of 95 % have no value in common."""
        counted, timed = _interval(self.counted), _interval(self.timed)
        return counted is not None and timed is not None and not _meet(counted, timed)

    def points_to(self) -> str | None:
        """What a disagreement points to, in a sentence without a full stop; None without one."""
        if not self.disagrees or self.timed.ratio is None or self.counted.ratio is None:
            return None
        is_longer = self.timed.ratio > self.counted.ratio
        counted, timed, cpu = (
            *(_interval(self.counted), _interval(self.timed)),
            _ends(self.timed.cpu_low, self.timed.cpu_high),
        )
        waits = (
            "more waiting (disk, locks), or less at once"
            if is_longer
            else "less waiting (disk, locks), or more at once"
        )
        costs = (
            "instructions that cost more (caches, branches, memory)"
            if is_longer
            else "instructions that cost less (caches, branches, wider vectors)"
        )
        sizes = "small data, of which planning is a greater part"
        if cpu is not None and _meet(cpu, counted) and not _meet(cpu, timed):
            return f"CPU time agrees with the count: {waits}"
        if cpu is not None and _meet(cpu, timed) and not _meet(cpu, counted):
            return f"CPU time agrees with the clock: {costs}; or {sizes}"
        return f"{waits}; {costs}; or {sizes}"


def side_by_side(counted: Sequence[Change], timed: Sequence[Change]) -> Iterator[Beside]:
    """The changes that have a ratio of both kinds, in the order of those that were timed."""
    of_work = {change.query: change for change in counted if change.ratio is not None}
    for change in timed:
        if change.ratio is not None and change.query in of_work:
            yield Beside(of_work[change.query], change)


def correlation(pairs: Sequence[Beside]) -> float | None:
    """Pearson's, of the logarithms of the ratios; None of fewer than three, or of no change."""
    logs = [
        (math.log(pair.counted.ratio), math.log(pair.timed.ratio))
        for pair in pairs
        if pair.counted.ratio is not None and pair.timed.ratio is not None
    ]
    if len(logs) < 3:
        return None
    means = [sum(values) / len(logs) for values in zip(*logs, strict=True)]
    apart = [(x - means[0], y - means[1]) for x, y in logs]
    squares = math.prod(sum(pair[axis] ** 2 for pair in apart) for axis in (0, 1))
    return sum(x * y for x, y in apart) / math.sqrt(squares) if squares > 0 else None


def _interval(change: Change) -> Interval | None:
    return _ends(change.low, change.high)


def _ends(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else (low, high)


def _meet(one: Interval | None, other: Interval | None) -> bool:
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])
