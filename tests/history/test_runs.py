"""Runs as measurements at commits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from neuralake.history.records import Omission
from neuralake.history.runs import measure, read_runs
from neuralake.results.fingerprint import fingerprint
from neuralake.results.records import EngineRecord, Run
from neuralake.results.store import RunStore
from tests.history.make import git
from tests.results.make import FINGERPRINT, run, sample

COMMIT = "a" * 40


def at(
    commit: str | None = COMMIT,
    *,
    dirty: bool | None = False,
    walls_s: tuple[float, ...] = (1.0, 2.0, 3.0),
    polars: str = "2.1.0",
    **changes: Any,
) -> Run:
    samples = [sample("polars", "q01", wall_s, i) for i, wall_s in enumerate(walls_s, 1)]
    fingerprint = replace(FINGERPRINT, commit=commit, dirty=dirty)
    engine = EngineRecord("polars", versions={"polars": polars})
    return run(samples, engines=(engine,), fingerprint=fingerprint, **changes)


def test_a_query_s_hot_runs_are_one_value() -> None:
    (found,), omitted = measure([at()])
    assert (found.commit, found.value, found.unit) == (COMMIT, 2.0, "seconds")
    assert found.key.label == "polars q01 tpch, scale factor 1"
    assert found.key.machine == "A processor, 4 cores, 16.0 GiB"
    assert found.key.environment == "CPython 3.11.7, polars 2.1.0"
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (1.0, 3.0)
    assert omitted == []


def test_runs_at_one_commit_are_pooled() -> None:
    (found,), _ = measure([at(), at(walls_s=(10.0, 11.0))])
    assert found.samples == (1.0, 2.0, 3.0, 10.0, 11.0)
    assert found.value == 3.0


def test_another_size_dataset_engine_version_or_text_is_another_series() -> None:
    found, _ = measure(
        [
            at(),
            at(scale_factor=10.0),
            at(dataset_uri="/elsewhere"),
            at(polars="2.0.0"),
            at(query_sha256={"q01": "f" * 64}),
        ]
    )
    assert len({m.key for m in found}) == 5


def test_runs_without_a_commit_or_with_uncommitted_changes_are_left_out() -> None:
    found, omitted = measure([at(None, dirty=None), at(dirty=True), at(dirty=None)])
    assert len(found) == 1
    assert omitted == [
        Omission("runs that were started in no git repository", 1),
        Omission("runs with uncommitted changes", 1),
    ]


def test_a_run_in_a_repository_is_not_told_as_one_in_none(tmp_path: Path) -> None:
    def made_here() -> Run:
        return replace(at(), header=replace(at().header, fingerprint=fingerprint(tmp_path)))

    none = "runs that were started in no git repository"
    assert measure([made_here()])[1] == [Omission(none, 1)]
    git(tmp_path, "init", "--quiet")
    young = "runs from before the first commit of their repository"
    assert measure([made_here()])[1] == [Omission(young, 1)]
    assert measure([at(None, dirty=False)])[1] == [Omission(young, 1)]  # as older runs have it
    (tmp_path / ".git" / "HEAD").write_text("damaged")
    (damaged,) = measure([made_here()])[1]
    assert damaged.reason.startswith("runs in a repository whose commit git did not tell (")


def test_a_wrong_answer_has_no_latency() -> None:
    wrong = run(
        [sample("polars", "q01", 1.0, status="wrong")],
        engines=("polars",),
        fingerprint=replace(FINGERPRINT, commit=COMMIT, dirty=False),
    )
    found, omitted = measure([wrong])
    assert found == []
    assert omitted == [Omission("queries without a valid latency in a run", 1)]


def test_a_run_of_another_schema_is_left_out(tmp_path: Path) -> None:
    home = tmp_path / "runs" / "r"
    home.mkdir(parents=True)
    (home / "journal.jsonl").touch()
    document = msgspec.json.decode(msgspec.json.encode(at()))
    document["header"]["schema_version"] = 99
    (home / "run.json").write_bytes(msgspec.json.encode(document))
    found, (omitted,) = read_runs(RunStore(tmp_path))
    assert found == []
    assert "schema version 99" in omitted.reason


def test_runs_are_read_from_the_store(tmp_path: Path) -> None:
    home = tmp_path / "runs" / "r"
    home.mkdir(parents=True)
    (home / "journal.jsonl").touch()
    (home / "run.json").write_bytes(msgspec.json.encode(at()))
    found, _ = read_runs(RunStore(tmp_path))
    assert len(found) == 1
