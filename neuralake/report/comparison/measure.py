"""What was compared, in words: elapsed time, or instructions that were counted."""

from __future__ import annotations

from dataclasses import dataclass

from neuralake.results.comparison import By, Change, Verdict


@dataclass(frozen=True)
class Measure:
    """A quantity of which two arms may have more or less.

    Attributes
    ----------
    name
        ``wall time``.
    unit
        In which amounts are shown.
    beside, beside_short
        What is shown beside it, and decides nothing.
    worse, better, same
        Verdicts on it.
    total
        What is said of a verdict that is not given.
    """

    name: str
    unit: str
    beside: str
    beside_short: str
    worse: Verdict
    better: Verdict
    same: Verdict
    total: str


_TIME = Measure("wall time", "ms", "CPU time", "CPU", "slower", "faster", "unchanged", "speed")
_INSTRUCTIONS = Measure(
    *("instructions", "millions", "estimated cycles", "cycles"),
    *("more work", "less work", "same work"),
    "work",
)


def measure_of(by: By) -> Measure:
    """The words for what was compared."""
    return _TIME if by == "time" else _INSTRUCTIONS


def amounts(change: Change) -> tuple[float | None, float | None]:
    """Median of each arm: nanoseconds, or instructions; a millionth of either is shown."""
    if change.base_instructions is not None:
        return change.base_instructions, change.candidate_instructions
    return change.base_ns, change.candidate_ns
