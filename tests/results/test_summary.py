"""A run in numbers: a failed or wrong query has no time, and is in no total."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuralake.results.records import EngineRecord, Phase, Run, Sample, Status
from neuralake.results.summary import Cell, Summary, summarise
from tests.results.make import judged, round_ns, run, sample


def hot(engine: str, query: str, *seconds: float) -> list[Sample]:
    return [sample(engine, query, s, number) for number, s in enumerate(seconds, start=1)]


def everything(status: Status = "ok") -> Run:
    """Two queries on two engines; Spark's q02 has one sample of the status."""
    return run(
        [
            sample("polars", None, 0.5, 0, phase="start"),
            sample("polars", None, 0.25, 0, phase="open"),
            sample("polars", "q01", 9.0, 0, phase="first"),
            *hot("polars", "q01", 1.0, 2.0, 3.0),
            *hot("polars", "q02", 8.0, 8.0, 8.0),
            *hot("spark", "q01", 4.0, 4.0, 5.0),
            *hot("spark", "q02", 2.0, 2.0),
            sample("spark", "q02", 2.0, 3, status=status),
        ],
        [judged("polars", "q01"), judged("polars", "q02"), judged("spark", "q01")],
    )


def test_a_latency_is_the_median_of_the_hot_runs() -> None:
    summary = summarise(everything())
    cell = summary.cells["q01", "polars"]
    assert cell.latency_s is not None
    assert (cell.latency_s.median, cell.latency_s.low, cell.latency_s.high) == (2.0, 1.0, 3.0)
    assert (cell.first_s, cell.runs, cell.status) == (9.0, 3, "ok")


def numbers(samples: list[Sample]) -> Summary:
    """Of a run whose engines are those that have samples."""
    return summarise(run(samples, engines=list(dict.fromkeys(s.engine for s in samples))))


def test_the_fastest_is_faster_than_every_other_beyond_the_noise() -> None:
    calm = [*hot("a", "q01", 1.0, 1.1, 1.2), *hot("b", "q01", 2.0, 2.1, 2.2)]
    assert numbers(calm).fastest("q01") == "a"
    close = [*hot("a", "q01", 1.0, 1.1, 1.2), *hot("b", "q01", 1.15, 1.3, 1.4)]
    assert numbers(close).fastest("q01") is None  # the intervals overlap
    restless = [*hot("a", "q02", 1.0, 5.0, 9.0), *hot("b", "q02", 1.0, 5.0, 9.0)]
    assert numbers([*calm, *restless]).fastest("q01") is None  # the other query tells
    few = [*hot("a", "q01", 1.0, 1.1), *hot("b", "q01", 2.0, 2.1)]
    assert numbers(few).fastest("q01") is None
    assert numbers(hot("a", "q01", 1.0, 1.1, 1.2)).fastest("q01") is None
    third = [*calm, *hot("c", "q01", 1.1, 1.2, 1.3)]
    assert numbers(third).fastest("q01") is None


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_engines_of_equal_speed_are_hardly_ever_told_apart(runs: int) -> None:
    rng = np.random.default_rng(1)
    queries = [f"q{number:02}" for number in range(1, 23)]
    stars = 0
    for _ in range(30):
        samples = [
            taken
            for engine in ("a", "b")
            for query in queries
            for taken in hot(engine, query, *rng.lognormal(0, 0.15, runs))
        ]
        summary = numbers(samples)
        stars += sum(summary.fastest(query) is not None for query in queries)
    assert stars / (30 * 22) < 0.01


def test_the_total_is_told_apart_by_the_ends_of_the_intervals() -> None:
    def summary(*second: float) -> Summary:
        samples = [
            *hot("a", "q01", 1.0, 1.1, 1.2),
            *hot("a", "q02", 5.0, 5.0, 5.1),
            *hot("b", "q01", 2.0, 2.1, 2.2),
            *hot("b", "q02", *second),
        ]
        return numbers(samples)

    assert summary(5.0, 5.0, 5.1).fastest_in_total() == "a"
    assert summary(4.0, 5.0, 5.1).fastest_in_total() is None
    assert summary(5.0, 5.0).fastest_in_total() is None


