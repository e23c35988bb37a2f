"""Phases of streams made by hand, in which each task takes a second."""

from __future__ import annotations

from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TaskSample
from neuralake.tpch.streams import ordering

S = 1_000_000_000


def phase_of(name: str) -> PhaseRecord:
    return PhaseRecord(PhaseKey("a", name), "ok", "2026-01-01T00:00:00.000+00:00", 26 * S)


def sample(session: str, position: int, task: str, group: str = "") -> TaskSample:
    return TaskSample(
        session=session,
        position=position,
        task=task,
        kind="append" if group else "query",
        status="ok",
        started_at="2026-01-01T00:00:00.000+00:00",
        begin_ns=position * S,
        wall_ns=S,
        group=group,
    )


def power_samples() -> list[TaskSample]:
    tasks = [
        ("RF1 orders", "RF1 of set 1"),
        ("RF1 lineitem", "RF1 of set 1"),
        *((query, "") for query in ordering(0)),
        ("RF2 lineitem", "RF2 of set 1"),
        ("RF2 orders", "RF2 of set 1"),
    ]
    return [sample("stream 0", i, task, group) for i, (task, group) in enumerate(tasks)]


def stream_samples(streams: int) -> list[TaskSample]:
    return [
        sample(f"stream {stream}", i, query)
        for stream in range(1, streams + 1)
        for i, query in enumerate(ordering(stream))
    ]
