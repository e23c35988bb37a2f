"""Progress of a run of serving, told between rounds and never during one."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console

from neuralake.report.line import Line, line_of
from neuralake.report.numbers import duration
from neuralake.report.serving.notes import where
from neuralake.report.text import one_line
from neuralake.results.serving.records import Capacity, Key, Round


class ServingProgress:
    """An observer that tells of each round in a line.

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

    def searching(self, contestant: str) -> None:
        """The capacity of a contestant is about to be looked for."""
        self._line.show(one_line(f"{contestant}: how much can it answer?"))

    def found(self, capacity: Capacity) -> None:
        """It is known, or not."""
        if capacity.status != "ok" or capacity.wrong:
            status = "wrong" if capacity.wrong else capacity.status
            said = f"{capacity.contestant}, capacity: {status}: {capacity.message}"
            self._line.say(one_line(said), "red")

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""
        if self._began_s is None:
            self._began_s = time.monotonic()
        left = ""
        if self._done:
            mean_s = (time.monotonic() - self._began_s) / self._done
            left = f" · {duration(mean_s * (of - number + 1))} left"
        what = f"{key.contestant} at {key.rate}, round {key.round} · {number}/{of}"
        self._line.show(one_line(what + left))

    def after(self, found: Round) -> None:
        """It has ended."""
        self._done += 1
        if found.status != "ok" or found.wrong:
            status = "wrong" if found.wrong else found.status
            self._line.say(one_line(f"{where(found)}: {status}: {found.message}"), "red")