def test_the_spread_of_the_hot_runs_is_that_of_all_queries() -> None:
    calm = numbers(hot("a", "q01", 1.0, 1.0, 1.0)).by_engine["a"]
    assert (calm.log_sd, calm.typical_range) == (0.0, 1.0)
    once = numbers(hot("a", "q01", 1.0)).by_engine["a"]
    assert (once.log_sd, once.typical_range) == (None, None)


def execution(
    phase: Phase, wall_s: float = 1.0, *, cpu_s: float | None = 1.0, **facts: Any
) -> Sample:
    """Of q01 on Polars."""
    cpu_ns = None if cpu_s is None else round_ns(cpu_s)
    return replace(sample("polars", "q01", wall_s, phase=phase), cpu_ns=cpu_ns, **facts)


def cell(*samples: Sample) -> Cell:
    return summarise(run(list(samples), engines=["polars"])).cells["q01", "polars"]


def test_processor_time_is_in_seconds_and_cores_are_its_ratio_to_elapsed_time() -> None:
    found = cell(
        execution("first", cpu_s=100.0),
        execution("hot", 2.0, cpu_s=3.0),  # 1.5 cores
        execution("hot", 4.0, cpu_s=2.0),  # half a core
        execution("hot", 1.0, cpu_s=4.0),  # four
        execution("hot", 1.0, cpu_s=None),  # not known: no part of either
    )
    assert (found.cpu_s, found.cores_used) == (3.0, 1.5)
    unknown = cell(execution("hot", cpu_s=None))
    assert (unknown.cpu_s, unknown.cores_used) == (None, None)


def test_instructions_are_the_median_of_those_that_are_known() -> None:
    found = cell(
        execution("first", instructions=9000),
        *(execution("hot", instructions=n) for n in (10, None, 30, 11)),
    )
    assert found.instructions == 11
    assert cell(execution("hot")).instructions is None


def test_bytes_are_those_of_the_phase_and_the_peak_is_that_of_all() -> None:
    found = cell(
        execution("first", bytes_read=900, peak_rss_bytes=7),
        execution("hot", bytes_read=1, peak_rss_bytes=5),
        execution("hot", bytes_read=3, peak_rss_bytes=None, bytes_written=8),
        execution("cold", 5.0, bytes_read=40, cached_bytes=2, peak_rss_bytes=6),
        execution("cold", 7.0, bytes_read=60, cached_bytes=9, peak_rss_bytes=6),
        execution("cold", 6.0, bytes_read=50, cached_bytes=None, peak_rss_bytes=6),
    )
    assert (found.bytes_read, found.cold_bytes_read, found.bytes_written) == (2, 50, 8)
    assert (found.cached_bytes, found.peak_rss_bytes) == (9, 7)
    assert found.cold_s is not None
    assert (found.cold_s.median, found.cold_s.low, found.cold_s.high) == (6.0, 5.0, 7.0)
    assert found.latency_s is not None
    assert found.latency_s.median == 1.0
    failed = cell(
        execution("hot", peak_rss_bytes=5), execution("hot", status="oom", peak_rss_bytes=99)
    )
    assert (failed.status, failed.peak_rss_bytes) == ("oom", 99)


def test_without_a_hot_run_there_is_no_latency() -> None:
    found = cell(execution("first", 3.0), execution("cold", 5.0))
    assert (found.status, found.latency_s, found.first_s) == ("missing", None, 3.0)
    assert (found.cpu_s, found.cores_used, found.bytes_read) == (None, None, None)
    assert (found.hot_runs_s, found.runs) == ((), 0)
    hot = cell(execution("hot"))
    assert (hot.status, hot.first_s, hot.cold_s, hot.runs) == ("ok", None, None, 1)
    assert (hot.cold_bytes_read, hot.cached_bytes) == (None, None)


def test_the_peak_of_an_engine_is_the_greatest_of_any_execution() -> None:
    start = replace(sample("polars", None, 0.5, 0, phase="start"), peak_rss_bytes=3)
    unknown = replace(sample("polars", "q01"), peak_rss_bytes=None)
    made = run([start, unknown], engines=["polars"])
    assert summarise(made).by_engine["polars"].peak_rss_bytes == 3
    assert summarise(run([unknown], engines=["polars"])).by_engine["polars"].peak_rss_bytes is None


