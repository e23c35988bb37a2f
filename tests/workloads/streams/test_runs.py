"""Runs of streams: every query and refresh is kept, and all of it is checked."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow.compute as pc
import pytest

from neuralake.config import Settings
from neuralake.errors import ResultsError
from neuralake.results.kinds import RUN_OF_STREAMS
from neuralake.results.phases.records import PhaseKey
from neuralake.results.phases.samples import judged_samples
from neuralake.results.store import load_as
from neuralake.results.streams.export import SCHEMA, tasks_table
from neuralake.results.streams.summary import power, throughput
from neuralake.tpch.parameters import parameters
from neuralake.tpch.refresh.staged import Totals, refresh_set
from neuralake.tpch.streams import ordering
from neuralake.tpch.workload import queries
from neuralake.workloads.phases.model import RunQuery
from neuralake.workloads.recording import RunInterruptedError, interrupted_run
from neuralake.workloads.streams.plan import phase_plan
from neuralake.workloads.streams.resume import plan_of
from tests.conftest import FAST_ENGINES
from tests.workloads.streams.conftest import Streamed, Witness, carry_out, plan_for

CHECKS = 13  # eleven of the tables, an old version, and the official answers


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_each_engine_has_a_power_run_and_a_throughput_run(streamed: Streamed) -> None:
    run = streamed.run
    assert [phase.key for phase in run.phases] == [
        PhaseKey(engine, phase)
        for engine in streamed.engines
        for phase in ("power", "throughput-2")
    ]
    assert all(phase.status == "ok" for phase in run.phases)
    assert run.finished_at is not None
    assert load_as(RUN_OF_STREAMS, streamed.directory) == run
    assert RUN_OF_STREAMS.read(streamed.directory / "journal.jsonl") == run


def test_the_power_run_is_a_refresh_the_22_queries_and_a_refresh(streamed: Streamed) -> None:
    for phase in streamed.run.phases[::2]:
        samples = judged_samples(phase, streamed.directory)
        names = [sample.task for sample in samples]
        middle = ordering(0)
        assert names == ["RF1 orders", "RF1 lineitem", *middle, "RF2 lineitem", "RF2 orders"]
        assert {sample.session for sample in samples} == {"stream 0"}
        # one session: each begins when the one before has ended
        for before, after in pairwise(samples):
            assert before.end_ns is not None
            assert after.begin_ns >= before.end_ns


def test_the_throughput_run_has_streams_in_their_orders_and_refreshes_beside(
    streamed: Streamed,
) -> None:
    for phase in streamed.run.phases[1::2]:
        samples = judged_samples(phase, streamed.directory)
        for stream in (1, 2):
            own = [s.task for s in samples if s.session == f"stream {stream}"]
            assert own == list(ordering(stream))
        pairs = [(s.task, s.group) for s in samples if s.session == "refreshes"]
        assert [group for _, group in pairs[::2]] == [
            f"{function} of set {number}" for number in (2, 3) for function in ("RF1", "RF2")
        ]
        # all begin at one moment
        assert all(s.begin_ns < 10**9 for s in samples if s.position == 0)


def test_streams_ask_with_the_parameters_of_their_seeds(
    streamed: Streamed, settings: Settings
) -> None:
    header = streamed.run.header
    by_name = {query.name: query for query in queries(header.scale_factor)}
    nothing = Totals(0, 0, Decimal(0), Decimal(0))
    sets = {number: refresh_set(Path("/nowhere"), number, nothing) for number in header.sets}
    plan = plan_of(streamed.run, settings)
    for stream, phase in ((0, "power"), (1, "throughput-2"), (2, "throughput-2")):
        drawn = parameters(7 + stream, stream, header.scale_factor)
        sessions = phase_plan(plan, PhaseKey("polars", phase), sets).sessions
        asked = next(s for s in sessions if s.name == f"stream {stream}")
        actions = {task.name: task.action for task in asked.tasks}
        found = {name: a.sql for name, a in actions.items() if isinstance(a, RunQuery)}
        assert found == {q.query: by_name[q.query].sql(q.values) for q in drawn}


def test_every_answer_was_given_again_by_another_engine_at_its_versions(
    streamed: Streamed,
) -> None:
    versions = Counter[int]()
    for phase in streamed.run.phases:
        asked = [s for s in judged_samples(phase, streamed.directory) if s.kind == "query"]
        checks = {(c.session, c.position): c for c in phase.answers}
        assert checks.keys() == {(s.session, s.position) for s in asked}
        for check in checks.values():
            assert check.verdict == "verified"
            other, _, rest = (check.against or "").partition(" ")
            assert other in {*FAST_ENGINES} - {phase.key.engine}
            assert rest == "at the same versions"
        versions.update(s.versions["lineitem"] for s in asked if "lineitem" in s.versions)
    assert set(versions) >= {1, 4}  # before and after changes


def test_the_tables_are_what_whole_pairs_leave(streamed: Streamed) -> None:
    for phase in streamed.run.phases:
        assert len(phase.end) == CHECKS
        assert [check for check in phase.end if not check.is_right] == []
        assert phase.end[-1].name == "official answers after the pairs"


def test_refreshes_go_by_the_engines_own_paths_and_say_so(streamed: Streamed) -> None:
    for phase in streamed.run.phases:
        writes = [s for s in judged_samples(phase, streamed.directory) if s.kind != "query"]
        assert all(sample.path for sample in writes)
        assert all(sample.rows for sample in writes)
    polars = judged_samples(streamed.run.phases[0], streamed.directory)
    assert polars[0].path == "polars sink_delta"


def test_metrics_are_tpcs_formulas(streamed: Streamed) -> None:
    summary = streamed.summary
    assert summary.is_right
    for line in summary.lines:
        alone = summary.measured[PhaseKey(line.engine, "power")]
        beside = summary.measured[PhaseKey(line.engine, "throughput-2")]
        assert len(alone.times_s) == 24
        assert line.power == alone.metric == power(alone.times_s.values(), 0.01)
        assert beside.elapsed_s is not None
        assert line.throughput == throughput(2, beside.elapsed_s, 0.01)
        assert line.composite == pytest.approx((line.power * line.throughput) ** 0.5)


def test_the_dataset_is_not_touched_and_no_copy_stays(
    streamed: Streamed, dataset_sf001: Path
) -> None:
    assert streamed.run.header.dataset_uri == str(dataset_sf001)
    assert len(list((dataset_sf001 / "orders" / "_delta_log").glob("*.json"))) == 1
    assert list(streamed.place.iterdir()) == []
    assert not (streamed.directory / "scratch").exists()


def test_an_export_has_a_row_a_task(streamed: Streamed) -> None:
    table = tasks_table(streamed.run, streamed.directory)
    assert table.schema == SCHEMA
    assert table.num_rows == len(streamed.engines) * (26 + 52)
    assert pc.unique(table["status"]).to_pylist() == ["ok"]
    assert set(pc.unique(table["streams"]).to_pylist()) == {0, 2}


@pytest.mark.more
def test_an_interrupted_run_goes_on_at_the_phase_that_was_interrupted(
    settings: Settings, dataset_sf001: Path, tmp_path: Path
) -> None:
    before = contents(dataset_sf001)
    plan = plan_for(settings, dataset_sf001, tmp_path / "copies", ["polars"], streams=(1,))

    def interrupt(key: PhaseKey) -> None:
        if key.phase != "power":
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match=r"26 samples are kept .* streams --resume"):
        carry_out(plan, settings, Witness(act=interrupt))
    (directory,) = (settings.results_root / "runs").iterdir()
    past = interrupted_run(RUN_OF_STREAMS, directory)
    assert [phase.key.phase for phase in past.phases] == ["power"]
    again = plan_of(past, settings)
    with pytest.raises(ResultsError, match="the dataset was"):
        header = replace(past.header, dataset={**past.header.dataset, "sha256": "0"})
        carry_out(again, settings, resumed=(replace(past, header=header), directory))
    gone_on = carry_out(again, settings, resumed=(past, directory))
    assert [key.phase for key in gone_on.witness.begun] == ["throughput-1"]
    assert gone_on.run.phases[0] == past.phases[0]
    assert gone_on.run.finished_at is not None
    assert len(gone_on.run.resumptions) == 1
    assert gone_on.summary.is_right
    assert contents(dataset_sf001) == before
