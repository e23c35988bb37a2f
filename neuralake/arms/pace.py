"""How long pairs of processes take, from which follows whether there is time for another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from neuralake.results.comparison import Pair


@dataclass
class Pace:
    """How long a pair of processes takes, by those before it.

    Attributes
    ----------
    start_s
        The longest time for what is not a round: starts, first executions and ends.
    """

    start_s: float = 0.0
    _rounds: int = 0
    _rounds_s: float = 0.0
    _unit_rounds_s: float = 0.0
    _measured_s: dict[str, list[float]] = field(default_factory=dict)

    def round(self, took_s: float, pairs: Sequence[Pair]) -> None:
        """A round is done."""
        self._rounds += 1
        self._rounds_s += took_s
        self._unit_rounds_s += took_s
        for pair in pairs:
            pair_s = (pair.base_wall_ns + pair.candidate_wall_ns) / 1e9
            self._measured_s.setdefault(pair.query, []).append(pair_s)

    def unit(self, took_s: float) -> None:
        """A pair of processes has ended."""
        self.start_s = max(self.start_s, self.starting_s(took_s))
        self._unit_rounds_s = 0.0

    def starting_s(self, so_far_s: float) -> float:
        """What is not a round of the pair of processes that runs, for so long by now."""
        return so_far_s - self._unit_rounds_s

    @property
    def round_s(self) -> float:
        """Of a round, on average."""
        return self._rounds_s / max(self._rounds, 1)

    def needed_s(self, rounds: int, queries: Mapping[str, int]) -> float:
        """Seconds for another pair of processes with so many rounds of some queries.

        Parameters
        ----------
        rounds
            So many.
        queries
            How often each is executed in a round.
        """
        measured_s = sum(sum(times) for times in self._measured_s.values())
        checked_too = self._rounds_s / measured_s if measured_s else 1.0
        means = [
            repeats * fmean(self._measured_s.get(query, [0.0]))
            for query, repeats in queries.items()
        ]
        return self.start_s + rounds * sum(means) * checked_too