def test_the_least_latency_of_a_query_is_that_of_any_engine() -> None:
    summary = summarise(everything())
    assert (summary.least("q01"), summary.least("q02")) == (2.0, 2.0)
    assert summarise(everything("wrong")).least("q02") == 8.0
    assert summarise(run([sample("polars", "q01", status="oom")])).least("q01") is None


def test_totals_are_over_the_compared_queries() -> None:
    summary = summarise(everything())
    assert summary.compared == ("q01", "q02")
    assert summary.by_engine["polars"].total_s == 10.0
    assert summary.by_engine["polars"].geometric_mean_s == pytest.approx(4.0)
    assert summary.by_engine["spark"].total_s == 6.0
    assert (summary.by_engine["polars"].start_s, summary.by_engine["polars"].open_s) == (0.5, 0.25)
    assert (summary.by_engine["spark"].start_s, summary.by_engine["spark"].open_s) == (None, None)
    assert summary.by_engine["polars"].verified == 2
    assert summary.by_engine["spark"].verified == 1
    assert summary.by_engine["spark"].queries == 2
    assert summary.by_engine["spark"].peak_rss_bytes == 2**20


@pytest.mark.parametrize("status", ["wrong", "error", "timeout", "oom", "crashed"])
def test_one_bad_sample_takes_the_time_away(status: Status) -> None:
    summary = summarise(everything(status))
    assert summary.cells["q02", "spark"].status == status
    assert summary.cells["q02", "spark"].latency_s is None
    assert summary.compared == ("q01",)
    assert summary.by_engine["polars"].total_s == 2.0
    assert summary.by_engine["spark"].total_s == 4.0
    assert summary.fastest("q02") is None


def test_a_query_that_did_not_run_is_missing_and_is_not_compared() -> None:
    summary = summarise(run([*hot("polars", "q01", 1.0), *hot("spark", "q02", 1.0)]))
    assert summary.cells["q01", "spark"].status == "missing"
    assert summary.compared == ()
    assert summary.by_engine["polars"].total_s is None
    assert summary.by_engine["polars"].geometric_mean_s is None


def test_cold_totals_are_of_the_compared_queries_if_all_of_them_were_cold() -> None:
    def cold(query: str, *seconds: float) -> list[Sample]:
        return [sample("polars", query, s, n, phase="cold") for n, s in enumerate(seconds, 1)]

    warm = [*hot("polars", "q01", 1.0), *hot("polars", "q02", 2.0)]
    both = numbers([*warm, *cold("q01", 3.0, 5.0, 4.0), *cold("q02", 9.0)]).by_engine["polars"]
    assert both.cold_total_s == 13.0
    assert both.cold_geometric_mean_s == pytest.approx(6.0)
    one = numbers([*warm, *cold("q01", 3.0)]).by_engine["polars"]
    assert (one.cold_total_s, one.cold_geometric_mean_s, one.total_s) == (None, None, 3.0)
    assert numbers(warm).by_engine["polars"].cold_total_s is None


@pytest.mark.parametrize(("apart", "told"), [(3.0, None), (3.15, "a")])
def test_the_fastest_is_three_standard_errors_of_two_medians_ahead(
    apart: float, told: str | None
) -> None:
    # logarithms −s, 0, s deviate by s; a median of three by √(π/2 · s²/3), two by √(π/3) s
    step = 1.01
    one = hot("a", "q01", *(step**power for power in (-1, 0, 1)))
    other = hot("b", "q01", *(step ** (apart + power) for power in (-1, 0, 1)))
    assert numbers([*one, *other]).fastest("q01") == told


def test_an_engine_without_any_latency_is_outside_the_common_set() -> None:
    summary = summarise(run([*hot("polars", "q01", 1.0), sample("spark", "q01", status="crashed")]))
    assert summary.engines == ("polars", "spark")
    assert summary.compared == ("q01",)
    assert summary.by_engine["polars"].total_s == 1.0
    assert summary.by_engine["spark"].total_s is None
    nothing = summarise(run([sample("spark", "q01", status="oom")]))
    assert nothing.compared == ()


def test_an_engine_that_cannot_run_here_is_no_contestant() -> None:
    engines: list[EngineRecord | str] = ["polars", EngineRecord("spark", unavailable="no JDK")]
    summary = summarise(run([*hot("polars", "q01", 1.0)], engines=engines))
    assert summary.engines == ("polars",)
    assert summary.compared == ("q01",)
    assert summary.fastest("q01") is None
