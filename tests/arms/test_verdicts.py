"""From pairs to verdicts: which of them count for which query, and for the suite."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import numpy as np
import pytest

from neuralake.arms.verdicts import Measured, Unit, engine_verdicts, pair_spreads
from neuralake.results.comparison import Change, Pair
from neuralake.stats.paired import Question

ROUNDS = 3
QUESTION = Question()


def made_unit(number: int, queries: Iterable[str], *, cpu: bool = True, seed: int = 1) -> Unit:
    """A unit in which the candidate of ``b`` takes a tenth longer, and that of ``a`` as long."""
    names = frozenset(queries)
    pairs = []
    for turn in range(ROUNDS):
        for query in sorted(names):
            rng = random.Random(f"{seed} {number} {turn} {query}")
            base = round(1e7 * math.exp(rng.gauss(0, 0.01)))
            candidate = round(base * (1.1 if query == "b" else 1) * math.exp(rng.gauss(0, 0.01)))
            base_cpu, candidate_cpu = (base, candidate) if cpu else (None, None)
            pairs.append(
                Pair("e", query, number, turn, base, candidate, base_cpu, candidate_cpu, True)
            )
    return Unit(names, pairs)


def measured(*units: Unit, faults: dict[str, tuple[str, str]] | None = None) -> Measured:
    return Measured(("a", "b"), units, faults or {}, ROUNDS)


def test_a_query_counts_where_it_ran_and_the_suite_where_all_did() -> None:
    whole = [made_unit(number, "ab") for number in range(6)]
    fewer = [made_unit(number, "b") for number in range(6, 10)]
    suite, (a, b) = engine_verdicts(measured(*whole, *fewer), QUESTION)
    suite_before, (a_before, b_before) = engine_verdicts(measured(*whole), QUESTION)
    for of in (suite, suite_before):
        assert (of.ratio, of.low, of.cpu_ratio) == (suite.ratio, suite.low, suite.cpu_ratio)
    assert a == a_before
    assert (suite.pairs, a.pairs, b.pairs) == (18, 18, 30)
    assert (a.verdict, b.verdict, suite.verdict) == ("unchanged", "slower", "slower")
    assert b.ratio == pytest.approx(1.1, rel=0.01)
    assert b.ratio != b_before.ratio
    assert b.decided_after_pairs == b_before.decided_after_pairs
    assert b.cpu_ratio is not None


def test_a_round_without_one_of_its_queries_does_not_count() -> None:
    units = [made_unit(number, "ab") for number in range(5)]
    cut = Unit(units[2].queries, units[2].pairs[:-1])  # "b" is missing in the last round
    suite, (a, b) = engine_verdicts(measured(*units[:2], cut, *units[3:]), QUESTION)
    assert (suite.pairs, a.pairs, b.pairs) == (14, 14, 14)


def test_a_query_that_fails_later_is_in_no_ratio() -> None:
    units = [made_unit(number, "ab") for number in range(5)]
    rest = [made_unit(number, "a") for number in range(5, 7)]
    found = measured(*units, *rest, faults={"b": ("wrong", "candidate: 1 row of 3 differs")})
    suite, (a, b) = engine_verdicts(found, QUESTION)
    assert (suite.verdict, a.verdict, b.verdict) == ("unchanged", "unchanged", "wrong")
    assert suite.pairs == a.pairs == 21
    assert suite.ratio == pytest.approx(a.ratio)


def test_units_of_no_sound_query_say_nothing() -> None:
    units = [made_unit(number, "b") for number in range(5)]
    suite, (a, b) = engine_verdicts(measured(*units), QUESTION)
    assert {suite.verdict, a.verdict, b.verdict} == {"inconclusive"}


def test_without_cpu_times_there_is_no_ratio_of_them() -> None:
    units = [made_unit(number, "ab", cpu=number != 3) for number in range(5)]
    suite, (a, _) = engine_verdicts(measured(*units), QUESTION)
    assert (suite.cpu_ratio, a.cpu_ratio) == (None, None)
    assert a.ratio is not None


def test_the_spread_of_pairs_is_that_within_their_units() -> None:
    nan = math.nan
    units = [
        np.array([[1.0, 5.0, nan], [2.0, 5.0, nan], [6.0, 5.0, 1.0]]),
        np.array([[10.0, 9.0, 2.0], [12.0, 9.0, 3.0]]),
        np.array([[99.0, 9.0, 9.0]]),  # one pair says nothing of a spread
    ]
    first, second, third = pair_spreads(units)
    # squares about the means 3 and 11: 4 + 1 + 9 and 1 + 1, with 2 and 1 degrees of freedom
    assert first == pytest.approx(math.sqrt(16 / 3))
    assert second == 0
    assert third == pytest.approx(math.sqrt(0.5 / 1))
    assert pair_spreads([np.array([[1.0]]), np.array([[2.0]])]) == [None]


def exact_unit(number: int, *factors: float) -> Unit:
    """Pairs of ``a`` and ``b`` in which b's candidate takes so many times as long, a round each."""
    pairs = [
        pair
        for turn, factor in enumerate(factors)
        for pair in (
            Pair("e", "a", number, turn, 1000, 1000, 500, 1000, True),
            Pair("e", "b", number, turn, 2000, round(2000 * factor), 400, 200, True),
        )
    ]
    return Unit(frozenset("ab"), pairs)


