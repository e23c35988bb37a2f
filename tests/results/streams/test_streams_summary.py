"""Metrics of a run of streams: TPC's formulas, and none where anything went wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from neuralake.results.phases.records import AnswerCheck, EndCheck, PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TASKS, TaskSample, samples_of
from neuralake.results.streams.records import streams_of, throughput_phase
from neuralake.results.streams.summary import measure_phase, power, summarise_streams, throughput
from tests.results.streams.make import phase_of, power_samples, run_of, stream_samples

S = 1_000_000_000


def test_power_is_3600_sf_over_the_geometric_mean() -> None:
    assert power([1.0] * 24, 1.0) == pytest.approx(3600)
    assert power([2.0] * 12 + [0.5] * 12, 10.0) == pytest.approx(36000)


def test_a_time_below_a_thousandth_of_the_longest_counts_as_that() -> None:
    assert power([1000.0] * 23 + [0.001], 1.0) == power([1000.0] * 23 + [1.0], 1.0)


def test_throughput_counts_all_queries_of_all_streams() -> None:
    assert throughput(2, 100.0, 1.0) == pytest.approx(2 * 22 * 36)


def test_a_refresh_function_is_its_writes_together() -> None:
    measured = measure_phase(phase_of("power"), power_samples(), 1.0)
    assert measured.fault is None
    assert len(measured.times_s) == 24
    assert measured.times_s["RF1"] == 2.0  # two writes of a second each
    assert measured.times_s["q01"] == 1.0
    assert measured.metric == pytest.approx(power([1.0] * 22 + [2.0, 2.0], 1.0))


def test_a_throughput_run_lasts_until_the_last_session_has_ended() -> None:
    phase = replace(phase_of(throughput_phase(2)), elapsed_ns=44 * S)
    measured = measure_phase(phase, stream_samples(2), 1.0)
    assert measured.metric == pytest.approx(throughput(2, 44.0, 1.0))
    assert streams_of(phase.key.phase) == 2


FAULTS = {
    "error": "q01 of stream 0: error: no",
    "timeout": "q01 of stream 0: timeout: no",
    "unsupported": "q01 of stream 0: unsupported: no",
}


@pytest.mark.parametrize("status", FAULTS)
def test_one_failed_query_leaves_no_metric(status: str) -> None:
    samples = [
        replace(sample, status=status, wall_ns=None, message="no")  # type: ignore[arg-type]
        if sample.task == "q01"
        else sample
        for sample in power_samples()
    ]
    measured = measure_phase(phase_of("power"), samples, 1.0)
    assert (measured.metric, measured.fault) == (None, FAULTS[status])
    assert measured.times_s == {}


def test_one_wrong_answer_leaves_no_metric() -> None:
    samples = power_samples()
    wrong = replace(samples[2], status="wrong")
    check = AnswerCheck(wrong.session, wrong.position, wrong.task, "wrong", "x", "1 row, not 2")
    phase = replace(phase_of("power"), answers=(check,))
    measured = measure_phase(phase, [*samples[:2], wrong, *samples[3:]], 1.0)
    assert measured.metric is None
    assert measured.fault == f"{wrong.task} of stream 0 has a wrong answer: 1 row, not 2"


@pytest.mark.parametrize(("is_right", "word"), [(False, "wrong"), (None, "not known")])
def test_tables_that_are_not_what_they_must_be_leave_no_metric(
    is_right: bool | None, word: str
) -> None:
    phase = replace(phase_of("power"), end=(EndCheck("rows of orders", is_right, "14"),))
    measured = measure_phase(phase, power_samples(), 1.0)
    assert (measured.metric, measured.fault) == (None, f"rows of orders: {word}: 14")


def test_a_phase_that_did_not_come_to_its_end_has_no_metric() -> None:
    phase = PhaseRecord(PhaseKey("a", "power"), "crashed", "", message="gone")
    measured = measure_phase(phase, power_samples()[:5], 1.0)
    assert (measured.metric, measured.fault) == (None, "crashed: gone")


def test_queries_that_did_not_run_leave_no_metric() -> None:
    measured = measure_phase(phase_of("power"), power_samples()[:-5], 1.0)
    assert measured.metric is None
    assert measured.fault == "19 queries ran: expected 22"


def test_metrics_of_several_rounds_are_medians(tmp_path: Path) -> None:
    run = run_of(tmp_path, rounds=3, elapsed_s=(44, 22, 88))
    summary = summarise_streams(run, tmp_path)
    assert [line.engine for line in summary.lines] == ["a", "b"]
    for line in summary.lines:
        assert line.throughput == pytest.approx(throughput(2, 44, 1.0))
        assert line.power is not None
        assert line.throughput is not None
        assert line.composite == pytest.approx((line.power * line.throughput) ** 0.5)
        assert [value for _, value in line.by_round] == [
            pytest.approx(throughput(2, seconds, 1.0)) for seconds in (44, 22, 88)
        ]
    assert summary.is_right


def test_a_round_that_failed_or_was_not_measured_leaves_no_median(tmp_path: Path) -> None:
    run = run_of(tmp_path, rounds=2, elapsed_s=(44, 44))
    check = EndCheck("rows of orders", False, "14")
    phases = [replace(p, end=(check,)) if p.key.engine == "a" else p for p in run.phases]
    failed = summarise_streams(replace(run, phases=tuple(phases)), tmp_path)
    assert [line.composite is None for line in failed.lines] == [True, False]
    assert failed.lines[0].fault == "rows of orders: wrong: 14"
    assert not failed.is_right
    interrupted = summarise_streams(replace(run, phases=run.phases[:3]), tmp_path)
    assert [line.fault for line in interrupted.lines] == ["it was not measured"] * 2
    assert all(line.composite is None for line in interrupted.lines)


def test_latencies_are_alone_and_beside_others(tmp_path: Path) -> None:
    summary = summarise_streams(run_of(tmp_path), tmp_path)
    assert [found.name for found in summary.latencies[:24]][-2:] == ["RF1", "RF2"]
    by_name = {found.name: found for found in summary.latencies if found.engine == "a"}
    assert (by_name["q01"].alone_s, by_name["q01"].beside_s) == (1.0, {2: 1.0})
    assert (by_name["RF1"].alone_s, by_name["RF1"].beside_s) == (2.0, {})


def test_a_sample_is_the_same_when_it_is_read_again() -> None:
    sample = TaskSample(
        session="stream 1",
        position=3,
        task="q01",
        kind="query",
        status="ok",
        started_at="2026-01-01T00:00:00.000+00:00",
        begin_ns=5,
        wall_ns=7,
        versions={"orders": 2, "lineitem": 3},
        answer="a.arrow",
    )
    columns = [
        pa.array([value], field.type) for value, field in zip(sample.row(), TASKS, strict=True)
    ]
    assert list(samples_of(pa.table(columns, schema=TASKS))) == [sample]
    assert sample.end_ns == 12
