"""A run in numbers: a failed or wrong query has no time, and is in no total."""

from __future__ import annotations

import numpy as np
import pytest

from neuralake.results.records import EngineRecord, Run, Sample, Status
from neuralake.results.summary import Summary, summarise
from tests.results.make import judged, run, sample


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


def test_a_query_that_did_not_run_is_missing() -> None:
    summary = summarise(run([*hot("polars", "q01", 1.0)]))
    assert summary.cells["q01", "spark"].status == "missing"
    assert summary.compared == ()
    assert summary.by_engine["polars"].total_s is None
    assert summary.by_engine["polars"].geometric_mean_s is None


def test_an_engine_that_cannot_run_here_is_no_contestant() -> None:
    engines: list[EngineRecord | str] = ["polars", EngineRecord("spark", unavailable="no JDK")]
    summary = summarise(run([*hot("polars", "q01", 1.0)], engines=engines))
    assert summary.engines == ("polars",)
    assert summary.compared == ("q01",)
    assert summary.fastest("q01") is None
