"""Whole runs: the writer's own processes, readers and producers, on real tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from neuralake.errors import FreshnessError
from neuralake.results.export import export
from neuralake.results.freshness.export import SCHEMA, polls_table
from neuralake.results.freshness.records import Asking, Case, FreshnessRun, Key, Load, Round
from neuralake.results.freshness.samples import (
    BATCHES,
    COMMITS,
    POLLS,
    SIGHTINGS,
    WAYS,
    read_distributions,
)
from neuralake.results.freshness.spans import Spans
from neuralake.results.freshness.stages import STAGES
from neuralake.results.kinds import RUN_OF_FRESHNESS
from neuralake.results.parts import read_part
from neuralake.results.store import JOURNAL, RunStore, load_any
from neuralake.stats.distribution import Distribution
from neuralake.workloads.freshness.freshness import plan_of
from neuralake.workloads.freshness.moments import Records
from neuralake.workloads.freshness.plan import FreshnessPlan, check_plan, keys_of
from neuralake.workloads.places import Target
from neuralake.workloads.recording import RunInterruptedError, interrupted_run
from tests.workloads.freshness.conftest import SMALL, Measured, Witness, carry_out, plan_for

RECORDS = 400


def test_every_record_is_sent_seen_and_in_the_table_once(measured: Measured) -> None:
    run = measured.run
    (found,) = run.rounds
    assert (found.status, found.message) == ("ok", None)
    assert (found.records, found.acknowledged, found.unseen) == (RECORDS, RECORDS, 0)
    assert (found.violations, found.violation, found.failed_polls) == (0, None, 0)
    (verdict,) = run.verifications
    assert (verdict.verdict, verdict.against, verdict.records) == ("verified", "polars", RECORDS)
    assert verdict.version == found.versions - 1
    assert run.is_right
    assert run.finished_at is not None


def test_its_samples_are_whole(measured: Measured) -> None:
    (found,) = measured.run.rounds
    assert found.parts is not None
    batches, polls, sightings, commits = (
        read_part(measured.directory, part) for part in found.parts.every[:4]
    )
    assert (batches.schema, polls.schema) == (BATCHES, POLLS)
    assert (sightings.schema, commits.schema) == (SIGHTINGS, COMMITS)
    records = Records(SMALL, 400.0)
    for producer in (0, 1):
        own = batches.filter(pc.equal(batches["producer"], producer)).sort_by("first_number")
        firsts, sizes = own["first_number"].to_pylist(), own["records"].to_pylist()
        assert firsts == [sum(sizes[:i]) for i in range(len(sizes))]
        assert sum(sizes) == records.of_producer(producer) == RECORDS // 2
        for first, due, sent, durable in zip(
            firsts,
            own["due_ns"].to_pylist(),
            own["sent_ns"].to_pylist(),
            own["acknowledged_ns"].to_pylist(),
            strict=True,
        ):
            assert due == records.due_ns(producer, first, first + 1)[0]
            assert due <= sent < durable
    assert commits["records"].to_pylist()[0] == 0  # the version that made the table
    assert sum(commits["records"].to_pylist()) == RECORDS
    ends = dict(pair for own in commits["ends"].to_pylist() for pair in own)
    assert ends == {0: RECORDS // 2, 1: RECORDS // 2}
    due = polls["due_ns"].to_pylist()
    assert sorted(due) == [number * 10_000_000 for number in range(len(due))]


def test_each_record_of_a_piece_is_in_each_distribution(measured: Measured) -> None:
    (found,) = measured.run.rounds
    assert found.parts is not None
    spans = Spans.of(SMALL)
    records = Records(SMALL, 400.0)
    expected = sum(
        int(spans.is_beside(records.due_ns(p, 0, records.of_producer(p))).sum()) for p in (0, 1)
    )
    each = read_distributions(measured.directory, found.parts)
    for measure in ("durable", "table_least", "table_most", "visible_least", "visible_most"):
        whole = Distribution.merged(each[measure].values())
        assert (whole.size, whole.unended) == (expected, 0), measure
    (line,) = measured.summary.lines
    for level in ("50", "75", "90"):
        least, most = (line.measures_ms[f"visible_{end}"][level] for end in ("least", "most"))
        assert 0 <= least < most
        table = line.measures_ms["table_least"][level]
        assert 0 < table < most  # nobody sees what is not in the log
    assert set(line.cores) == {
        *("producer", "reader", "writer", "writer: append", "writer: compact", "writer: vacuum")
    }
    assert line.alone_ms
    assert line.beside_ms


def test_the_way_of_each_record_is_kept_by_its_stages(measured: Measured) -> None:
    (found,) = measured.run.rounds
    assert found.parts is not None
    assert found.parts.ways is not None
    ways = read_part(measured.directory, found.parts.ways)
    assert ways.schema == WAYS
    assert sum(ways["records"].to_pylist()) == RECORDS
    commits = read_part(measured.directory, found.parts.commits).to_pylist()
    named = {c["version"]: (c["named_ns"], c["durable_ns"]) for c in commits if c["records"]}
    assert set(ways["version"].to_pylist()) == set(named)
    for way in ways.to_pylist():
        took = [way[f"{stage}_ns"] for stage in STAGES]
        assert min(took) >= 0
        durable_ns = way["due_ns"] + sum(took)
        assert named[way["version"]][0] <= durable_ns + found.clock_ns
        assert named[way["version"]][1] <= durable_ns
        assert way["worked_ns"] > 0
        assert way["delayed_ns"] >= 0
    (line,) = measured.summary.lines
    assert set(STAGES) < set(line.stages)
    assert not list((measured.directory / "samples").glob("*timings*"))


def test_journal_and_document_tell_the_same(measured: Measured) -> None:
    directory = measured.directory
    assert RUN_OF_FRESHNESS.read(directory / JOURNAL) == measured.run
    assert load_any(directory) == (RUN_OF_FRESHNESS, measured.run)
    decoded = msgspec.json.decode(msgspec.json.encode(measured.run), type=FreshnessRun)
    assert decoded == measured.run
    assert not list(Path(measured.run.header.storage.uri).iterdir())  # verified, and removed


def test_it_is_listed_and_exported_as_any_run(measured: Measured) -> None:
    (overview,) = RunStore(measured.directory.parents[1]).overview()
    assert (overview.workload, overview.engines) == ("freshness", ("in-process",))
    assert (overview.verified, overview.judged, overview.state) == (1, 1, "finished")
    table = polls_table(measured.run, measured.directory)
    assert table.schema == SCHEMA
    assert table.num_rows == measured.run.rounds[0].polls == overview.samples
    assert set(table["status"].to_pylist()) == {"ok"}
    assert table["records_seen"].to_pylist()[-1] == RECORDS
    assert len(export([measured.directory], "csv").splitlines()) == 1 + table.num_rows


def table_of(home: Path, key: Key) -> Path:
    (run,) = (home / "results" / "runs").iterdir()
    return home / "tables" / run.name / key.stem


@pytest.mark.more  # by day one of ingest that loses a row, and each difference that is told
def test_a_table_that_loses_a_record_makes_the_run_wrong(tmp_path: Path) -> None:
    """It is deleted after the last answer, and before another engine looks."""

    def lose(found: Round) -> None:
        DeltaTable(str(table_of(tmp_path, found.key))).delete("number = 7 AND producer = 1")

    load = replace(SMALL, duration_s=0.6, pieces=1, pause_s=0.0)
    plan = plan_for(tmp_path, "polars", load=load, compaction=(False,))
    done = carry_out(plan, tmp_path, Witness(act_after=lose))
    (verdict,) = done.run.verifications
    assert (verdict.verdict, verdict.against) == ("wrong", "datafusion")
    assert "producer 1: 159 records with 159 different numbers from 0 to 159" in str(verdict.detail)
    assert not done.run.is_right
    (line,) = done.summary.lines
    assert (line.status, line.measures_ms) == ("wrong", {})
    assert set(polls_table(done.run, done.directory)["status"].to_pylist()) == {"wrong"}


@pytest.mark.more
@pytest.mark.parametrize(("first", "last"), [("in-process", "polars"), ("http", "flight-sql")])
def test_a_run_goes_on_at_the_round_that_was_interrupted(
    tmp_path: Path, first: str, last: str
) -> None:
    """Of the service in this process, or of ``neuralake serve``, over HTTP and Flight SQL."""
    load = replace(SMALL, duration_s=0.8, warm_up_s=0.2, pieces=1, pause_s=0.0)
    plan = plan_for(tmp_path, first, last, load=load, compaction=(False,))
    second = Key(Case(400.0, False, last), 1)

    def interrupt(key: Key) -> None:
        if key == second:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match="freshness --resume"):
        carry_out(plan, tmp_path, Witness(act_before=interrupt))
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    past = interrupted_run(RUN_OF_FRESHNESS, directory)
    assert [r.key.case.reader for r in past.rounds] == [first]
    done = carry_out(plan_of(past, {}), tmp_path, resumed=(past, directory))
    assert done.witness.begun == [second]
    assert done.run.rounds[:1] == past.rounds
    assert done.run.is_right
    assert [reader.name for reader in done.run.readers] == [first, last]
    assert all(("server" in found.use) == (first == "http") for found in done.run.rounds)
    assert [line.status for line in done.summary.lines] == ["ok", "ok"]


def test_cases_take_turns_and_change_ends() -> None:
    plan = FreshnessPlan(
        Load(rates=(1e3, 1e4)), Asking(readers=("polars",)), (False, True), 2, Target("/t")
    )
    order = [(key.case.rate, key.case.is_compacted, key.round) for key in keys_of(plan)]
    first = [(1e3, False, 1), (1e3, True, 1), (1e4, False, 1), (1e4, True, 1)]
    assert order == first + [(rate, packed, 2) for rate, packed, _ in reversed(first)]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"load": Load(rates=(1.0,))}, "1 records a second for 20 s are too few"),
        ({"load": Load(rates=(1e9,), duration_s=60)}, "records are too many"),
        ({"load": Load(pieces=100, duration_s=1.0)}, "100 pieces of 1 s are shorter than a poll"),
        ({"asking": Asking(readers=())}, "nobody asks"),
        ({"asking": Asking(readers=("polars", "polars"))}, "reader polars is named twice"),
        ({"asking": Asking(readers=("pandas",))}, "unknown reader 'pandas': expected one of"),
        (
            {"asking": Asking(readers=("polars",), connections=2)},
            "reader polars answers one question at a time",
        ),
        ({"place": Target("s3://bucket/x")}, "tell of their commits in whole seconds"),
    ],
)
def test_what_cannot_be_measured_is_refused(plan: dict[str, object], said: str) -> None:
    base = FreshnessPlan(Load(), Asking(), (True,), 1, Target("/tables"))
    with pytest.raises(FreshnessError, match=said):
        check_plan(replace(base, **plan))  # type: ignore[arg-type]


def test_a_writer_that_does_not_start_is_a_round_that_says_why(tmp_path: Path) -> None:
    """No batch has an age of 0 ms: the writer refuses, as it would to a user."""
    load = replace(SMALL, duration_s=0.8, pieces=1, pause_s=0.0, batch_age_s=0.0)
    done = carry_out(plan_for(tmp_path, "in-process", load=load), tmp_path)
    (found,) = done.run.rounds
    assert found.status == "error"
    assert "the writer has ended with status 2" in (found.message or "")
    assert done.run.verifications == ()
    assert not done.run.is_right
    assert done.summary.lines[0].status == "error"
