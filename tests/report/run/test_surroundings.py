"""What a reader is told of the place in which a run was made."""

from __future__ import annotations

from dataclasses import replace

from neuralake.report.notes import Note
from neuralake.report.run.facts import facts
from neuralake.report.run.notes import notes
from neuralake.results.records import Fingerprint, Run, Sample
from neuralake.results.summary import summarise
from tests.results.make import FINGERPRINT, header


def run_on(machine: Fingerprint, *samples: Sample) -> Run:
    return Run(header(fingerprint=machine), "2026-01-01", 1, (), (), samples)


def texts(run: Run, level: str) -> list[str]:
    found: tuple[Note, ...] = notes(run, summarise(run))
    return [note.text for note in found if note.level == level]


def hot(periods: int | None, time_ns: int | None) -> Sample:
    return Sample(
        "polars", "hot", "q01", 1, "ok", "", 10**9, throttled_periods=periods, throttled_ns=time_ns
    )


def test_throttling_is_a_warning_with_its_extent() -> None:
    machine = replace(FINGERPRINT, cpu_quota=0.5, processors=64, cores=1)
    run = run_on(machine, hot(3, 1_500_000_000), hot(0, 0), hot(2, 700_000_000))
    (note,) = [text for text in texts(run, "warning") if text.startswith("throttled")]
    assert note == (
        "throttled: the control group's quota of 0.5 processors stopped 2 of 3 executions, for "
        "2.2 s of processor time: latencies are those of the quota"
    )


def test_a_quota_that_stopped_nothing_is_a_fact_and_no_warning() -> None:
    machine = replace(FINGERPRINT, cpu_quota=2.0, processors=64, cores=2, memory_limit_bytes=2**31)
    run = run_on(machine, hot(0, 0))
    assert not [text for text in texts(run, "warning") if text.startswith("throttled")]
    shown = {fact.label: fact.value for group in facts(run) for fact in group.facts}
    assert shown["quota of CPU time"] == "2 of 64 processors"
    assert shown["limit of the control group"].startswith("2")


def test_variables_that_change_speed_are_named_and_their_values_are_facts() -> None:
    run = run_on(replace(FINGERPRINT, environment={"LD_PRELOAD": "/x.so", "RAYON_X": "1"}))
    expected = "set in the environment, and able to change speed: LD_PRELOAD, RAYON_X"
    assert expected in texts(run, "info")
    shown = {fact.label: fact.value for group in facts(run) for fact in group.facts}
    assert shown["variable LD_PRELOAD"] == "/x.so"


def test_a_commit_that_git_does_not_tell_says_why() -> None:
    run = run_on(replace(FINGERPRINT, commit_unknown="detected dubious ownership in repository"))
    shown = {fact.label: fact.value for group in facts(run) for fact in group.facts}
    assert shown["commit"].endswith("(detected dubious ownership in repository)")
