"""A run in numbers: a failed or wrong query has no time, and is in no total."""

from __future__ import annotations

import pytest

from neuralake.results.records import EngineRecord, Run, Sample, Status
from neuralake.results.summary import summarise
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
    assert summary.fastest("q01") == "polars"
    assert summary.fastest("q02") == "spark"


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
