"""The sequential test: its error rates, its power and what it costs, on simulated noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuralake.stats.sequential import FEWEST, FEWEST_OF_SIDES, Decision, Design, decide, estimate
from tests.more import few

ROUNDS, LOOKS, TRIALS = 4, 60, 4000
EFFECT = 1.0
DESIGN = Design(EFFECT, alpha=0.01)


def simulated(
    truth: float, spread: float, between: float, seed: int = 1, trials: int = TRIALS
) -> tuple[np.ndarray, np.ndarray]:
    """Differences of which each is a mean of four, and their variances inside.

    ``spread`` is the standard deviation of a difference, ``between`` the share of its variance
    that does not come from inside.
    """
    rng = np.random.default_rng(seed)
    inside = rng.standard_normal((ROUNDS, LOOKS, trials))
    inside *= spread * math.sqrt(ROUNDS * (1 - between))
    shift = rng.standard_normal((LOOKS, trials)) * spread * math.sqrt(between)
    return truth + shift + inside.mean(axis=0), inside.var(axis=0, ddof=1) / ROUNDS


QUERIES, FAMILIES = 22, 500
QUERY_DESIGN = Design(EFFECT, alpha=0.01 / QUERIES)


def simulated_families(
    truth: float, share: list[float], fixed_size: float, seed: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`simulated`, of 22 tests each, whose variances are so many times that inside."""
    rng = np.random.default_rng(seed)
    inside_sd = math.sqrt(fixed_size / QUERY_DESIGN.fixed_information)
    shape = (LOOKS // 2, FAMILIES, QUERIES)
    inside = rng.standard_normal((ROUNDS, *shape)) * inside_sd * math.sqrt(ROUNDS)
    shift = rng.standard_normal(shape) * inside_sd * np.sqrt(np.array(share) - 1)
    values = truth + shift + inside.mean(axis=0)
    within = inside.var(axis=0, ddof=1) / ROUNDS
    return values.reshape(shape[0], -1), within.reshape(shape[0], -1)


def shares(decisions: list[Decision]) -> dict[str | None, float]:
    return {
        answer: sum(d.answer == answer for d in decisions) / len(decisions)
        for answer in ("more", "less", "unchanged", None)
    }


def cost(decisions: list[Decision]) -> float:
    return sum(d.after or LOOKS for d in decisions) / len(decisions)


@pytest.mark.parametrize("between", few([0.0, 0.5], 0.5))
@pytest.mark.parametrize("spread", few([0.5, 1.0, 1.5], 0.5, 1.5))
def test_no_change_is_rarely_called_one(spread: float, between: float) -> None:
    values, within = simulated(0, spread, between)
    found = shares(decide(values, DESIGN, within))
    # 0.01 expected at most; 0.016 is 3.8 standard errors above it
    assert found["more"] + found["less"] <= 0.016
    assert found["unchanged"] >= 0.98


SHARES = {
    "all alike": [1.0] * 22,
    "one stands out": [4.0] + [1.0] * 21,
    "one stands far out": [10.0] + [1.0] * 21,
    "five stand out": [4.0] * 5 + [1.0] * 17,
    "all differ": [4.0] * 22,
}


@pytest.mark.parametrize("fixed_size", few([8, 20]))
@pytest.mark.parametrize("share", few(SHARES, "one stands far out", "all differ"))
def test_tests_that_estimate_together_keep_the_error_rate(share: str, fixed_size: float) -> None:
    values, within = simulated_families(0, SHARES[share], fixed_size)
    found = decide(values, QUERY_DESIGN, within, QUERIES)
    alarms = np.array([d.answer in ("more", "less") for d in found]).reshape(FAMILIES, QUERIES)
    # 0.01 of the families; 0.026 is 3.6 standard errors above it
    assert alarms.any(axis=1).mean() <= 0.026
    assert alarms.mean() <= 0.001


def test_tests_that_estimate_together_take_less_than_alone_and_than_a_fixed_size() -> None:
    costs = []
    for truth in (0.0, 0.5, 1.0, 2.0):
        values, within = simulated_families(truth, [1.0] * QUERIES, fixed_size=15)
        values, within = values[:, : 150 * QUERIES], within[:, : 150 * QUERIES]
        together = decide(values, QUERY_DESIGN, within, QUERIES)
        costs.append((cost(together), cost(decide(values, QUERY_DESIGN, within))))
        assert costs[-1][0] < 0.96 * costs[-1][1]
        if truth >= 1:
            assert shares(together)["more"] > 0.95
    assert np.mean([together for together, _ in costs]) < 15


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("spread", few([0.5, 1.0, 1.5], 1.0))
def test_a_change_of_the_effect_is_found(spread: float, sign: int) -> None:
    values, within = simulated(sign * EFFECT, spread, 0.3)
    found = shares(decide(values, DESIGN, within))
    assert found["more" if sign > 0 else "less"] >= 0.95
    assert found["less" if sign > 0 else "more"] == 0


@pytest.mark.parametrize("truth", few([0.0, 0.5, 1.0, 2.0, 5.0], 0.0, 1.0))
def test_it_takes_no_more_than_a_test_of_fixed_size(truth: float) -> None:
    values, within = simulated(truth * EFFECT, 1.25, 0.3, trials=1000)
    fixed = DESIGN.fixed_information * 1.25**2
    assert 20 < fixed < LOOKS
    assert cost(decide(values, DESIGN, within)) < fixed


def test_fixed_information_is_the_textbook_s() -> None:
    # z(0.995) + z(0.95) = 2.5758 + 1.6449, for alpha 0.01 on two sides and beta 0.05
    assert Design(0.1, 0.01, 0.05).fixed_information == pytest.approx((4.2207 / 0.1) ** 2, rel=1e-4)


def test_boundaries_meet_where_it_ends() -> None:
    end = DESIGN.greatest_information
    more, not_more = DESIGN.boundaries(np.array([end]), looks=10**9)
    assert float(more[0] + not_more[0]) == pytest.approx(EFFECT * math.sqrt(end), rel=1e-3)


def test_an_answer_stays() -> None:
    values, within = simulated(0, 1, 0.3, trials=200)
    for decision, column in zip(decide(values, DESIGN, within), range(200), strict=True):
        if decision.after is None:
            continue
        (early,) = decide(
            values[: decision.after, [column]], DESIGN, within[: decision.after, [column]]
        )
        assert (early.answer, early.after) == (decision.answer, decision.after)


def test_what_is_measured_no_more_changes_no_answer() -> None:
    values, within = simulated_families(0.5, [1.0] * QUERIES, fixed_size=15)
    values, within = values[:, : 40 * QUERIES], within[:, : 40 * QUERIES]
    all_of_it = decide(values, QUERY_DESIGN, within, QUERIES)
    for test, decision in enumerate(all_of_it):
        if decision.after is not None and test % 3:  # some go on, as all do while the suite is open
            values[decision.after :, test] = math.nan
    cut = decide(values, QUERY_DESIGN, within, QUERIES)
    assert [(d.answer, d.after) for d in cut] == [(d.answer, d.after) for d in all_of_it]


def test_it_does_not_answer_before_the_fourth_look() -> None:
    values = np.full((FEWEST - 1, 1), 50.0) + np.array([[0.0], [0.1], [-0.1]])
    (decision,) = decide(values, DESIGN)
    assert decision.answer is None
    assert decision.at_most is not None
    assert decide(np.ones((1, 2)), DESIGN) == [Decision(None, None, None, None)] * 2


def test_an_enormous_difference_is_answered_at_once_in_any_noise() -> None:
    values, within = simulated(40 * EFFECT, 10 * EFFECT, 0.3, trials=200)
    decisions = decide(values, DESIGN, within)
    assert shares(decisions)["more"] == 1
    assert cost(decisions) < 15 < DESIGN.fixed_information * 100


def test_equal_differences_are_answered() -> None:
    (none, more, less) = decide(np.tile([0.0, 2.0, -2.0], (6, 1)), DESIGN)
    assert (none.answer, more.answer, less.answer) == ("unchanged", "more", "less")


@given(arrays(float, (12, 3), elements=st.floats(-5, 5)))
def test_arms_exchanged_give_the_opposite(values: np.ndarray) -> None:
    opposite = {"more": "less", "less": "more", "unchanged": "unchanged", None: None}
    for one, other in zip(decide(values, DESIGN), decide(-values, DESIGN), strict=True):
        assert opposite[one.answer] == other.answer
        assert one.after == other.after


@given(arrays(float, (10, 2), elements=st.floats(-5, 5)), st.floats(0.01, 100))
def test_the_unit_of_measurement_does_not_matter(values: np.ndarray, scale: float) -> None:
    scaled = Design(EFFECT * scale, DESIGN.alpha)
    one, other = decide(values, DESIGN), decide(values * scale, scaled)
    spread = np.ptp(values, axis=0) > 1e-3  # equal values have no variance to speak of
    for a, b, told in zip(one, other, spread, strict=True):
        if told:
            assert (a.answer, a.after) == (b.answer, b.after)


def test_the_estimate_is_student_s() -> None:
    found = estimate(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.mean == 2.5
    # t(0.975, 3) = 3.1824, standard error sqrt(5/3)/2
    assert found.high == pytest.approx(2.5 + 3.1824 * math.sqrt(5 / 3) / 2, rel=1e-4)
    assert estimate(np.array([1.0])).low is None


def test_an_estimate_of_two_has_an_interval_and_more_confidence_a_wider_one() -> None:
    found = estimate(np.array([1.0, 3.0]))
    # t(0.975, 1) = 12.7062, standard error sqrt(2) / sqrt(2)
    assert found.low == pytest.approx(2 - 12.7062, rel=1e-5)
    assert found.high == pytest.approx(2 + 12.7062, rel=1e-5)
    wider = estimate(np.array([1.0, 3.0]), confidence=0.99)
    assert wider.high == pytest.approx(2 + 63.6567, rel=1e-5)


def test_independent_sides_tell_twice_as_much_of_the_variance() -> None:
    sides = np.array([[1.0, 2.0, 3.0, 6.0], [4.0, 4.0, 9.0, 7.0]])
    found = estimate(sides[1] - sides[0], sides=sides)
    # t(0.975, 6) = 2.44691, variances 14/3 and 6 of four values each
    half = 2.44691 * math.sqrt((14 / 3 + 6) / 4)
    assert found.mean == 3
    assert found.high == pytest.approx(3 + half, rel=1e-5)
    (decision,) = decide((sides[1] - sides[0])[:, None], Design(0.5, 0.01), sides=sides[..., None])
    assert decision.fixed_size == pytest.approx(Design(0.5, 0.01).fixed_information * (14 / 3 + 6))


def test_sides_that_are_alike_answer_at_the_third_look() -> None:
    sides = 50 + np.array([[0.0, 0.001, -0.001], [0.001, -0.001, 0.0]])[..., None]
    (decision,) = decide(sides[1] - sides[0], DESIGN, sides=sides)
    assert (decision.answer, decision.after) == ("unchanged", FEWEST_OF_SIDES)
    (paired,) = decide(sides[1] - sides[0], DESIGN)
    assert paired.answer is None
    changed = sides + np.array([0.0, EFFECT])[:, None, None]
    (decision,) = decide(changed[1] - changed[0], DESIGN, sides=changed)
    assert (decision.answer, decision.after) == ("more", FEWEST_OF_SIDES)


def test_tests_tell_one_another_from_the_fourth_look_at_sides() -> None:
    rng = np.random.default_rng(11)
    families, rounds, sd = 200, 4, 0.2 * EFFECT
    values = rng.standard_normal((rounds, 2, 4, families * QUERIES)) * sd * math.sqrt(rounds)
    sides = values.mean(axis=0) + np.array([0.0, EFFECT])[:, None, None]
    within = (values[:, 1] - values[:, 0]).var(axis=0, ddof=1) / rounds
    found = {
        (looks, family): shares(
            decide(
                *((sides[1] - sides[0])[:looks], QUERY_DESIGN, within[:looks], family),
                sides=sides[:, :looks],
            )
        )["more"]
        for looks in (3, 4)
        for family in (1, QUERIES)
    }
    assert found[3, QUERIES] == found[3, 1]
    assert found[4, QUERIES] > found[4, 1] + 0.1


def test_false_answers_are_as_rare_from_sides() -> None:
    rng = np.random.default_rng(5)
    trials = 8_000
    sd = math.sqrt(8 / DESIGN.fixed_information / 2)
    sides = rng.standard_normal((2, 30, trials)) * sd
    found = shares(decide(sides[1] - sides[0], DESIGN, sides=sides))
    assert found["more"] + found["less"] < 3 * DESIGN.alpha


def test_a_side_that_was_not_run_to_the_end_is_judged_by_what_there_is() -> None:
    rng = np.random.default_rng(6)
    sides = rng.standard_normal((2, 8, 2)) * EFFECT
    sides[:, 5:, 1] = math.nan
    (_, short) = decide(sides[1] - sides[0], DESIGN, sides=sides)
    (alone,) = decide((sides[1] - sides[0])[:5, 1:], DESIGN, sides=sides[:, :5, 1:])
    assert (short.answer, short.fixed_size) == (alone.answer, alone.fixed_size)


def test_what_is_still_to_come_is_told_and_never_nothing() -> None:
    values, within = simulated(0.5 * EFFECT, 1.5, 0.3, trials=200)
    for looks in (2, FEWEST, 10, 30, LOOKS):
        for decision in decide(values[:looks], DESIGN, within[:looks]):
            assert decision.at_most is not None
            assert decision.fixed_size is not None
            if decision.answer is None:
                assert decision.after is None
                assert decision.at_most > looks  # it has none yet, so that one more is needed
            else:
                assert decision.after is not None
                assert FEWEST <= decision.after <= looks


def test_what_it_takes_is_the_information_times_the_variance() -> None:
    values = np.array([[1.0], [2.0], [4.0], [-3.0]])  # without an answer in this noise
    (decision,) = decide(values, Design(0.5, 0.01))
    variance = float(np.var(values, ddof=1))
    design = Design(0.5, 0.01)
    assert decision.answer is None
    assert decision.fixed_size == pytest.approx(design.fixed_information * variance)
    assert decision.at_most == math.ceil(design.greatest_information * variance)
    # z(0.995) = 2.57583, z(0.975) = 1.95996: Whitehead's triangle for an effect of 0.5
    reference = 2 * 2.57583 / (2.57583 + 1.95996) * 0.5
    intercept, slope = 2 / reference * math.log(1 / 0.01), reference / 4
    assert design.greatest_information == pytest.approx(intercept / slope, rel=1e-5)


def test_a_variance_is_never_less_than_what_is_known_inside() -> None:
    values = np.array([[0.01], [0.0], [-0.01], [0.0]])
    (alone,) = decide(values, DESIGN)
    (known,) = decide(values, DESIGN, np.full((4, 1), 2.0))
    assert alone.answer == "unchanged"
    assert known.answer is None
    assert known.fixed_size == pytest.approx(DESIGN.fixed_information * 2.0)


@pytest.mark.parametrize("answer", ["more", "less", "unchanged"])
def test_an_answer_stays_whatever_comes_after(answer: str) -> None:
    level = {"more": EFFECT * 2, "less": -EFFECT * 2, "unchanged": 0.0}[answer]
    opposite = {"more": -EFFECT * 2, "less": EFFECT * 2, "unchanged": EFFECT * 2}[answer]
    wobble = np.tile([0.05, -0.05], 4)[:, np.newaxis]
    (early,) = decide(level + wobble, DESIGN)
    (late,) = decide(np.concatenate([level + wobble, opposite + wobble]), DESIGN)
    assert early.answer == late.answer == answer
    assert early.after == late.after
