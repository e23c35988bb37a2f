"""What is to be measured, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from neuralake.engines.registry import EngineSpec
from neuralake.queries.query import Query
from neuralake.queries.workload import Workload
from neuralake.results.records import Limits, Phase, Sample, Verification


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes
    ----------
    workload
        Queries and tables.
    queries
        Those of its queries that run, in this order.
    engines
        In this order, with all their options.
    hot_runs
        Runs of each query after the first.
    cold_runs
        Runs of each query in a process of its own, with the dataset out of the page cache.
    limits
        What one execution may take.
    unavailable
        Engines that cannot run here, with the reason.
    """

    workload: Workload
    queries: tuple[Query, ...]
    engines: tuple[EngineSpec, ...]
    hot_runs: int
    cold_runs: int = 0
    limits: Limits = field(default_factory=Limits)
    unavailable: tuple[tuple[EngineSpec, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """One execution of one query on one engine."""

    phase: Literal["first", "hot", "cold"]
    query: Query
    round: int


def steps(plan: Plan) -> list[Step]:
    """What each engine does: the first run of every query, then the hot rounds, then the cold."""
    rounds: list[tuple[Literal["first", "hot", "cold"], int]] = [
        ("first", 0),
        *[("hot", number) for number in range(1, plan.hot_runs + 1)],
        *[("cold", number) for number in range(1, plan.cold_runs + 1)],
    ]
    return [Step(phase, query, number) for phase, number in rounds for query in plan.queries]


class Observer(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def before(self, engine: str, phase: Phase, query: str | None, round: int) -> None:
        """An execution is about to begin."""

    def after(self, sample: Sample) -> None:
        """It has ended."""

    def verified(self, result: Verification) -> None:
        """An answer has been judged."""
