"""Progress of a run of ingest, told between rounds and never during one."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console

from neuralake.report.ingest.words import name
from neuralake.report.line import Line, line_of
from neuralake.report.numbers import duration
from neuralake.report.text import one_line
from neuralake.results.ingest.records import Key, Round, RoundVerification


class IngestProgress:
    """An observer that tells of each round in a line.

    Parameters
    ----------
    console
        Standard error.
    """

    def __init__(self, console: Console) -> None:
        self._line: Line = line_of(console)
        self._began_s = time.monotonic()
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close()

    def before(self, key: Key, number: int, of: int) -> None:
        """A round is about to begin."""
        reader = "" if key.reader is None else f", {key.reader} reads"
        what = f"{name(key.case, key.rate)}, round {key.round}{reader} · {number}/{of}"
        left = ""
        if self._done:
            mean_s = (time.monotonic() - self._began_s) / self._done
            left = f" · {duration(mean_s * (of - number + 1))} left"
        self._line.show(one_line(what + left))

    def after(self, found: Round) -> None:
        """It has ended."""
        self._done += 1
        if found.status != "ok" or found.failed:
            where = f"{name(found.key.case, found.key.rate)}, round {found.key.round}"
            what = found.status if found.status != "ok" else f"{found.failed} appends failed"
            self._line.say(one_line(f"{where}: {what}: {found.message}"), "red")

    def verified(self, result: RoundVerification) -> None:
        """Its table has been judged."""
        if result.verdict == "wrong":
            where = f"{name(result.key.case, result.key.rate)}, round {result.key.round}"
            self._line.say(one_line(f"{where}: wrong: {result.detail}"), "red")
