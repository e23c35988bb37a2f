"""One line of what was found, as a table and a figure show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table: shares of trials, and pairs on average.

    Attributes
    ----------
    recording, where, slowdown
        What was slowed down (``nothing``, ``all``, ``one query``), by which fraction.
    suite, queries
        Share of trials in which the suite was called slower, and of comparisons in which a query
        that was slowed down was (without a slowdown: in which it was called slower or faster).
    any_alarm
        Share of trials in which anything was called slower or faster.
    suite_inconclusive, query_inconclusive
        Shares without a verdict.
    suite_pairs, suite_fixed, query_pairs, query_fixed
        Pairs until the verdict on average, and those of a test of fixed size.
    suite_coverage, query_coverage
        Share of intervals of 95 % that contain the truth.
    suite_bias, query_bias
        Mean error of the ratio.
    """

    recording: str
    where: str
    slowdown: float
    suite: float
    queries: float
    any_alarm: float
    suite_inconclusive: float
    query_inconclusive: float
    suite_pairs: float
    suite_fixed: float
    query_pairs: float
    query_fixed: float
    suite_coverage: float
    query_coverage: float
    suite_bias: float
    query_bias: float
