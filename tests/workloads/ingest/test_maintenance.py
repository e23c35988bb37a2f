"""Compaction, checkpoints and vacuum beside the producers."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import deltalake
import pytest

from neuralake.delta.intervals import DELETED_FILE_RETENTION, LOG_RETENTION, interval
from neuralake.results.ingest.records import Case, Key, Load
from neuralake.workloads.ingest.batches import Batches
from neuralake.workloads.ingest.contestants.protocol import Maintained
from neuralake.workloads.ingest.contestants.registry import NAMES, contestant_type
from neuralake.workloads.ingest.plan import make_cases
from neuralake.workloads.ingest.tables import fresh
from neuralake.workloads.places import Target
from tests.workloads.ingest.conftest import ROWS, carry_out, plan_for

FAST = ("neuralake", "deltalake-handle", "deltalake-path")


def test_a_contestant_without_a_table_has_no_maintenance() -> None:
    names = ("neuralake", "disk")
    own, kept, disk = Case("neuralake"), Case("neuralake", is_maintained=True), Case("disk")
    assert make_cases(names, "off") == (own, disk)
    assert make_cases(names, "on") == (kept, disk)
    assert make_cases(names, "both") == (own, kept, disk)
    assert kept.label == "neuralake+maintenance"


@pytest.mark.parametrize("name", FAST)
def test_a_pass_packs_small_files_and_leaves_the_rows(tmp_path: Path, name: str) -> None:
    target = fresh(Target(str(tmp_path)), Key(Case(name), 1))
    contestant = contestant_type(name)(target)
    batches = Batches(ROWS, 1)
    appender = contestant.appender(batches)
    for number in range(40):
        appender.append(batches.batch(number), number)
    appender.close()
    before = deltalake.DeltaTable(target.uri)
    assert len(before.file_uris()) == 40
    assert isinstance(contestant, Maintained)
    contestant.maintain()
    contestant.close()
    after = deltalake.DeltaTable(target.uri)
    assert after.version() > before.version()
    assert len(after.file_uris()) < 40
    assert (
        after.to_pyarrow_table()
        .sort_by("id")
        .equals(before.to_pyarrow_table().sort_by("id"), check_metadata=False)
    )


@pytest.mark.parametrize("is_short", [False, True])
def test_a_table_keeps_as_much_as_its_retention_says(tmp_path: Path, is_short: bool) -> None:
    """Or who opens it would list every entry of a long run, and its disk would fill."""
    hour = interval(3600)
    properties = {LOG_RETENTION: hour, DELETED_FILE_RETENTION: hour} if is_short else {}
    target = fresh(Target(str(tmp_path)), Key(Case("neuralake"), 1), properties)
    batches = Batches(ROWS, 1)
    with closing(contestant_type("neuralake")(target)) as contestant:
        appender = contestant.appender(batches)
        for number in range(110):  # a checkpoint is due after a hundred
            appender.append(batches.batch(number), number)
        appender.close()
    for _ in range(2):
        with closing(contestant_type("neuralake")(target)) as contestant:
            assert isinstance(contestant, Maintained)
            contestant.maintain()
        then = time.time() - 2 * 86_400  # as if that had been two days ago
        for file in Path(target.uri).rglob("*"):
            os.utime(file, (then, then))
    table = deltalake.DeltaTable(target.uri)
    assert table.metadata().configuration == properties
    assert table.to_pyarrow_table().num_rows == 110 * ROWS
    entries = list(Path(target.uri, "_delta_log").glob("*.json"))
    assert (len(entries) < 20) == is_short
    assert (len(entries) > 110) != is_short


@pytest.mark.more  # two JVMs
def test_spark_appends_and_maintains_with_its_own_means(tmp_path: Path) -> None:
    load = Load(batch_rows=ROWS, commits=4, warm_up=1)
    done = carry_out(plan_for(tmp_path, "spark", load=load, rounds=1, maintenance="on"), tmp_path)
    assert done.run.is_right
    (found,) = done.run.rounds
    assert found.passes is not None
    assert found.passes > 0


def test_rows_are_right_with_maintenance_beside_the_producers(tmp_path: Path) -> None:
    load = Load(batch_rows=ROWS, commits=60, warm_up=2)
    done = carry_out(
        plan_for(tmp_path, "neuralake", load=load, rounds=1, maintenance="both"), tmp_path
    )
    assert done.run.is_right
    plain, kept = done.run.rounds
    assert plain.passes is None
    assert kept.passes is not None
    assert kept.passes > 0
    before, after = done.run.verifications
    assert (before.rows, after.rows) == (62 * ROWS, 62 * ROWS)
    assert after.files is not None
    assert before.files is not None
    assert after.files < before.files


@pytest.mark.parametrize("name", NAMES)
def test_every_contestant_says_what_it_is(name: str, tmp_path: Path) -> None:
    kind = contestant_type(name)
    assert kind.name == name
    reason = kind.unavailable(Target(str(tmp_path)))
    assert reason is None or "\n" not in reason
    assert contestant_type("disk").unavailable(Target("s3://bucket/tables")) is not None


def test_all_are_those_that_can_run_and_the_others_say_why(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, "all")
    ran = {case.contestant for case in plan.cases}
    missing = dict(plan.unavailable)
    assert ran | set(missing) == set(NAMES)
    assert ran >= {"neuralake", "deltalake-handle", "deltalake-path", "disk"}
    assert all(missing.values())


def test_duckdb_says_that_its_extension_is_missing(tmp_path: Path) -> None:
    """Its wheel has no extension for Delta, which comes from the network."""
    reason = contestant_type("duckdb").unavailable(Target(str(tmp_path)))
    assert reason is None or reason.startswith("DuckDB writes Delta tables with its extension")
