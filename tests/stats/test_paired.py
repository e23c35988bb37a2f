"""Verdicts from pairs: robust, exchangeable, and never more than the interval says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuralake.stats.paired import (
    QUERIES_ALPHA,
    SUITE_ALPHA,
    Question,
    Verdict,
    _judgement,
    _verdict,
    hodges_lehmann,
    judge,
    query_units,
    suite_units,
)
from neuralake.stats.sequential import Answer, Decision, Design, Estimate
from tests.more import few

QUESTION = Question(suite_effect=0.02, query_effect=0.05)
ROUNDS, QUERIES = 4, 8


def noise(units: int, sd: float, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return list(rng.standard_normal((units, ROUNDS, QUERIES)) * sd)


def slowed(pairs: list[np.ndarray], query: int, fraction: float) -> list[np.ndarray]:
    change = np.zeros(QUERIES)
    change[query] = math.log1p(fraction)
    return [unit + change for unit in pairs]


def test_nothing_has_changed() -> None:
    suite, queries = judge(noise(20, 0.03), QUESTION)
    assert suite.verdict == "unchanged"
    assert {query.verdict for query in queries} == {"unchanged"}
    assert suite.low is not None
    assert suite.high is not None
    assert 1 / 1.02 <= suite.low < suite.ratio < suite.high <= 1.02


def test_one_slower_query_is_named_and_no_other() -> None:
    suite, queries = judge(slowed(noise(20, 0.03), 5, 0.08), QUESTION)
    assert [query.verdict for query in queries].index("slower") == 5
    assert [query.verdict for query in queries].count("slower") == 1
    assert queries[5].ratio == pytest.approx(1.08, abs=0.02)
    assert suite.verdict != "faster"


def test_a_slower_suite() -> None:
    pairs = [unit + math.log1p(0.03) for unit in noise(20, 0.03)]
    suite, _ = judge(pairs, QUESTION)
    assert suite.verdict == "slower"
    assert judge([-unit for unit in pairs], QUESTION)[0].verdict == "faster"


def test_too_few_or_too_noisy_is_inconclusive_and_says_how_much_more() -> None:
    suite, queries = judge(noise(1, 0.03), QUESTION)
    assert (suite.verdict, suite.low, suite.more) == ("inconclusive", None, None)
    suite, queries = judge(noise(6, 0.5), QUESTION)
    assert suite.verdict == "inconclusive"
    assert suite.more is not None
    assert suite.more > 50
    assert all(query.more is not None and query.more > 50 for query in queries)


def test_an_outlier_in_every_unit_moves_a_query_little() -> None:
    pairs = noise(20, 0.01)
    for unit in pairs:
        unit[2, 3] = math.log(10)  # one of four executions took ten times as long
    values = query_units(pairs).values[:, 3]
    assert 0 < float(values.mean()) < 0.01
    assert float(np.mean([unit[:, 3].mean() for unit in pairs])) > 0.5


def test_processes_that_differ_are_not_told_from_by_their_pairs() -> None:
    """Hundreds of pairs that agree say nothing where every new process says something else."""
    rng = np.random.default_rng(3)
    pairs = [np.full((50, QUERIES), shift) for shift in rng.standard_normal(5) * 0.03]
    suite, queries = judge(pairs, QUESTION)
    assert suite.verdict == "inconclusive"
    assert {query.verdict for query in queries} == {"inconclusive"}


@given(arrays(float, (5, 3), elements=st.floats(-10, 10)), st.floats(-3, 3))
def test_hodges_lehmann_moves_with_the_values(values: np.ndarray, shift: float) -> None:
    there = hodges_lehmann(values)
    assert hodges_lehmann(values + shift) == pytest.approx(there + shift, abs=1e-9)
    assert hodges_lehmann(-values) == pytest.approx(-there, abs=1e-9)
    assert np.all(values.min(axis=0) <= there + 1e-9)
    assert np.all(there <= values.max(axis=0) + 1e-9)


def test_the_suite_is_the_geometric_mean_of_the_queries() -> None:
    pairs = [np.log(np.array([[1.1, 0.9, 1.21]] * ROUNDS)) for _ in range(3)]
    expected = math.log(1.1 * 0.9 * 1.21) / 3
    assert suite_units(pairs).values[:, 0] == pytest.approx([expected] * 3)
    assert suite_units(pairs).within[:, 0] == pytest.approx([0] * 3)


def test_a_query_that_was_not_run_everywhere_is_judged_by_what_there_is() -> None:
    pairs = noise(20, 0.03)
    for unit in (3, 14, 15, 16, 17, 18, 19):
        pairs[unit] = pairs[unit].copy()
        pairs[unit][:, 2] = math.nan
    suite, queries = judge(pairs, QUESTION)
    without = [unit for unit in pairs if not np.isnan(unit).any()]
    assert suite == judge(without, QUESTION)[0]
    closed_up = query_units(pairs).values
    assert np.isnan(closed_up[:, 2]).tolist() == [False] * 13 + [True] * 7
    assert queries[2].ratio == pytest.approx(math.exp(query_units(without).values[:, 2].mean()))
    assert queries[0].ratio == judge(noise(20, 0.03), QUESTION)[1][0].ratio


@pytest.mark.parametrize("tails", few(["normal", "heavy"], "heavy"))
def test_pairs_show_how_much_a_unit_s_value_varies(tails: str) -> None:
    rng = np.random.default_rng(8)
    shape = (400, 12, 5)
    values = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(3, shape)
    pairs = list(values * 0.05)
    for units in (query_units(pairs), suite_units(pairs)):
        truth = units.values.var(axis=0, ddof=1)
        # the jackknife is a little too high, more so with heavy tails
        assert np.all(units.within.mean(axis=0) > 0.9 * truth)
        assert np.all(units.within.mean(axis=0) < 1.3 * truth)


def test_effects_are_ratios_and_the_queries_share_their_error_rate() -> None:
    question = Question(suite_effect=0.02, query_effect=0.05)
    suite, query = question.suite_design(), question.query_design(22)
    assert (suite.effect, query.effect) == pytest.approx((math.log(1.02), math.log(1.05)))
    assert (suite.alpha, query.alpha) == pytest.approx((SUITE_ALPHA, QUERIES_ALPHA / 22))
    assert question.query_design(1) == question.query_design(0)
    assert Question() == Question(0.02, 0.05, 0.004, 0.005)
    own = Question(suite_alpha=0.03, queries_alpha=0.06)
    assert (own.suite_design().alpha, own.query_design(2).alpha) == (0.03, 0.03)
    assert suite.beta == query.beta == Design(0.1, 0.1).beta == 0.025


@pytest.mark.parametrize(
    ("answer", "low", "high", "verdict"),
    [
        ("more", 0.01, 0.05, "slower"),
        ("more", 0.0, 0.05, "inconclusive"),
        ("more", -0.01, 0.05, "inconclusive"),
        ("more", -0.05, -0.01, "inconclusive"),
        ("less", -0.05, -0.01, "faster"),
        ("less", -0.05, 0.0, "inconclusive"),
        ("less", -0.05, 0.01, "inconclusive"),
        ("less", 0.01, 0.05, "inconclusive"),
        ("unchanged", -0.02, 0.02, "unchanged"),
        ("unchanged", -0.021, 0.01, "inconclusive"),
        ("unchanged", -0.01, 0.021, "inconclusive"),
        ("unchanged", 0.005, 0.01, "unchanged"),
        (None, -0.01, 0.01, "inconclusive"),
        (None, 0.01, 0.05, "inconclusive"),
        ("more", None, None, "inconclusive"),
        ("less", None, None, "inconclusive"),
        ("unchanged", None, None, "inconclusive"),
    ],
)
def test_an_answer_is_a_verdict_while_the_interval_agrees(
    answer: Answer | None, low: float | None, high: float | None, verdict: Verdict
) -> None:
    decision = Decision(answer, None if answer is None else 4, 9, 5.0)
    assert _verdict(decision, Estimate(0.0, low, high), 0.02) == verdict


def test_an_answer_that_later_units_contradict_is_no_verdict() -> None:
    early = [unit + 0.1 for unit in noise(6, 0.03)]
    before, _ = judge(early, QUESTION)
    assert (before.verdict, before.more) == ("slower", None)
    assert before.decided_after is not None
    suite, queries = judge(early + [unit - 0.1 for unit in noise(6, 0.03, seed=2)], QUESTION)
    assert suite.low is not None
    assert suite.high is not None
    assert suite.low < 1 < suite.high
    assert (suite.verdict, suite.decided_after) == ("inconclusive", None)
    assert {query.verdict for query in queries} == {"inconclusive"}


def test_what_lacks_a_verdict_takes_one_unit_more_at_least() -> None:
    values = np.array([0.2, -0.2, 0.1, -0.1])
    design = QUESTION.suite_design()
    for at_most, more in ((9, 5), (5, 1), (4, 1), (2, 1)):
        found = _judgement(values, Decision("more", 2, at_most, 5.0), design)
        assert (found.verdict, found.more, found.decided_after) == ("inconclusive", more, None)
    assert _judgement(values, Decision(None, None, None, None), design).more is None


def test_a_judgement_says_what_it_took_and_how_units_spread() -> None:
    pairs = noise(8, 0.05)
    suite, queries = judge(pairs, QUESTION)
    values = np.array([hodges_lehmann(unit) for unit in pairs])
    for judgement, column in zip([suite, *queries], [values.mean(axis=1), *values.T], strict=True):
        assert judgement.ratio == pytest.approx(math.exp(column.mean()))
        assert judgement.unit_spread == pytest.approx(column.std(ddof=1))
        # Student's 0.975 quantile with 7 degrees of freedom is 2.36462
        half = 2.36462 * column.std(ddof=1) / math.sqrt(8)
        assert judgement.low == pytest.approx(math.exp(column.mean() - half), rel=1e-4)
        assert judgement.high == pytest.approx(math.exp(column.mean() + half), rel=1e-4)
        if judgement.verdict == "inconclusive":
            assert judgement.more is not None
            assert judgement.more >= 1
            assert judgement.decided_after is None
        else:
            assert judgement.more is None
            assert judgement.decided_after is not None
            assert 4 <= judgement.decided_after <= 8
    one, _ = judge(pairs[:1], QUESTION)
    assert (one.unit_spread, one.fixed_size, one.high) == (None, None, None)
    two, _ = judge(pairs[:2], QUESTION)
    assert two.unit_spread is not None
    assert two.fixed_size is not None


def test_the_jackknife_of_a_mean_is_its_squared_standard_error() -> None:
    # Hodges and Lehmann's estimate of two values, and of one, is their mean
    unit = np.array([[1.0], [2.0], [6.0]])
    left_out = np.array([(2 + 6) / 2, (1 + 6) / 2, (1 + 2) / 2])
    expected = 2 * left_out.var()
    assert query_units([unit]).within[0, 0] == pytest.approx(expected)
    assert suite_units([unit]).within[0, 0] == pytest.approx(expected)
    assert expected == pytest.approx(np.var([1.0, 2.0, 6.0], ddof=1) / 3)
    assert query_units([unit[:1]]).within[0, 0] == 0
