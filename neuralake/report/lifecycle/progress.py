"""Progress of a run of lifecycle, told between phases and never during one."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console

from neuralake.report.lifecycle import words
from neuralake.report.line import Line, line_of
from neuralake.report.numbers import count, duration
from neuralake.report.text import one_line
from neuralake.results.lifecycle.records import RepetitionEnd
from neuralake.results.phases.records import PhaseKey, PhaseRecord


class LifecycleProgress:
    """An observer that tells of each phase in a line.

    Parameters
    ----------
    console
        Standard error.
    """

    def __init__(self, console: Console) -> None:
        self._line: Line = line_of(console)
        self._began_s: float | None = None
        self._first = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close()

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""
        if self._began_s is None:
            self._began_s, self._first = time.monotonic(), number
        left = ""
        if number > self._first:
            mean_s = (time.monotonic() - self._began_s) / (number - self._first)
            left = f" · {duration(mean_s * (of - number + 1))} left"
        self._line.show(one_line(f"{_where(key)} · {number}/{of}{left}"))

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers and tables are about to be checked by another engine."""
        self._line.show(one_line(f"{_where(key)}: {by} looks again"))

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""
        where = _where(phase.key)
        if phase.status != "ok":
            self._line.say(one_line(f"{where}: {phase.status}: {phase.message}"), "red")
        wrong = sum(check.verdict == "wrong" for check in phase.answers)
        if wrong:
            self._line.say(one_line(f"{where}: {count(wrong, 'wrong answer')}"), "red")
        for check in phase.end:
            if check.is_right is False:
                self._line.say(one_line(f"{where}: {check.name}: {check.detail}"), "red")

    def ended(self, end: RepetitionEnd) -> None:
        """An engine has carried out the plan, or as much of it as it could."""
        if end.stopped:
            told = f"{end.engine}, repetition {end.repetition} ended early: {end.stopped}"
            self._line.say(one_line(told), "yellow")


def _where(key: PhaseKey) -> str:
    return f"{words.where(key)}, repetition {key.repetition}"
