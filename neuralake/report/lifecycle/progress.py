"""Progress of a run of lifecycle, told between phases and never during one."""

from __future__ import annotations

from neuralake.report.lifecycle import words
from neuralake.report.numbers import count
from neuralake.report.steps import Steps
from neuralake.results.lifecycle.records import RepetitionEnd
from neuralake.results.phases.records import PhaseKey, PhaseRecord


class LifecycleProgress:
    """An observer that tells of each phase in a line."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""
        self._steps.begin(_where(key), number, of)

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers and tables are about to be checked by another engine."""
        self._steps.show(f"{_where(key)}: {by} looks again")

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""
        where = _where(phase.key)
        if phase.status != "ok":
            self._steps.fault(f"{where}: {phase.status}: {phase.message}")
        wrong = sum(check.verdict == "wrong" for check in phase.answers)
        if wrong:
            self._steps.fault(f"{where}: {count(wrong, 'wrong answer')}")
        for check in phase.end:
            if check.is_right is False:
                self._steps.fault(f"{where}: {check.name}: {check.detail}")

    def ended(self, end: RepetitionEnd) -> None:
        """An engine has carried out the plan, or as much of it as it could."""
        if end.stopped:
            self._steps.note(
                f"{end.engine}, repetition {end.repetition} ended early: {end.stopped}"
            )


def _where(key: PhaseKey) -> str:
    return f"{words.where(key)}, repetition {key.repetition}"
