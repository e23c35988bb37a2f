"""Plans explain the times of a run, and are no part of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.results.texts import plan_path, read_texts
from tests.conftest import Bench
from tests.more import few
from tests.workloads.test_failures import faulty_bench

pytestmark = pytest.mark.usefixtures("third_party")


def test_every_query_has_its_sql_and_every_engine_s_plan(official_bench: Bench) -> None:
    run = official_bench.run
    texts = read_texts(run, official_bench.directory)
    assert list(texts.sql) == list(run.header.queries)
    assert "lineitem" in texts.sql["q01"].lower()
    assert set(texts.plans) == {(q, e.name) for q in run.header.queries for e in run.engines}
    assert "AggregateExec" in texts.plans["q01", "datafusion"]
    assert not {sample.phase for sample in run.samples} - {"start", "open", "first", "hot"}


@pytest.mark.parametrize(
    ("fault", "told"),
    few([("plan exits", None), ("plan", "faulty gives no plan: no plan today")]),
)
def test_a_plan_that_cannot_be_had_is_no_failure(
    settings: Settings, dataset_sf001: Path, fault: str, told: str | None
) -> None:
    bench = faulty_bench(settings, dataset_sf001, fault, others=["tiny"])
    assert {sample.status for sample in bench.run.samples} == {"ok"}
    assert {v.verdict for v in bench.run.verifications} == {"verified"}
    assert bench.run.finished_at is not None
    plans = read_texts(bench.run, bench.directory).plans
    assert plans.get(("q01", "faulty")) == told
    assert ("q01", "tiny") in plans
    assert (("q06", "faulty") in plans) == (told is not None)  # its process was lost before


def test_texts_that_are_not_there_are_left_out(official_bench: Bench, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(official_bench.directory, copy)
    shutil.rmtree(copy / "queries")
    plan_path(copy, "polars", "q03").unlink()
    texts = read_texts(official_bench.run, copy)
    assert texts.sql == {}
    assert ("q03", "polars") not in texts.plans
    assert ("q04", "polars") in texts.plans
