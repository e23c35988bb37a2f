"""Progress of a run of freshness, told between rounds and never during one."""

from __future__ import annotations

from typing import Self

from rich.console import Console

from neuralake.report.freshness.words import name
from neuralake.report.line import Line, line_of
from neuralake.report.numbers import duration
from neuralake.report.text import one_line
from neuralake.results.freshness.records import Key, Round, RoundVerification


class FreshnessProgress:
    """An observer that tells of each round in a line.

    Parameters
    ----------
    console
        Standard error.
    """

    def __init__(self, console: Console) -> None:
        self._line: Line = line_of(console)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close()

    def before(self, key: Key, number: int, of: int, seconds: float) -> None:
        """A round is about to begin."""
        what = f"{name(key.case)}, round {key.round} · {number}/{of}"
        left = duration(seconds * (of - number + 1))
        self._line.show(one_line(f"{what} · at least {left} left"))

    def after(self, found: Round) -> None:
        """It has ended."""
        where = f"{name(found.key.case)}, round {found.key.round}"
        if found.status != "ok":
            self._line.say(one_line(f"{where}: {found.status}: {found.message}"), "red")
        elif found.violations:
            self._line.say(one_line(f"{where}: a wrong answer: {found.violation}"), "red")
        elif not found.is_right:
            lost = found.records - found.acknowledged + found.unseen
            self._line.say(one_line(f"{where}: {lost:,} records are missing"), "red")

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""
        if result.verdict != "verified":
            where = f"{name(result.key.case)}, round {result.key.round}"
            self._line.say(one_line(f"{where}: {result.verdict}: {result.detail}"), "red")
