"""Whole runs, in real processes on real tables."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import msgspec
import pytest
from deltalake import DeltaTable

from neuralake.errors import IngestError, PlaceError, ResultsError
from neuralake.results.export import export
from neuralake.results.ingest.export import SCHEMA, commits_table
from neuralake.results.ingest.records import Case, IngestRun, Key, Load, Round
from neuralake.results.kinds import RUN_OF_INGEST
from neuralake.results.parts import SAMPLES, read_part
from neuralake.results.store import (
    DOCUMENT,
    JOURNAL,
    RunStore,
    load_any,
    load_run,
    write_document_as,
)
from neuralake.workloads.ingest.ingest import plan_of
from neuralake.workloads.ingest.producer import FIRST_OF_WARM_UP
from neuralake.workloads.recording import RunInterruptedError, interrupted_run
from neuralake.workloads.schedule import arrivals
from tests.workloads.ingest.conftest import ROWS, Ingested, Witness, carry_out, plan_for

COMMITS = 25


def test_contestants_take_turns_and_change_ends(closed_loop: Ingested) -> None:
    order = [(key.case.contestant, key.round) for key in closed_loop.witness.begun]
    names = ["neuralake", "deltalake-handle", "disk"]
    assert order == [(n, 1) for n in names] + [(n, 2) for n in reversed(names)]


def test_every_append_is_a_sample_and_every_table_is_right(closed_loop: Ingested) -> None:
    run = closed_loop.run
    assert run.finished_at is not None
    assert run.is_right
    for found in run.rounds:
        assert (found.status, found.commits, found.rows) == ("ok", COMMITS, COMMITS * ROWS)
        assert (found.failed, found.unstarted) == (0, 0)
        (part,) = found.parts
        samples = read_part(closed_loop.directory, part)
        batches = samples["batch"].to_pylist()
        warm_up = [FIRST_OF_WARM_UP, FIRST_OF_WARM_UP + 1]
        assert sorted(batches) == [*range(COMMITS), *warm_up]
        assert samples["is_warm_up"].to_pylist() == [b in warm_up for b in batches]
    judged = {v.key.case.contestant for v in run.verifications}
    assert judged == {"neuralake", "deltalake-handle"}
    for verdict in run.verifications:
        assert verdict.verdict == "verified"
        assert verdict.rows == (COMMITS + 2) * ROWS
        assert verdict.files == COMMITS + 2
        assert verdict.version == COMMITS + 2


def test_in_a_closed_loop_a_batch_is_due_when_its_append_begins(closed_loop: Ingested) -> None:
    for samples in closed_loop.summary.samples.values():
        table = samples.commits
        assert table["intended_ns"].to_pylist() == table["started_ns"].to_pylist()
        ends = table["done_ns"].to_pylist()
        begins = table["started_ns"].to_pylist()
        assert all(done <= begin for done, begin in zip(ends, begins[1:], strict=False))


def test_our_writer_tells_its_steps_and_they_are_within_the_latency(closed_loop: Ingested) -> None:
    for key, samples in closed_loop.summary.samples.items():
        table = samples.commits
        steps = ("wait", "conform", "encode", "write", "commit")
        if key.case.contestant != "neuralake":
            assert all(table[f"{step}_ns"].null_count == COMMITS for step in steps)
            continue
        for row in table.to_pylist():
            total = sum(row[f"{step}_ns"] for step in steps)
            assert 0 < total <= row["done_ns"] - row["started_ns"]
            assert (row["appends"], row["attempts"]) == (1, 1)


def test_the_limit_writes_the_bytes_of_our_own_commits(closed_loop: Ingested) -> None:
    sizes = {
        key.case.contestant: set(samples.commits["size_bytes"].to_pylist())
        for key, samples in closed_loop.summary.samples.items()
        if key.round == 1 and key.case.contestant in ("neuralake", "disk")
    }
    # the same templates with numbers of their own, which may compress a little otherwise
    assert max(sizes["disk"]) / min(sizes["neuralake"]) < 1.05
    assert max(sizes["neuralake"]) / min(sizes["disk"]) < 1.05


def test_tables_are_gone_when_they_are_verified(closed_loop: Ingested) -> None:
    assert not list(Path(closed_loop.run.header.storage.uri).iterdir())


def test_journal_and_document_tell_the_same(closed_loop: Ingested) -> None:
    directory = closed_loop.directory
    assert RUN_OF_INGEST.read(directory / JOURNAL) == closed_loop.run
    assert load_any(directory) == (RUN_OF_INGEST, closed_loop.run)
    assert (directory / DOCUMENT).is_file()
    header = closed_loop.run.header
    assert header.storage.filesystem
    assert header.storage.sync_ns
    assert list(header.schema) == [
        *("batch", "id", "happened_at", "device", "message", "amount"),
        *("temperature", "share", "is_valid", "code"),
    ]


def test_a_run_of_ingest_is_no_run_of_queries(closed_loop: Ingested, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is of ingest: expected one of queries"):
        load_run(closed_loop.directory)
    (tmp_path / JOURNAL).write_bytes((closed_loop.directory / JOURNAL).read_bytes())
    with pytest.raises(ResultsError, match="is of a run of ingest: expected one of queries"):
        load_run(tmp_path)


def test_it_is_listed_as_any_run(closed_loop: Ingested) -> None:
    (overview,) = RunStore(closed_loop.directory.parents[1]).overview()
    assert overview.workload == "ingest"
    assert overview.engines == ("neuralake", "deltalake-handle", "disk")
    assert overview.samples == 6 * (COMMITS + 2)
    assert (overview.verified, overview.judged, overview.state) == (4, 4, "finished")


def test_it_is_exported_with_one_row_a_commit(closed_loop: Ingested) -> None:
    table = commits_table(closed_loop.run, closed_loop.directory)
    assert table.schema == SCHEMA
    assert table.num_rows == 6 * (COMMITS + 2)
    assert set(table["status"].to_pylist()) == {"ok"}
    lines = export([closed_loop.directory], "csv").splitlines()
    assert len(lines) == 1 + table.num_rows


def test_in_an_open_loop_batches_are_due_at_moments_of_their_own(open_loop: Ingested) -> None:
    assert open_loop.run.is_right
    load = open_loop.run.header.load
    for key, samples in open_loop.summary.samples.items():
        assert key.rate is not None
        table = samples.commits.sort_by("batch")
        count = table.num_rows + samples.unended
        due = list(itertools.islice(arrivals("poisson", key.rate / ROWS, load.seed), count + 1))
        assert due[count] >= 1_000_000_000 > due[count - 1]
        if not samples.unended:
            assert table["intended_ns"].to_pylist() == due[:count]
        assert min(samples.late_ns) >= 0
        assert set(table["producer"].to_pylist()) <= {0, 1}  # of each process
    rates = [line.rate for line in open_loop.summary.lines]
    assert rates == [20.0 * ROWS, 40.0 * ROWS]


def test_a_run_goes_on_at_the_round_that_was_interrupted(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, "neuralake", "disk", rounds=2)
    third = Key(Case("disk"), 2)

    def interrupt(key: Key) -> None:
        if key == third:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError, match=r"54 samples are kept .* ingest --resume"):
        carry_out(plan, tmp_path, Witness(act=interrupt))
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    left = directory / SAMPLES / "disk-r02-p0.arrow.part"
    left.write_bytes(b"torn")
    with (directory / JOURNAL).open("ab") as journal:
        journal.write(b'{"round": {"key"')
    past = interrupted_run(RUN_OF_INGEST, directory)
    assert [r.key.round for r in past.rounds] == [1, 1]
    done = carry_out(plan_of(past, {}), tmp_path, resumed=(past, directory))
    assert done.witness.begun == [third, Key(Case("neuralake"), 2)]
    assert done.run.rounds[:2] == past.rounds
    assert len(done.run.rounds) == 4
    assert done.run.resumptions[0].after_samples == 54
    assert done.run.is_right
    assert not left.exists()
    with pytest.raises(ResultsError, match="is finished: there is nothing to resume"):
        interrupted_run(RUN_OF_INGEST, directory)


def test_a_run_is_not_resumed_on_another_machine(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, "disk", rounds=2)

    def interrupt(key: Key) -> None:
        if key.round == 2:
            raise KeyboardInterrupt

    with pytest.raises(RunInterruptedError):
        carry_out(plan, tmp_path, Witness(act=interrupt))
    (directory,) = (tmp_path / "results" / "runs").iterdir()
    lines = (directory / JOURNAL).read_bytes().splitlines()
    header = msgspec.json.decode(lines[0])
    header["header"]["fingerprint"]["cores"] = 1000
    (directory / JOURNAL).write_bytes(b"\n".join([msgspec.json.encode(header), *lines[1:], b""]))
    with pytest.raises(ResultsError, match="cannot be resumed: the number of cores was 1000"):
        interrupted_run(RUN_OF_INGEST, directory)


def test_a_run_whose_samples_are_lost_is_not_resumed(closed_loop: Ingested, tmp_path: Path) -> None:
    directory = shutil.copytree(closed_loop.directory, tmp_path / "run")
    lines = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    (directory / JOURNAL).write_bytes(b"".join(lines[:-1]))
    assert interrupted_run(RUN_OF_INGEST, directory).finished_at is None
    (directory / SAMPLES / closed_loop.run.rounds[0].parts[0].name).unlink()
    with pytest.raises(ResultsError, match=r"samples .*arrow are lost: start a new run"):
        interrupted_run(RUN_OF_INGEST, directory)


def test_part_files_are_what_the_journal_says(tmp_path: Path) -> None:
    done = carry_out(plan_for(tmp_path, "disk", rounds=1), tmp_path)
    (part,) = done.run.rounds[0].parts
    path = done.directory / SAMPLES / part.name
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ResultsError, match=r"cannot be read|are damaged"):
        read_part(done.directory, part)
    path.unlink()
    with pytest.raises(ResultsError, match="cannot be read"):
        read_part(done.directory, part)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")
    with pytest.raises(PlaceError, match=r"tables cannot be written to .*: File exists"):
        carry_out(plan_for(tmp_path, "disk"), tmp_path)
    assert not (tmp_path / "results").exists()  # nothing was begun


def test_a_contestant_that_fails_is_a_round_that_says_why(tmp_path: Path) -> None:
    """A disk that is full for one of them: its table is a file where a directory must be."""
    plan = plan_for(tmp_path, "disk", "neuralake", rounds=1, keeps_tables=True)

    def destroy(key: Key) -> None:
        (run,) = (tmp_path / "results" / "runs").iterdir()
        place = tmp_path / "tables" / run.name
        place.mkdir(parents=True, exist_ok=True)
        if key.case.contestant == "disk":
            (place / "disk-r01").write_text("in the way")

    done = carry_out(plan, tmp_path, Witness(act=destroy))
    failed, well = done.run.rounds
    assert (failed.status, well.status) == ("error", "ok")
    assert "FileExistsError" in (failed.message or "") or "NotADirectory" in (failed.message or "")
    assert not done.run.is_right
    (line, other) = done.summary.lines
    assert (line.status, line.percentiles_ms) == ("error", {})
    assert other.status == "ok"
    assert other.to_limit == {}
    write_document_as(RUN_OF_INGEST, done.directory)


def test_a_table_that_holds_something_else_makes_the_run_wrong(tmp_path: Path) -> None:
    """A row is deleted after the last append, and before anybody looks."""

    class Thief(Witness):
        def after(self, found: Round) -> None:
            (run,) = (tmp_path / "results" / "runs").iterdir()
            table = tmp_path / "tables" / run.name / found.key.stem
            DeltaTable(str(table)).delete("id = 7")

    done = carry_out(plan_for(tmp_path, "neuralake", rounds=1), tmp_path, Thief())
    (verdict,) = done.run.verifications
    assert verdict.verdict == "wrong"
    assert verdict.detail == f"batch 0 has {ROWS - 1} rows with {ROWS - 1} ids: {ROWS} were sent"
    assert not done.run.is_right
    (line,) = done.summary.lines
    assert (line.status, line.percentiles_ms) == ("wrong", {})
    table = commits_table(done.run, done.directory)
    assert set(table["status"].to_pylist()) == {"wrong"}


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load(rates=(5.0,), commits=1), "a rate goes with --arrivals constant or poisson"),
        (Load(arrivals="constant", commits=1), "--arrivals constant needs --rate"),
        (Load(), "a round needs an end: expected --commits, --duration, or both"),
        (Load(commits=1, processes=2), "1 producers cannot be shared out to 2 processes"),
    ],
)
def test_a_load_that_cannot_be_offered_is_refused(tmp_path: Path, load: Load, said: str) -> None:
    with pytest.raises(IngestError, match=said):
        plan_for(tmp_path, "disk", load=load)


def test_no_contestant_is_known_by_another_name(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"unknown contestant 'dsik'.*did you mean disk"):
        plan_for(tmp_path, "dsik")
    with pytest.raises(IngestError, match="contestant disk is named twice"):
        plan_for(tmp_path, "disk", "disk")


def run_is_plain_data(run: IngestRun) -> None:
    assert msgspec.json.decode(msgspec.json.encode(run), type=IngestRun) == run


def test_a_run_survives_being_written(closed_loop: Ingested, open_loop: Ingested) -> None:
    run_is_plain_data(closed_loop.run)
    run_is_plain_data(open_loop.run)