def test_a_change_has_the_numbers_of_its_pairs() -> None:
    units = [exact_unit(0, 1.0, 1.25), exact_unit(1, 1.5, 2.0)]
    suite, (a, b) = engine_verdicts(measured(*units), QUESTION)
    assert (a.query, b.query, suite.query) == ("a", "b", None)
    assert (a.ratio, a.base_ns, a.candidate_ns) == (1.0, 1000, 1000)
    assert (b.base_ns, b.candidate_ns) == (2000, 2750)
    assert (suite.base_ns, suite.candidate_ns) == (3000, 3750)
    assert b.ratio == pytest.approx((1.25 * 1.5 * 2.0) ** 0.25)
    assert suite.ratio == pytest.approx((1.25 * 1.5 * 2.0) ** 0.125)
    assert (a.cpu_ratio, b.cpu_ratio) == pytest.approx((2.0, 0.5))
    assert suite.cpu_ratio == pytest.approx(1.0)
    assert (a.pairs, b.pairs, suite.pairs) == (4, 4, 4)
    within = math.log(1.25) ** 2 / 2 + math.log(2.0 / 1.5) ** 2 / 2
    assert b.spread == pytest.approx(math.sqrt(within / 2))
    assert suite.spread == pytest.approx(math.sqrt(within / 2) / 2)
    between = np.std([math.log(1.25) / 2, math.log(1.5 * 2.0) / 2], ddof=1)
    assert b.unit_spread == pytest.approx(between)
    assert (b.verdict, b.decided_after_pairs) == ("inconclusive", None)
    assert b.more_pairs is not None
    assert b.more_pairs % ROUNDS == 0
    assert b.more_pairs >= ROUNDS


def test_several_pairs_of_a_query_in_a_round_are_one_that_is_their_mean() -> None:
    once = [exact_unit(0, 1.2, 1.25), exact_unit(1, 1.5, 2.0)]
    more = [
        Unit(unit.queries, [*unit.pairs, Pair("e", "b", n, 0, 2000, 2000, 400, 200, True)])
        for n, unit in enumerate(once)
    ]
    halved = [exact_unit(0, 1.2**0.5, 1.25), exact_unit(1, 1.5**0.5, 2.0)]
    suite, (a, b) = engine_verdicts(measured(*more), QUESTION)
    for found, expected in zip((suite, a, b), _flat(measured(*halved)), strict=True):
        assert (found.ratio, found.low, found.high) == pytest.approx(
            (expected.ratio, expected.low, expected.high), rel=1e-3
        )
    assert (suite.pairs, a.pairs, b.pairs) == (4, 4, 6)
    # the spread is that of single pairs, however many a round has
    logs = [[math.log(x) for x in unit] for unit in ((1.2, 1.0, 1.25), (1.5, 1.0, 2.0))]
    squares = sum(float(np.var(unit) * 3) for unit in logs)
    assert b.spread == pytest.approx(math.sqrt(squares / 4))
    assert b.more_pairs is not None
    assert b.more_pairs % 3 == 0


def _flat(found: Measured) -> tuple[Change, ...]:
    suite, queries = engine_verdicts(found, QUESTION)
    return suite, *queries


