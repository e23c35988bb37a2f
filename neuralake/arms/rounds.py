"""How many rounds a pair of processes has: as many as the noise calls for, and the time allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from neuralake.results.comparison import By
from neuralake.stats.paired import Question
from neuralake.stats.sequential import FEWEST, FEWEST_OF_SIDES


@dataclass(frozen=True)
class RoundsPlan:
    """How many rounds a pair of processes has, where nobody has asked for a number.

    Few let a test end sooner, many cost fewer starts.

    Attributes
    ----------
    first
        In the first pair of processes, whose noise shows what is needed; never fewer.
    units
        Pairs of processes from which a verdict is to come.
    fewest_units
        Pairs of processes for which the time must be enough.
    most
        Never more.
    margin
        How many times the pairs of executions that a test needs which knows the noise beforehand.
    most_repeats
        Executions of a query in one round, at most, where its own noise calls for more.
    is_planned_at_once
        Whether the first pair of processes has as many rounds as its noise calls for, and the plan
        is made anew after each.
    few_share, most_of_few
        Where only some queries are left, as many rounds as take this part of a start's time; never
        more.
    """

    first: int
    units: int
    fewest_units: int
    most: int
    margin: float = 1.0
    most_repeats: int = 1
    is_planned_at_once: bool = False
    few_share: float = 0.0
    most_of_few: int = 0


TIMED = RoundsPlan(first=4, units=12, fewest_units=2 * FEWEST, most=20)
# Most of a process's time goes before its first round, into its code's translation. Of four, the
# Hodges-Lehmann estimate does not follow a single count that is out of line. A query
# or two differ much from one execution to the next: to repeat them in a round costs little, another
# round of all a lot
COUNTED = RoundsPlan(
    first=4,
    units=FEWEST_OF_SIDES,
    fewest_units=FEWEST_OF_SIDES + 1,  # from which on queries tell one another of their noise
    most=10,
    margin=4.0,  # of three to eight pairs of processes the noise is known badly
    most_repeats=6,
    is_planned_at_once=True,
    few_share=0.5,
    most_of_few=12,
)


def rounds_plan(by: By) -> RoundsPlan:
    """The plan for what is compared."""
    return TIMED if by == "time" else COUNTED


def planned_rounds(
    suite: float, queries: Sequence[float], question: Question, plan: RoundsPlan = TIMED
) -> int:
    """Rounds in a pair of processes, for a question.

    What tests of fixed size would need, of the suite and of a middling query, is to come from as
    many pairs of processes as the plan has.

    Parameters
    ----------
    suite
        Standard deviation of the logarithm of the suite's ratio in one round.
    queries
        The same of each query.
    question
        Effects and error rates.
    plan
        For what is compared.
    """
    pairs = question.suite_design().fixed_information * suite**2
    if queries:
        design = question.query_design(len(queries))
        variance = median(noise**2 for noise in queries)
        pairs = max(pairs, design.fixed_information * variance)
    return min(max(round(plan.margin * pairs / plan.units), plan.first), plan.most)


def planned_repeats(
    query: float, queries: int, rounds: int, question: Question, plan: RoundsPlan
) -> int:
    """Executions of a query in one round, for its own noise.

    Parameters
    ----------
    query
        Standard deviation of the logarithm of its ratio in one pair of executions.
    queries
        Number of queries that are asked about.
    rounds
        In a pair of processes.
    question, plan
        As for :func:`planned_rounds`.
    """
    if plan.most_repeats == 1:
        return 1
    pairs = question.query_design(queries).fixed_information * query**2
    return min(max(round(pairs / plan.units / rounds), 1), plan.most_repeats)


def affordable_rounds(
    time_s: float, start_s: float, round_s: float, plan: RoundsPlan = TIMED
) -> int:
    """Most rounds in a pair of processes with which the time is enough for a verdict.

    Parameters
    ----------
    time_s
        For all pairs of processes.
    start_s, round_s
        What the start of one takes, and each of its rounds.
    plan
        For what is compared.
    """
    return max(math.floor((time_s / plan.fewest_units - start_s) / round_s), plan.first)
