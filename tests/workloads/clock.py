"""A clock that goes on when somebody sleeps, or when a test says so."""

from __future__ import annotations


class ScriptedClock:
    """Nanoseconds from 0, for one thread."""

    def __init__(self, late_ns: int = 0) -> None:
        self.at_ns = 0
        self._late_ns = late_ns

    def now_ns(self) -> int:
        return self.at_ns

    def sleep_until(self, moment_ns: int) -> None:
        if moment_ns > self.at_ns:
            self.at_ns = moment_ns + self._late_ns

    def work(self, took_ns: int) -> None:
        self.at_ns += took_ns
