"""How many rounds the next pair of processes has, planned by the noise and the time so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from neuralake.arms.pace import Pace
from neuralake.arms.rounds import RoundsPlan, affordable_rounds, planned_repeats, planned_rounds
from neuralake.results.comparison import Change
from neuralake.stats.paired import Question


@dataclass
class Schedule:
    """Rounds of pairs of processes, and executions of each query in a round.

    Attributes
    ----------
    plan
        For what is compared.
    question
        Effects and error rates.
    seconds
        For all pairs of processes.
    asked
        Rounds that somebody has asked for, which hold; None for what the noise calls for.
    known
        Rounds that a calibration calls for, or None.
    pace
        How long the pairs take.
    repeats
        Executions of a query in a round; of one that is not there, one.
    clock
        Tells seconds; who plays recordings has its own.
    """

    plan: RoundsPlan
    question: Question
    seconds: float
    asked: int | None = None
    known: int | None = None
    pace: Pace = field(default_factory=Pace)
    repeats: Mapping[str, int] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _planned: int | None = None
    _of_few: int = 0
    _began: float = 0.0
    _units: int = 0

    @property
    def rounds(self) -> int:
        """Of a pair of processes in which all queries are run."""
        return self.asked or self._planned or self.known or self.plan.first

    @property
    def rounds_now(self) -> int:
        """Of the next pair of processes."""
        return max(self.rounds, self._of_few)

    def begin(self) -> None:
        """A pair of processes is about to start."""
        self._began = self.clock()

    def end(self) -> None:
        """It has ended, and its rounds count."""
        self.pace.unit(self.clock() - self._began)
        self._units += 1

    def goes_on(self, turns: int, judge: Callable[[], tuple[Change, Sequence[Change]]]) -> bool:
        """Whether the pair of processes that runs has another round.

        The first one may have more than it began with, since all pairs of processes count as much,
        and one of few rounds would spoil what the others say.

        Parameters
        ----------
        turns
            Rounds so far.
        judge
            The suite and the queries by these rounds alone.
        """
        if turns < self.rounds_now:
            return True
        is_planned = self.asked or self.known or self._units
        if is_planned or not self.plan.is_planned_at_once:
            return False
        start_s = self.pace.starting_s(self.clock() - self._began)
        self._planned = max(self._wanted(*judge(), start_s), turns)
        return turns < self._planned

    def replan(
        self, suite: Change, queries: Sequence[Change], names: Collection[str], left_s: float
    ) -> None:
        """Plan the next pair of processes, by the noise in those before.

        Parameters
        ----------
        suite, queries
            What is said so far.
        names
            Queries that are to be run.
        left_s
            Time that is left, enough for another one as planned so far.
        """
        if self.asked is not None:
            return
        start_s = self.pace.start_s
        if self._units == 1 and self.known is not None:
            self._planned = min(self.known, self._affordable(start_s))
        elif self._units == 1 and not self.plan.is_planned_at_once:
            self._planned = self._wanted(suite, queries, start_s)
        elif self.plan.is_planned_at_once:
            of_time = (left_s - start_s) / self.pace.round_s if self.pace.round_s else 0
            self._planned = max(
                min(self._wanted(suite, queries, start_s), int(of_time)), self.rounds
            )
        self.repeats = self._wanted_repeats(queries)
        is_few = len(names) < len(queries)
        self._of_few = self._rounds_of_few(names, left_s) if is_few else 0

    def needed_s(self, names: Collection[str]) -> float:
        """Seconds for the next pair of processes, with some queries."""
        return self.pace.needed_s(self.rounds_now, self._each(names))

    def _each(self, names: Collection[str]) -> dict[str, int]:
        return {query: self.repeats.get(query, 1) for query in names}

    def _wanted(self, suite: Change, queries: Sequence[Change], start_s: float) -> int:
        """Rounds that the noise calls for and the time allows."""
        if suite.spread is None:
            return self.plan.first
        spreads = [query.spread for query in queries if query.spread is not None]
        wanted = planned_rounds(suite.spread, spreads, self.question, self.plan)
        return min(wanted, self._affordable(start_s))

    def _affordable(self, start_s: float) -> int:
        if not self.pace.round_s:  # not one has been run
            return self.plan.most
        return affordable_rounds(self.seconds, start_s, self.pace.round_s, self.plan)

    def _wanted_repeats(self, queries: Sequence[Change]) -> dict[str, int]:
        """How often each query is executed in a round, by the noise of it so far."""
        return {
            query.query: planned_repeats(
                query.spread, len(queries), self.rounds, self.question, self.plan
            )
            for query in queries
            if query.query is not None and query.spread is not None
        }

    def _rounds_of_few(self, names: Collection[str], left_s: float) -> int:
        """Rounds of the queries that are left which take a part of the time of the start alone."""
        round_s = self.pace.needed_s(1, self._each(names)) - self.pace.start_s
        if round_s <= 0:
            return 0
        of_start = self.plan.few_share * self.pace.start_s / round_s
        of_time = (left_s - self.pace.start_s) / round_s
        return min(int(min(of_start, of_time)), self.plan.most_of_few)
