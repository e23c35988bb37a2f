"""Several runs: what is compared, what is not, and what differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuralake.errors import ResultsError
from neuralake.report.runs.summary import summarise_runs
from tests.report.run.make import made_run
from tests.results.make import FINGERPRINT

BASE = made_run(id="base")


def test_a_ratio_is_the_later_run_to_the_first() -> None:
    comparison = summarise_runs([BASE, made_run(id="slow", speed=2.0)])
    ratio = comparison.ratios[1, "q01", "polars"]
    assert ratio is not None
    assert ratio.ratio == pytest.approx(2)
    assert ratio.is_clear
    assert comparison.means[1, "polars"].ratio == pytest.approx(2)
    assert comparison.means[1, "polars"].queries == 22
    assert comparison.laws == {}
    assert comparison.is_same_size(1)
    assert comparison.differences == ()


def test_a_failed_query_has_no_ratio_and_is_in_no_mean() -> None:
    failed = made_run(id="failed", failures={("polars", "q01"): ("timeout", "late")})
    comparison = summarise_runs([BASE, failed])
    assert comparison.ratios[1, "q01", "polars"] is None
    assert comparison.means[1, "polars"].queries == 21


def test_only_what_two_runs_share_is_compared() -> None:
    other = made_run(id="other", engines=("polars", "duckdb"), queries=("q02", "q99"))
    comparison = summarise_runs([BASE, other])
    assert comparison.engines == ("polars",)
    assert comparison.queries == ("q02",)


def test_scale_factors_give_an_exponent() -> None:
    runs = [made_run(id=f"sf{s:g}", scale_factor=s) for s in (1.0, 0.1, 10.0)]
    comparison = summarise_runs(runs)
    assert comparison.scale_factors == (0.1, 1.0, 10.0)
    assert comparison.laws["q01", "polars"].exponent == pytest.approx(1)
    assert [size for size, _ in comparison.points("q01", "polars")] == [0.1, 1.0, 10.0]


def test_every_difference_that_may_matter_is_listed() -> None:
    machine = replace(FINGERPRINT, cpu="Another", packages={"polars": "2.2.0"}, load_1m=9.0)
    other = made_run(id="other", hot=6, fingerprint=machine)
    engines = [
        replace(engine, versions={"jdk": "21"} if engine.name == "spark" else engine.versions)
        for engine in other.engines
    ]
    found = summarise_runs([BASE, replace(other, engines=tuple(engines))]).differences
    assert {difference.label: difference.values for difference in found} == {
        "Run: hot runs a query": ("5", "6"),
        "Machine: processor": ("A processor", "Another"),
        "Software: polars": ("2.1.0", "2.2.0"),
        "Engine spark: version of spark": ("1.2.3", "–"),
        "Engine spark: version of jdk": ("–", "21"),
    }


def test_another_text_of_a_query_is_a_difference_if_both_texts_are_known() -> None:
    runs = [made_run(id=f"r{n}", query_sha256={"q01": n}) for n in ("a", "b")]
    assert [difference.label for difference in summarise_runs(runs).differences] == [
        "SHA-256 of the SQL: q01"
    ]
    assert summarise_runs([BASE, runs[0]]).differences == ()


def test_an_engine_that_ran_in_one_run_alone_is_one_difference() -> None:
    found = summarise_runs([BASE, made_run(id="other", engines=("polars", "duckdb"))]).differences
    assert [(difference.label, *difference.values) for difference in found] == [
        ("Run: engines", "polars, datafusion, spark", "polars, duckdb")
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (made_run(id="shop", workload="shop"), "their workloads are tpch and shop"),
        (made_run(id="q", queries=("x",)), "no engine and query in common"),
        (made_run(id="e", engines=("duckdb",)), "no engine and query in common"),
        (BASE, "run base is named twice"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(other, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ResultsError, match=message):
        summarise_runs([BASE, other])
