"""From pairs to verdicts: which of them count for which query, and for the suite."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import pytest

from neuralake.arms.verdicts import Measured, Unit, engine_verdicts
from neuralake.results.comparison import Pair
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
