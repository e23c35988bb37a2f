"""Progress of a comparison, told between executions and never during one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from neuralake.arms.terms import Terms
from neuralake.report.line import Line
from neuralake.results.comparison import Change


class ComparisonProgress:
    """An observer that tells what is being done, and what can be said so far.

    Parameters
    ----------
    line
        Where it is told.
    terms
        How the comparison is carried out.
    """

    def __init__(self, line: Line, terms: Terms) -> None:
        self._line = line
        self._terms = terms
        self._so_far: dict[str, str] = {}
        self._rounds = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close(has_failed=exc[0] is not None)

    def building(self, text: str) -> None:
        """Tell of an arm that is being built."""
        self._line.say(text)

    def planned(self, needed_s: Mapping[str, float]) -> None:
        """Tell how long it may take, and whether that is more than was given."""
        total_s = sum(needed_s.values())
        if total_s <= self._terms.max_time_s:
            return
        each = ", ".join(f"{engine} {s / 60:.0f} min" for engine, s in needed_s.items())
        self._line.say(
            f"by this machine's noise every verdict may take {total_s / 60:.0f} min ({each}); "
            f"{self._terms.max_time_s / 60:g} min are given"
        )

    def starting(self, engine: str, processes: int, rounds: int) -> None:
        """Show that both arms are started."""
        self._rounds = rounds
        self._line.show(
            f"{engine}: pair of processes {processes + 1}{self._so_far.get(engine, '')}"
        )

    def paired(self, engine: str, processes: int, round: int) -> None:
        """Show that a round is done; of counts the first pair may have more than was planned."""
        self._rounds = max(self._rounds, round + 1)
        self._line.show(
            f"{engine}: pair of processes {processes + 1}, round {round + 1} of "
            f"{self._rounds}{self._so_far.get(engine, '')}"
        )

    def judged(
        self, engine: str, suite: Change, queries: tuple[Change, ...], left_s: float
    ) -> None:
        """Keep what can be said so far, to be shown with what comes next."""
        still = sum(change.verdict == "inconclusive" for change in queries)
        found: str = suite.verdict
        if suite.ratio is not None and suite.low is not None and suite.high is not None:
            ends = f"[{suite.low - 1:+.1%}, {suite.high - 1:+.1%}]"
            found = f"{suite.ratio - 1:+.1%} {ends} {suite.verdict}"
        left = f"{max(left_s, 0) / 60:.0f} min left"
        self._so_far[engine] = f" · suite {found} · {still} queries open · {left}"
