"""Progress of a run of freshness, told between rounds and never during one."""

from __future__ import annotations

from neuralake.report.freshness.words import name
from neuralake.report.numbers import duration
from neuralake.report.steps import Steps
from neuralake.results.freshness.records import Key, Round, RoundVerification


class FreshnessProgress:
    """An observer that tells of each round in a line."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def before(self, key: Key, number: int, of: int, seconds: float) -> None:
        """A round is about to begin."""
        left = f"at least {duration(seconds * (of - number + 1))} left"
        self._steps.begin(_where(key), number, of, left)

    def after(self, found: Round) -> None:
        """It has ended."""
        where = _where(found.key)
        if found.status != "ok":
            self._steps.fault(f"{where}: {found.status}: {found.message}")
        elif found.violations:
            self._steps.fault(f"{where}: a wrong answer: {found.violation}")
        elif not found.is_right:
            lost = found.records - found.acknowledged + found.unseen
            self._steps.fault(f"{where}: {lost:,} records are missing")

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""
        if result.verdict != "verified":
            self._steps.fault(f"{_where(result.key)}: {result.verdict}: {result.detail}")


def _where(key: Key) -> str:
    return f"{name(key.case)}, round {key.round}"
