"""Progress of a run of streams, told between phases and never during one."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console

from neuralake.report.line import Line, line_of
from neuralake.report.numbers import count, duration
from neuralake.report.streams import words
from neuralake.report.text import one_line
from neuralake.results.phases.records import PhaseKey, PhaseRecord


class StreamsProgress:
    """An observer that tells of each phase in a line.

    Parameters
    ----------
    console
        Standard error.
    """

    def __init__(self, console: Console) -> None:
        self._line: Line = line_of(console)
        self._began_s: float | None = None
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close()

    def staging(self, sets: int) -> None:
        """Refresh sets are about to be made."""
        self._line.show(f"making {count(sets, 'refresh set')}")

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""
        if self._began_s is None:
            self._began_s = time.monotonic()
        left = ""
        if self._done:
            mean_s = (time.monotonic() - self._began_s) / self._done
            left = f" · {duration(mean_s * (of - number + 1))} left"
        self._line.show(one_line(f"{words.where(key)} · {number}/{of}{left}"))

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers are about to be checked by another engine."""
        self._line.show(one_line(f"{words.where(key)}: {by} answers again"))

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""
        self._done += 1
        where = words.where(phase.key)
        if phase.status != "ok":
            self._line.say(one_line(f"{where}: {phase.status}: {phase.message}"), "red")
            return
        wrong = sum(check.verdict == "wrong" for check in phase.answers)
        if wrong:
            self._line.say(one_line(f"{where}: {count(wrong, 'wrong answer')}"), "red")
        for check in phase.end:
            if not check.is_right:
                self._line.say(one_line(f"{where}: {check.name}: {check.detail}"), "red")
