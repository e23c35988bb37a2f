"""The noise of a machine: kept, merged, and what it says of the effects that can be found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from neuralake.arms.calibration import (
    Calibration,
    EngineNoise,
    Noise,
    calibration_of,
    load_calibration,
    store_calibration,
)
from neuralake.arms.rounds import COUNTED, TIMED, affordable_rounds, planned_repeats, planned_rounds
from neuralake.errors import ResultsError
from neuralake.results.comparison import ArmRecord, Change, Comparison, EngineComparison
from neuralake.results.records import Fingerprint
from neuralake.stats.paired import Question

MACHINE = Fingerprint("cpu", 2, 24 << 30, "6", None, None, "3", "0", {}, None, None)
NOISE = EngineNoise(10.0, 4, 30, Noise(0.03, 0.015), {"a": Noise(0.1, 0.05), "b": Noise(0.2, 0.1)})
QUESTION = Question()


def calibration(**engines: EngineNoise) -> Calibration:
    return Calibration(1, "2026-01-01T00:00:00Z", "c0ffee", "shop", 0.1, MACHINE, engines)


def test_what_is_kept_is_read_again_and_other_engines_stay(tmp_path: Path) -> None:
    path = store_calibration(tmp_path, calibration(polars=NOISE))
    assert load_calibration(path) == calibration(polars=NOISE)
    later = replace(NOISE, unit_s=20.0)
    assert store_calibration(tmp_path, calibration(datafusion=later)) == path
    assert load_calibration(path) == calibration(polars=NOISE, datafusion=later)


def test_another_machine_has_another_file(tmp_path: Path) -> None:
    other = replace(calibration(polars=NOISE), fingerprint=replace(MACHINE, cores=64))
    one = store_calibration(tmp_path, calibration(polars=NOISE))
    assert store_calibration(tmp_path, other) != one


def test_none_is_none_and_damage_is_told(tmp_path: Path) -> None:
    assert load_calibration(tmp_path / "absent.json") is None
    path = store_calibration(tmp_path, calibration(polars=NOISE))
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps(content | {"schema_version": 7}))
    with pytest.raises(ResultsError, match="schema version 7: this Neuralake reads 1"):
        load_calibration(path)
    path.write_text(json.dumps(content | {"engines": 3}))
    with pytest.raises(ResultsError, match="is corrupt"):
        load_calibration(path)


def test_four_times_the_time_halves_the_effect() -> None:
    suite, query = NOISE.smallest_effects(5, QUESTION)
    longer_suite, longer_query = NOISE.smallest_effects(20, QUESTION)
    assert longer_suite == pytest.approx(suite / 2, rel=0.05)
    assert longer_query == pytest.approx(query / 2, rel=0.1)
    assert suite < query  # a query is noisier than all of them together


def test_the_time_that_is_needed_is_that_of_the_smallest_effect() -> None:
    minutes = NOISE.needed_s(QUESTION) / 60
    _, query = NOISE.smallest_effects(minutes, QUESTION)
    assert query == pytest.approx(QUESTION.query_effect, rel=0.02)


def test_rounds_follow_the_noise() -> None:
    assert planned_rounds(0.01, [0.02] * 22, QUESTION) == 4
    assert 8 < planned_rounds(0.055, [0.02] * 22, QUESTION) < 20
    assert planned_rounds(0.5, [0.02] * 22, QUESTION) == 20


def test_counts_are_judged_from_three_pairs_of_processes_with_four_rounds_or_more() -> None:
    asked = Question(0.005, 0.01, 0.0004, 0.0005)
    assert planned_rounds(0.0001, [0.0005] * 22, asked, COUNTED) == COUNTED.first == 4
    assert planned_rounds(0.0001, [0.0035] * 22, asked, COUNTED) == 6
    assert planned_rounds(0.001, [0.05] * 22, asked, COUNTED) == COUNTED.most == 10
    # one query that is out of line is repeated, and not all others with it
    assert planned_rounds(0.0001, [0.0005] * 21 + [0.1], asked, COUNTED) == 4
    assert planned_repeats(0.1, 22, 2, asked, COUNTED) == COUNTED.most_repeats == 6
    assert planned_repeats(0.0005, 22, 2, asked, COUNTED) == 1
    assert planned_repeats(0.006, 22, 2, asked, COUNTED) == 2
    assert planned_repeats(0.006, 22, 4, asked, COUNTED) == 1
    assert planned_repeats(0.1, 22, 4, QUESTION, TIMED) == 1
    assert affordable_rounds(180, start_s=44, round_s=8, plan=COUNTED) == 4
    assert affordable_rounds(180, start_s=20, round_s=4, plan=COUNTED) == 6


def test_a_noisy_query_calls_for_rounds_as_well_and_one_among_many_does_not() -> None:
    assert 8 < planned_rounds(0.01, [0.1] * 22, QUESTION) < 20
    assert planned_rounds(0.01, [0.02] * 21 + [0.5], QUESTION) == 4
    assert planned_rounds(0.01, [], QUESTION) == 4


@pytest.mark.parametrize(
    ("minutes", "rounds"),
    [(10, 20), (8 * 40 / 60, 20), (5, None), (1, None)],  # eight units of 40 s are a verdict
)
def test_rounds_are_planned_only_where_they_fit_into_the_time(
    minutes: float, rounds: int | None
) -> None:
    noisy = EngineNoise(40.0, 20, 6, Noise(0.5, 0.2), {"a": Noise(0.5, 0.2)})
    assert noisy.planned_rounds(QUESTION, minutes * 60) == rounds


def test_more_rounds_than_were_measured_take_longer() -> None:
    noisy = EngineNoise(10.0, 5, 6, Noise(0.5, 0.2), {"a": Noise(0.5, 0.2)})
    assert noisy.planned_rounds(QUESTION, 8 * 40) == 20
    assert noisy.planned_rounds(QUESTION, 8 * 39) is None


def test_a_calibration_is_made_of_a_comparison() -> None:
    def change(query: str | None, spread: float | None) -> Change:
        return Change(query, "unchanged", 1.0, 0.99, 1.01, spread=spread, unit_spread=spread)

    engine = EngineComparison(
        engine="polars",
        versions={},
        settings={},
        processes=5,
        rounds=4,
        elapsed_s=50.0,
        ending="time",
        suite=change(None, 0.03),
        queries=(change("a", 0.1), Change("b", "failed")),
        verified_against="official answer",
    )
    arm = ArmRecord("HEAD", "c0ffee", "subject")
    found = Comparison(
        1, "id", "2026", None, "shop", "uri", None, arm, arm, 0.02, 0.05, 0.004, 0.005, 60.0,
        MACHINE, (engine,),
    )  # fmt: skip
    noise = calibration_of(found).engines["polars"]
    assert (noise.unit_s, noise.units, noise.suite) == (10.0, 5, Noise(0.03, 0.03))
    assert noise.queries == {"a": Noise(0.1, 0.1)}
    nothing = replace(found, engines=(replace(engine, suite=Change(None, "inconclusive")),))
    with pytest.raises(ResultsError, match="too little was measured"):
        calibration_of(nothing)
