"""The trials of benchmarks/detection: they are the recording's, and judge as compare does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.detection.rivals import rules
from benchmarks.detection.trials import (
    Recording,
    carry_out,
    draw,
    planned,
    quieter,
    read_recording,
    write_recording,
)
from neuralake.results.comparison import Pair
from neuralake.results.comparisons import DOCUMENT
from neuralake.results.pairs import PairJournal
from neuralake.stats.paired import Question, judge, query_units
from tests.report.comparison.make import change, made_comparison, made_engine

QUERIES = tuple("abcdefgh")
QUESTION = Question()
MANY_S = 30 * 12.5


def recording(units: int = 40, rounds: int = 4, noise: float = 0.05) -> Recording:
    rng = np.random.default_rng(1)
    shape = (units, rounds, len(QUERIES))
    base = np.exp(rng.standard_normal(shape) * 0.2) * 0.02
    slower = base * np.exp(rng.standard_normal(shape) * noise)
    return Recording("made", QUERIES, base, slower, 12.5)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = recording(3)
    write_recording(made, tmp_path / "made.npz")
    found = read_recording(tmp_path / "made.npz")
    assert (found.name, found.queries, found.rounds) == ("made", QUERIES, 4)
    assert found.unit_s == 12.5
    assert found.log_ratios() == pytest.approx(made.log_ratios(), abs=1e-5)


def test_a_recording_of_pairs_leaves_half_a_unit_out(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    with PairJournal(path) as journal:
        for unit, rounds in ((0, 2), (1, 1)):
            for turn in range(rounds):
                journal.append(
                    [Pair("e", q, unit, turn, 10, 20 + turn, None, None, True) for q in ("x", "y")]
                )
    comparison = made_comparison(made_engine("e", change(None, "unchanged"), []))
    (tmp_path / DOCUMENT).write_bytes(msgspec.json.encode(comparison))
    found = read_recording(path)
    assert (found.name, found.queries) == ("e", ("x", "y"))
    assert found.unit_s == comparison.engines[0].elapsed_s
    assert found.base_s.shape == (1, 2, 2)
    assert found.log_ratios()[0, :, 0] == pytest.approx([math.log(2), math.log(2.1)])


def test_trials_without_a_change_raise_no_alarm() -> None:
    rng = np.random.default_rng(2)
    made = recording()
    outcome = carry_out(made, draw(made, 500, 30, rng), np.zeros(8), QUESTION, MANY_S)
    assert np.mean(np.abs(np.nan_to_num(outcome.suite)) > 0) <= 0.01
    assert np.mean(np.abs(np.nan_to_num(outcome.queries)) > 0) <= 0.001
    assert 0.93 <= outcome.suite_covered.mean() <= 0.97
    assert abs(outcome.query_errors.mean()) < 0.002


def test_units_in_order_follow_one_another() -> None:
    made = recording(12)
    drawn = draw(made, 6, 15, np.random.default_rng(5), in_order=True)
    units = np.abs(query_units(list(made.log_ratios())).values)
    for trial in range(6):
        (start,) = {
            unit for unit in range(12) if np.allclose(units[unit], np.abs(drawn.values[0, trial]))
        }
        order = [(start + step) % 12 for step in range(15)]
        assert np.abs(drawn.values[:, trial]) == pytest.approx(units[order])


def test_a_slowed_query_is_found_and_no_other() -> None:
    rng = np.random.default_rng(3)
    change = np.zeros(8)
    change[2] = math.log1p(0.08)
    made = recording()
    outcome = carry_out(made, draw(made, 200, 30, rng), change, QUESTION, MANY_S)
    assert np.mean(outcome.queries[:, 2] > 0) > 0.95
    others = np.delete(outcome.queries, 2, axis=1)
    assert np.mean(np.abs(np.nan_to_num(others)) > 0) <= 0.002


def test_a_trial_says_what_compare_would_say() -> None:
    made = recording(12, noise=0.08)
    drawn = draw(made, 20, 40, np.random.default_rng(4))
    outcome = carry_out(made, drawn, np.zeros(8), QUESTION, 18 * made.unit_s)
    names = {"slower": 1.0, "faster": -1.0, "unchanged": 0.0}
    rng = np.random.default_rng(4)
    chosen = rng.integers(0, 12, (40, 20))
    sign = rng.choice((-1.0, 1.0), (40, 20))
    for trial in range(20):
        ran = outcome.query_units[trial]
        pairs = []
        for unit in range(int(ran.max())):
            logs = made.log_ratios()[chosen[unit, trial]] * sign[unit, trial]
            pairs.append(np.where(ran > unit, logs, math.nan))
        suite, queries = judge(pairs, QUESTION)
        codes = [names.get(said.verdict, math.nan) for said in (suite, *queries)]
        expected = [outcome.suite[trial], *outcome.queries[trial]]
        assert codes == pytest.approx(expected, nan_ok=True)
    assert len(np.unique(outcome.query_units)) > 3


def test_time_goes_to_the_queries_that_are_open() -> None:
    made = recording(noise=0.1)
    noisier = np.exp(made.log_ratios() * np.array([6.0] + [1.0] * 7))
    made = replace(made, candidate_s=made.base_s * noisier)
    drawn = draw(made, 50, 120, np.random.default_rng(6))
    seconds = 40 * made.unit_s
    outcome = carry_out(made, drawn, np.zeros(8), Question(0.1, 0.1), seconds)
    took_s = made.start_s * outcome.query_units.max(axis=1)
    took_s += made.rounds * outcome.query_units @ made.query_s
    assert np.all(took_s <= seconds)
    first, others = outcome.query_units[:, 0], outcome.query_units[:, 1:]
    assert np.isnan(outcome.queries[:, 0]).mean() > 0.9
    assert np.all(outcome.queries[:, 1:] == 0)
    assert np.all(outcome.suite_units <= others.min(axis=1))
    assert first.mean() > 1.05 * 40 > 40 > 1.5 * others.mean()


def test_a_quieter_recording_has_less_noise() -> None:
    made = recording()
    assert quieter(made, 0.5).log_ratios().std() == pytest.approx(made.log_ratios().std() / 2)


def test_a_quieter_recording_has_the_rounds_that_would_have_been_planned() -> None:
    made = recording(units=6, rounds=20, noise=0.08)
    cut = planned(made, QUESTION)
    assert 4 <= cut.rounds < 10
    parts = 20 // cut.rounds
    assert cut.base_s.shape == (6 * parts, cut.rounds, len(QUERIES))
    assert cut.log_ratios()[1] == pytest.approx(made.log_ratios()[0, cut.rounds : 2 * cut.rounds])
    saved_s = (20 - cut.rounds) * (made.base_s + made.candidate_s).sum(axis=2).mean()
    assert cut.unit_s == pytest.approx(12.5 - saved_s)
    assert planned(recording(units=6, noise=0.5), QUESTION).rounds == 4


def test_the_other_rules_flag_what_they_say_they_flag() -> None:
    rng = np.random.default_rng(5)
    base = np.exp(rng.standard_normal(30) * 0.01)
    assert {name: rule(base, base) for name, rule in rules().items()} == dict.fromkeys(
        rules(), False
    )
    assert all(rule(base, base * 1.5) for rule in rules().values())
    flagged = {name for name, rule in rules().items() if rule(base, base * 1.07)}
    assert flagged == {"asv, factor 1.05", "pytest-benchmark, median:5%", "min of N, 5 %"}
