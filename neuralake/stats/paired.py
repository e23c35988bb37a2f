"""What paired executions say about a change: a verdict for the suite, and one for each query.

The two executions of a pair run one right after the other, so that drift of the machine is in
both. Pairs of one pair of processes are not independent of one another: two processes of the same
code differ by more than their pairs explain (Kalibera and Jones, Rigorous benchmarking in
reasonable time, ISMM 2013). The pair of processes is therefore the unit of every test here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
import numpy.typing as npt

from neuralake.stats.sequential import Decision, Design, Estimate, decide, estimate

Array = npt.NDArray[np.float64]
Verdict = Literal["slower", "faster", "unchanged", "inconclusive"]

SUITE_ALPHA = 0.004
QUERIES_ALPHA = 0.005


@dataclass(frozen=True)
class Question:
    """What is asked of the pairs.

    Attributes
    ----------
    suite_effect
        Smallest change of the suite that matters, such as 0.02 for 2 %.
    query_effect
        Smallest change of a single query that matters.
    suite_alpha
        Chance to call an unchanged suite slower or faster.
    queries_alpha
        Chance to call any of the queries so, none of which has changed; shared out evenly
        (Bonferroni).
    """

    suite_effect: float = 0.02
    query_effect: float = 0.05
    suite_alpha: float = SUITE_ALPHA
    queries_alpha: float = QUERIES_ALPHA

    def suite_design(self) -> Design:
        """The test of the suite, in logarithms of ratios."""
        return Design(math.log1p(self.suite_effect), self.suite_alpha)

    def query_design(self, queries: int) -> Design:
        """The test of each of a number of queries."""
        return Design(math.log1p(self.query_effect), self.queries_alpha / max(queries, 1))


@dataclass(frozen=True)
class Judgement:
    """What is said of the suite, or of one query.

    Attributes
    ----------
    verdict
        ``slower`` or ``faster``: the candidate, with the error rates asked for; ``unchanged``: the
        interval lies within the effect; ``inconclusive``: none of these yet.
    ratio, low, high
        Candidate ÷ base, with its interval of 95 %; without one before the second unit.
    decided_after
        Units that the verdict took, or None.
    more
        Units beyond which there is a verdict, where there is none; None if that is not known yet.
    fixed_size
        Units of a test of fixed size with the noise known beforehand; None before the second unit.
    unit_spread
        Standard deviation of the logarithm of a unit's ratio; None before the second unit.
    """

    verdict: Verdict
    ratio: float
    low: float | None
    high: float | None
    decided_after: int | None
    more: int | None
    fixed_size: float | None
    unit_spread: float | None


@dataclass(frozen=True)
class Units:
    """One value a unit and test, and how much of its variance comes from inside of it.

    Attributes
    ----------
    values
        Logarithms of ratios, of shape (units, tests).
    within
        Variance of each value as its pairs show it, by the jackknife; 0 for a unit of one pair.
    sides
        Logarithms of base and candidate, of shape (2, units, tests), where they are independent of
        one another; or None.
    """

    values: Array
    within: Array
    sides: Array | None = None

    def known(self, test: int) -> tuple[Array, Array | None]:
        """The values of a test, and those of its sides, without what was not run."""
        there = ~np.isnan(self.values[:, test])
        values = self.values[there, test]
        return values, None if self.sides is None else self.sides[:, there, test]


def query_units(pairs: Sequence[Array], sides: Sequence[Array] | None = None) -> Units:
    """Hodges-Lehmann estimate of each query's log ratio in each unit.

    Parameters
    ----------
    pairs
        For each unit the logarithms of candidate ÷ base, of shape (rounds, queries); nan for a
        query that was not run in it.
    sides
        For each unit the logarithms of base and candidate, of shape (2, rounds, queries), where
        they are independent of one another: what acts on one side has not acted on the other.

    Returns
    -------
    Units
        In order; a query that was not run in all units ends in nan.
    """
    values = np.array([hodges_lehmann(unit) for unit in pairs])
    within = np.array([_jackknife(_without_one(unit)) for unit in pairs])
    apart = None
    if sides is not None:
        apart = np.array(
            [_closed_up(np.array([hodges_lehmann(u[i]) for u in sides])) for i in (0, 1)]
        )
    return Units(_closed_up(values), _closed_up(within), apart)


def suite_units(pairs: Sequence[Array], sides: Sequence[Array] | None = None) -> Units:
    """Logarithm of the geometric mean of the queries' ratios in each unit that ran all of them.

    Parameters
    ----------
    pairs, sides
        As for :func:`query_units`.
    """
    is_whole = [not np.isnan(unit).any() for unit in pairs]
    whole = list(compress(pairs, is_whole))
    means = [_without_one(unit).mean(axis=1, keepdims=True) for unit in whole]
    apart = None
    if sides is not None:
        of_whole = list(compress(sides, is_whole))
        apart = np.array([[_mean_of_queries(unit[i]) for unit in of_whole] for i in (0, 1)])
    return Units(
        np.array([_mean_of_queries(unit) for unit in whole]),
        np.array([_jackknife(mean) for mean in means]),
        apart,
    )


def _mean_of_queries(unit: Array) -> Array:
    """Of shape (1,)."""
    return np.asarray(hodges_lehmann(unit).mean(keepdims=True), dtype=float)


def hodges_lehmann(values: Array) -> Array:
    """Median of all pairwise means, of each column.

    Hodges and Lehmann, Estimates of location based on rank tests (Annals of Mathematical
    Statistics 34, 1963): as good as the mean where noise is normal, and better where it is not.

    Parameters
    ----------
    values
        Of shape (values, columns), one value or more.
    """
    first, second = np.triu_indices(values.shape[0])
    return np.asarray(np.median((values[first] + values[second]) / 2, axis=0), dtype=float)


def judge(
    pairs: Sequence[Array], question: Question, sides: Sequence[Array] | None = None
) -> tuple[Judgement, list[Judgement]]:
    """Judge the suite, and then each query.

    Parameters
    ----------
    pairs
        For each pair of processes, in the order of time, the logarithms of candidate ÷ base, of
        shape (rounds, queries), nan for a query that was not run in it; one unit of all queries or
        more.
    question
        Effects and error rates.
    sides
        As for :func:`query_units`.

    Returns
    -------
    tuple
        The suite's judgement, and the queries'.
    """
    queries = pairs[0].shape[1]
    (suite,) = _judge(suite_units(pairs, sides), question.suite_design())
    return suite, _judge(query_units(pairs, sides), question.query_design(queries))


def _judge(units: Units, design: Design) -> list[Judgement]:
    tests = units.values.shape[1]
    decisions = decide(units.values, design, units.within, tests, units.sides)
    found = []
    for test, decision in enumerate(decisions):
        values, sides = units.known(test)
        found.append(_judgement(values, decision, design, sides))
    return found


def _judgement(
    values: Array, decision: Decision, design: Design, sides: Array | None = None
) -> Judgement:
    found = estimate(values, sides=sides)
    verdict = _verdict(decision, found, design.effect)
    more = None
    if verdict == "inconclusive" and decision.at_most is not None:
        more = max(decision.at_most - values.size, 1)
    return Judgement(
        verdict=verdict,
        ratio=math.exp(found.mean),
        low=None if found.low is None else math.exp(found.low),
        high=None if found.high is None else math.exp(found.high),
        decided_after=None if verdict == "inconclusive" else decision.after,
        more=more,
        fixed_size=decision.fixed_size,
        unit_spread=float(np.std(values, ddof=1)) if values.size > 1 else None,
    )


def _verdict(decision: Decision, found: Estimate, effect: float) -> Verdict:
    """The test's answer, as long as the interval of all units agrees with it."""
    if decision.answer is None or found.low is None or found.high is None:
        return "inconclusive"
    if decision.answer == "more" and found.low > 0:
        return "slower"
    if decision.answer == "less" and found.high < 0:
        return "faster"
    if decision.answer == "unchanged" and -effect <= found.low and found.high <= effect:
        return "unchanged"
    return "inconclusive"


def _closed_up(values: Array) -> Array:
    """Each column's values without the gaps between them."""
    order = np.argsort(np.isnan(values), axis=0, kind="stable")
    return np.take_along_axis(values, order, axis=0)


def _without_one(unit: Array) -> Array:
    """Hodges-Lehmann estimates of a unit without each of its rounds, of the unit's shape."""
    rounds = unit.shape[0]
    if rounds < 2:
        return unit
    return np.array([hodges_lehmann(np.delete(unit, i, axis=0)) for i in range(rounds)])


def _jackknife(without_one: Array) -> Array:
    """Variance of an estimate, of what it is without each of its values.

    Efron and Stein, The jackknife estimate of variance (Annals of Statistics 9, 1981).
    """
    rounds = without_one.shape[0]
    return np.asarray(np.var(without_one, axis=0) * (rounds - 1), dtype=float)