def test_one_unit_of_one_round_has_ratios_and_no_intervals() -> None:
    suite, (a, b) = engine_verdicts(measured(exact_unit(0, 1.21)), QUESTION)
    for change, ratio, cpu_ratio in ((suite, 1.1, 1.0), (a, 1.0, 2.0), (b, 1.21, 0.5)):
        assert (change.ratio, change.cpu_ratio) == pytest.approx((ratio, cpu_ratio))
        assert (change.low, change.high, change.cpu_low, change.cpu_high) == (None,) * 4
        assert (change.spread, change.unit_spread, change.fixed_size_pairs) == (None,) * 3
        assert (change.verdict, change.pairs) == ("inconclusive", 1)
    assert pair_spreads([np.array([[1.0], [3.0]])]) == pytest.approx([math.sqrt(2)])


@pytest.mark.parametrize(("base", "candidate"), [(0, 5), (5, 0), (None, 5), (5, None)])
def test_a_processor_time_of_nothing_has_no_ratio(base: int | None, candidate: int | None) -> None:
    pairs = [
        Pair("e", "a", 0, 0, 1000, 1000, 500, 1000, True),
        Pair("e", "b", 0, 0, 2000, 2000, base, candidate, True),
    ]
    suite, (a, b) = engine_verdicts(measured(Unit(frozenset("ab"), pairs)), QUESTION)
    assert a.cpu_ratio == pytest.approx(2.0)
    assert (b.cpu_ratio, suite.cpu_ratio) == (None, None)
    assert (suite.ratio, b.ratio) == (1.0, 1.0)


def test_a_fixed_size_is_told_in_pairs() -> None:
    factors = (1.0, 1.2, 0.9, 1.3)
    units = [exact_unit(n, factor, factor, factor) for n, factor in enumerate(factors)]
    _, (_, b) = engine_verdicts(measured(*units), QUESTION)
    variance = float(np.var(np.log(factors), ddof=1))
    needed = QUESTION.query_design(2).fixed_information * variance
    assert b.fixed_size_pairs == pytest.approx(3 * needed, rel=1e-3)
    assert b.more_pairs == 3 * (
        math.ceil(QUESTION.query_design(2).greatest_information * variance) - 4
    )


def test_units_are_told_in_pairs() -> None:
    units = [exact_unit(number, 1.1, 1.1, 1.1) for number in range(4)]
    short = [exact_unit(number, 1.1) for number in range(4, 6)]
    _, (a, b) = engine_verdicts(measured(*units, *short), QUESTION)
    assert (a.verdict, b.verdict) == ("unchanged", "slower")
    assert (a.decided_after_pairs, b.decided_after_pairs) == (12, 12)
    assert (b.more_pairs, b.pairs) == (None, 14)


def test_a_faster_suite_with_a_fault_has_the_gravest_verdict_and_says_which() -> None:
    units = [
        Unit(
            frozenset("a"),
            [Pair("e", "a", n, turn, 1000, 800 + n, 1000, 800, True) for turn in range(ROUNDS)],
        )
        for n in range(6)
    ]
    sound, _ = engine_verdicts(Measured(("a",), tuple(units), {}, ROUNDS), QUESTION)
    assert (sound.verdict, sound.message) == ("faster", None)
    for faults, verdict in (
        ({"c": ("failed", "timeout"), "b": ("wrong", "1 row")}, "wrong"),
        ({"c": ("failed", "timeout"), "b": ("failed", "oom")}, "failed"),
    ):
        found = Measured(("a", "b", "c"), tuple(units), faults, ROUNDS)
        suite, (a, b, c) = engine_verdicts(found, QUESTION)
        assert (suite.verdict, suite.message) == (verdict, "not among the ratios: b, c")
        assert (a.verdict, b.verdict, c.verdict) == ("faster", faults["b"][0], "failed")
        assert (c.message, c.ratio, c.pairs) == ("timeout", None, 0)


def test_nothing_measured_is_nothing_said_unless_every_query_failed() -> None:
    faults = {"a": ("failed", "oom"), "b": ("wrong", "1 row")}
    suite, (a, b) = engine_verdicts(Measured(("a", "b"), (), faults, ROUNDS), QUESTION)
    assert (suite.verdict, a.verdict, b.verdict) == ("failed", "failed", "wrong")
    assert suite.message == "no query was answered rightly in both arms"
    suite, (a, b) = engine_verdicts(measured(faults={"a": ("failed", "oom")}), QUESTION)
    assert (suite.verdict, a.verdict, b.verdict) == ("inconclusive", "failed", "inconclusive")
    assert suite.message is None
