"""What is wrong with a run that was killed is seen, whatever it is; and a kill is one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from benchmarks.kills.faults import Seen, Shape, faults_of_finished, faults_of_killed
from benchmarks.kills.places import Site
from neuralake.results.phases.records import PhaseRecord
from neuralake.results.store import DOCUMENT
from neuralake.results.streams.records import StreamsRun
from neuralake.tpch.generate import generate
from tests.results.streams.make import recorded, run_of, stream_samples

Change = Callable[[StreamsRun], StreamsRun]


@pytest.fixture
def whole(tmp_path: Path) -> Seen:
    """A run that came to its end, with its document."""
    run = run_of(tmp_path / "run")
    run = replace(run, header=replace(run.header, place=str(tmp_path / "copies")))
    return documented(Seen(tmp_path / "run", run))


def documented(seen: Seen) -> Seen:
    (seen.directory / DOCUMENT).write_bytes(msgspec.json.encode(seen.run))
    return seen


def changed(seen: Seen, change: Change) -> Seen:
    assert isinstance(seen.run, StreamsRun)
    return Seen(seen.directory, change(seen.run))


def last_phase(run: StreamsRun, change: Callable[[PhaseRecord], PhaseRecord]) -> StreamsRun:
    return replace(run, phases=(*run.phases[:-1], change(run.phases[-1])))


def test_of_a_whole_run_nothing_is_told(whole: Seen) -> None:
    assert list(faults_of_finished(whole, whole.shape, whole)) == []


def unverified(phase: PhaseRecord) -> PhaseRecord:
    first, *rest = phase.answers
    return replace(phase, answers=(replace(first, verdict="unverified"), *rest))


def unknown(phase: PhaseRecord) -> PhaseRecord:
    return replace(phase, end=(replace(phase.end[0], is_right=None),))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda run: replace(run, finished_at=None), "does not say that it came to its end"),
        (lambda run: replace(run, phases=run.phases[:-1]), "other phases or tasks"),
        (lambda run: last_phase(run, unverified), "b-throughput-2-r01: 1 answers were not"),
        (lambda run: last_phase(run, unknown), "its tables are not known to be right"),
        (lambda run: last_phase(run, lambda p: replace(p, status="crashed")), "crashed"),
        (lambda run: last_phase(run, lambda p: replace(p, elapsed_ns=1)), "is another one"),
    ],
)
def test_what_is_wrong_with_one_that_came_to_its_end(
    whole: Seen, change: Change, fault: str
) -> None:
    seen = documented(changed(whole, change))
    assert fault in "; ".join(faults_of_finished(seen, whole.shape, whole))


def test_what_is_left_behind(whole: Seen) -> None:
    (whole.copies / "a-power-r01").mkdir(parents=True)
    (whole.directory / "samples" / "a-power-r02.arrow.part").touch()
    assert list(faults_of_finished(whole, whole.shape)) == [
        "copies of its tables are left",
        "samples/a-power-r02.arrow.part is left",
    ]


def test_a_document_that_says_something_else(whole: Seen) -> None:
    seen = changed(whole, lambda run: replace(run, elapsed_ns=1))
    assert list(faults_of_finished(seen, whole.shape)) == [
        "document and journal do not say the same"
    ]


def half(seen: Seen) -> Seen:
    return changed(seen, lambda run: replace(run, finished_at=None, phases=run.phases[:3]))


def test_of_whole_phases_nothing_is_told(whole: Seen) -> None:
    seen = half(whole)
    assert list(faults_of_killed(seen, whole.shape, seen)) == []


def test_a_phase_of_which_a_part_ran_is_told(whole: Seen, tmp_path: Path) -> None:
    shape: Shape = whole.shape
    phase = whole.run.phases[1]
    less = recorded(tmp_path / "run", phase.key, stream_samples(2)[:-1], 44)
    seen = changed(whole, lambda run: replace(run, phases=(run.phases[0], less)))
    faults = list(faults_of_killed(seen, shape))
    assert faults[0] == "a-throughput-2-r01 has other tasks than it would have had"
    assert any("throughput is None" in fault for fault in faults)


def test_a_copy_that_is_taken_for_a_dataset_is_told(whole: Seen) -> None:
    whole.copies.mkdir(parents=True)
    generate(0.001, str(whole.copies / "a-power-r01"))
    faults = list(faults_of_killed(half(whole), whole.shape))
    assert faults == ["the copy a-power-r01 is taken for a dataset"]


@pytest.mark.usefixtures("own_processes")
def test_a_command_is_killed_with_all_its_processes_or_alone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.make()
    assert site.kill(["--version"], 300, everything=True) is not None, "it ended before"
    assert site.kill(["shell", "--help"], 0, everything=False) is None
    assert site.left_processes() == []
    with subprocess.Popen(["sleep", "300"], env=site.environment) as descendant:
        assert site.processes() == [descendant.pid]
        assert site.kill(["--version"], 0, everything=True) is None
        assert descendant.wait() == -signal.SIGKILL


def test_what_lies_about_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.make()
    for path in ("tmp/half", "results/staged-1", "results/runs/r", "lake/streams/r", "lake/tpch/d"):
        (tmp_path / path).mkdir(parents=True)
    left = set(site.left_files(tmp_path / "lake" / "tpch" / "d"))
    assert left == {"tmp/half", "results/staged-1", "lake/streams/r"}
