"""Progress of a run of streams, told between phases and never during one."""

from __future__ import annotations

from neuralake.report.numbers import count
from neuralake.report.steps import Steps
from neuralake.report.streams import words
from neuralake.results.phases.records import PhaseKey, PhaseRecord


class StreamsProgress:
    """An observer that tells of each phase in a line."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def staging(self, sets: int) -> None:
        """Refresh sets are about to be made."""
        self._steps.show(f"making {count(sets, 'refresh set')}")

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""
        self._steps.begin(words.where(key), number, of)

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers are about to be checked by another engine."""
        self._steps.show(f"{words.where(key)}: {by} answers again")

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""
        where = words.where(phase.key)
        if phase.status != "ok":
            self._steps.fault(f"{where}: {phase.status}: {phase.message}")
            return
        wrong = sum(check.verdict == "wrong" for check in phase.answers)
        if wrong:
            self._steps.fault(f"{where}: {count(wrong, 'wrong answer')}")
        for check in phase.end:
            if not check.is_right:
                self._steps.fault(f"{where}: {check.name}: {check.detail}")
