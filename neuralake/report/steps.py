"""How far a measurement is that consists of steps which take about as long: rounds, or phases."""

from __future__ import annotations

import time
from collections.abc import Callable

from neuralake.report.line import Line
from neuralake.report.numbers import duration


class Steps:
    """Tells of each step as it begins, and of what went wrong in it.

    Parameters
    ----------
    line
        Where it is told.
    clock
        Seconds.
    """

    def __init__(self, line: Line, clock: Callable[[], float] = time.monotonic) -> None:
        self._line = line
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def begin(self, what: str, number: int, of: int, left: str | None = None) -> None:
        """A step is about to begin.

        Parameters
        ----------
        what
            It is.
        number, of
            Its number, from 1, and the number of all steps. A measurement that goes on begins with
            a later one.
        left
            How long the steps take that are left, where that is known; else those before it tell.
        """
        now_s = self._clock()
        if self._first is None:
            self._first = number, now_s
        first, began_s = self._first
        if left is None and number > first:
            mean_s = (now_s - began_s) / (number - first)
            left = f"{duration(mean_s * (of - number + 1))} left"
        self._line.show(" · ".join([what, f"{number}/{of}", *([left] if left else [])]))

    def show(self, text: str) -> None:
        """Show what is done beside the steps."""
        self._line.show(text)

    def fault(self, text: str) -> None:
        """Tell of what went wrong, in a line that stays."""
        self._line.say(text, "red")

    def note(self, text: str) -> None:
        """Tell of what somebody should know, in a line that stays."""
        self._line.say(text, "yellow")
