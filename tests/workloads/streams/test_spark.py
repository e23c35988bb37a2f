"""Streams on Spark: sessions of one application in threads, and delta-spark beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from neuralake.config import Settings
from neuralake.engines.registry import EngineSpec
from neuralake.results.phases.records import PhaseKey
from neuralake.results.phases.samples import read_samples
from neuralake.results.records import Limits
from neuralake.tpch.refresh.checks import check_tables, table_totals
from neuralake.tpch.refresh.stage import stage
from neuralake.workloads.phases.checking import check_answers, reference
from neuralake.workloads.phases.copies import copy_tables
from neuralake.workloads.phases.model import PhasePlan, SessionPlan
from neuralake.workloads.phases.runner import Runner
from neuralake.workloads.places import Target
from neuralake.workloads.streams.plan import phase_plan
from neuralake.workloads.streams.streams import delta_tables
from tests.workloads.streams.conftest import plan_for

QUERIES = ("q06", "q12", "q14")  # of the 22, so that it takes seconds


@pytest.mark.more
@pytest.mark.usefixtures("no_spark")
def test_two_streams_and_their_refreshes_run_at_once(
    settings: Settings, dataset_sf001: Path, tmp_path: Path
) -> None:
    plan = plan_for(settings, dataset_sf001, tmp_path, ["spark"], streams=(2,))
    assert plan.mapping == {"spark": "threads"}
    tables = copy_tables(delta_tables(plan.workload), Target(str(tmp_path / "copies")))
    staged = stage(str(dataset_sf001), plan.sets, tmp_path / "sets")
    whole = phase_plan(plan, PhaseKey("spark", "throughput-2"), {s.number: s for s in staged.sets})
    sessions = tuple(
        SessionPlan(
            session.name,
            tuple(t for t in session.tasks if t.kind != "query" or t.name in QUERIES),
        )
        for session in whole.sessions
    )
    planned = PhasePlan(whole.name, sessions)
    runner = Runner(plan.engines[0], tmp_path, "threads", "engine", Limits(timeout_s=600))
    phase, engine = runner.run(planned, tables)
    assert (phase.status, phase.message) == ("ok", None)
    assert engine.settings["scheduler"] == "fair"
    samples = read_samples(tmp_path, phase.parts)
    assert [(s.status, s.message) for s in samples] == [("ok", None)] * (2 * len(QUERIES) + 8)
    paths = {s.task: s.path for s in samples if s.path is not None}
    assert all(path.startswith("delta-spark") for path in paths.values())
    queries = {query.name: query for query in plan.workload.queries}
    with reference(EngineSpec("duckdb"), tmp_path / "log", tmp_path / "reference") as by:
        checks = list(check_answers(samples, planned, tables, queries, by, tmp_path))
    assert [check.verdict for check in checks] == ["verified"] * (2 * len(QUERIES))
    originals = delta_tables(plan.workload)
    fresh = table_totals(originals["orders"], originals["lineitem"])
    changed = {name: replace(table, version=None) for name, table in tables.items()}
    found = check_tables(changed, fresh, staged, (2, 3), (2, 3))
    assert [check for check in found if not check.passed] == []
