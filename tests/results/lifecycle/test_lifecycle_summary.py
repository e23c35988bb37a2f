"""Seconds of different questions are not compared: neither over a series nor around maintenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from neuralake.report.lifecycle.headline import headline
from neuralake.report.lifecycle.notes import notes
from neuralake.results.lifecycle.records import LifecycleHeader, LifecycleRun, PlannedPhase
from neuralake.results.lifecycle.summary import LifecycleSummary, summarise_lifecycle
from neuralake.results.parts import PartWriter
from neuralake.results.phases.records import PhaseKey, PhaseRecord, PhaseStatus
from neuralake.results.phases.samples import TASKS, TaskSample
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, EngineRequest
from tests.results.make import FINGERPRINT

S = 1_000_000_000
MOMENT = "2026-01-01T00:00:00.000+00:00"
ASKED = {"x": 1, "y": 1}


def asking(
    name: str, asks: Mapping[str, int] | None = None, *, series: str = "ask"
) -> PlannedPhase:
    return PlannedPhase(
        name, series, 1, has_queries=True, kinds=("query",), asks=ASKED if asks is None else asks
    )


def maintaining(name: str) -> PlannedPhase:
    return PlannedPhase(name, name, 1, is_maintenance=True, kinds=("compact",), asks={})


def recorded(directory: Path, phase: PlannedPhase, seconds: int) -> PhaseRecord:
    """A phase each of whose tasks took some seconds."""
    key = PhaseKey("a", phase.name)
    names = [name for name, times in (phase.asks or {}).items() for _ in range(times)]
    samples = [
        TaskSample("s", place, name, "query", "ok", MOMENT, place * S, seconds * S)
        for place, name in enumerate(names)
    ] or [TaskSample("s", 0, "compact t", "compact", "ok", MOMENT, 0, seconds * S)]
    return record_of(directory, key, samples)


def record_of(
    directory: Path, key: PhaseKey, samples: Sequence[TaskSample], status: PhaseStatus = "ok"
) -> PhaseRecord:
    writer = PartWriter(directory / "samples", key.stem, TASKS)
    writer.write([sample.row() for sample in samples])
    return PhaseRecord(key, status, MOMENT, elapsed_ns=7 * S, parts=(writer.finish(),))


def run_of(planned: Sequence[PlannedPhase], phases: Sequence[PhaseRecord]) -> LifecycleRun:
    header = LifecycleHeader(
        schema_version=SCHEMA_VERSION,
        id="20260101T000000-lifecycle-0000",
        created_at=MOMENT,
        workload="lifecycle",
        fingerprint=FINGERPRINT,
        plan="p",
        plan_text="",
        plan_source="p.toml",
        phases=tuple(planned),
        engines=(EngineRequest("a"),),
        queries_of="own",
        dataset_uri="/data",
        scale_factor=None,
        dataset={},
        place="/data/lifecycle",
    )
    return LifecycleRun(header, MOMENT, 9 * S, (EngineRecord("a"),), tuple(phases))


def summarised(directory: Path, *planned: PlannedPhase) -> tuple[LifecycleRun, LifecycleSummary]:
    """Each phase's queries take a second longer than those of the one before."""
    phases = [recorded(directory, phase, place) for place, phase in enumerate(planned, start=1)]
    run = run_of(planned, phases)
    return run, summarise_lifecycle(run, directory)


def test_phases_that_ask_alike_have_a_rate(tmp_path: Path) -> None:
    run, found = summarised(tmp_path, asking("first"), asking("second"))
    (series,) = found.series
    assert series.rates == (1.0,)
    assert "(S_DR): a +100.0 %" in headline(run, found)


@pytest.mark.parametrize("other", [{"x": 1}, {"x": 2, "y": 1}, {"x": 1, "y as of change 1": 1}])
def test_phases_that_ask_otherwise_have_none_and_it_is_said(
    tmp_path: Path, other: Mapping[str, int]
) -> None:
    again = (asking("again", series="once more"), asking("and again", series="once more"))
    run, found = summarised(tmp_path, asking("first"), asking("second", other), *again)
    of = {series.name: series for series in found.series}
    assert (of["ask"].rates, of["ask"].degradation, of["ask"].asks_alike) == ((), None, False)
    assert of["ask"].total_s == (2.0, 2.0 * sum(other.values()))
    assert of["once more"].asks_alike
    said = [note.text for note in notes(run, found)]
    assert "series ask has no S_DR: its phases do not ask the same queries equally often" in said
    assert headline(run, found).startswith("From one phase of once more to the next")


def test_a_run_from_before_questions_were_recorded_is_judged_by_what_was_asked(
    tmp_path: Path,
) -> None:
    planned = (asking("first"), asking("second", {"x": 3}))
    run, _ = summarised(tmp_path, *planned)
    old = tuple(replace(phase, asks=None) for phase in planned)
    older = replace(run, header=replace(run.header, phases=old))
    (series,) = summarise_lifecycle(older, tmp_path).series
    assert not series.asks_alike
    assert series.degradation is None


def test_a_phase_whose_process_was_lost_between_two_queries_has_no_total(tmp_path: Path) -> None:
    half = [TaskSample("s", 0, "x", "query", "ok", MOMENT, 0, S)]
    planned = (asking("first"), asking("second"))
    lost = record_of(tmp_path, PhaseKey("a", "second"), half, "crashed")
    run = run_of(planned, [recorded(tmp_path, planned[0], 1), lost])
    (series,) = summarise_lifecycle(run, tmp_path).series
    assert series.total_s == (2.0, None)
    assert series.degradation is None


def test_maintenance_is_held_against_the_nearest_phases_that_ask_the_same(tmp_path: Path) -> None:
    _, found = summarised(
        tmp_path,
        asking("before"),
        asking("others before", {"z": 1}),
        maintaining("compact"),
        asking("after"),
    )
    (value,) = found.maintenance
    assert (value.before, value.after) == ("before", "after")
    assert value.value.median == 1 / 4


def test_maintenance_without_the_same_questions_around_it_has_no_value(tmp_path: Path) -> None:
    beside = PlannedPhase(
        "beside", "b", 1, has_queries=True, kinds=("query", "z_order"), asks=ASKED
    )
    for around in (
        (asking("before"), maintaining("compact"), asking("after", {"x": 2})),
        (asking("before"), maintaining("one"), maintaining("two"), asking("after")),
        (beside, maintaining("compact"), asking("after")),
    ):
        place = tmp_path / around[1].name / around[0].name / str(len(around))
        _, found = summarised(place, *around)
        assert found.maintenance == ()
