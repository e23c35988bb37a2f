"""Phases of streams made by hand, in which each task takes a second."""

from __future__ import annotations

from pathlib import Path

from neuralake.results.parts import PartWriter
from neuralake.results.phases.records import AnswerCheck, EndCheck, PhaseKey, PhaseRecord
from neuralake.results.phases.samples import TASKS, TaskSample
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, EngineRequest
from neuralake.results.streams.records import StreamsHeader, StreamsRun
from neuralake.tpch.streams import ordering
from tests.results.make import FINGERPRINT

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


def header(**changes: object) -> StreamsHeader:
    fields: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "id": "20260101T000000-streams-sf1-0000",
        "created_at": "2026-01-01T00:00:00.000+00:00",
        "workload": "streams",
        "fingerprint": FINGERPRINT,
        "engines": (EngineRequest("a"), EngineRequest("b")),
        "dataset_uri": "/data/tpch/sf1",
        "scale_factor": 1.0,
        "dataset": {"sha256": "0" * 64},
        "place": "/data/streams",
        "streams": (2,),
        "seed": 1,
        "sets": (1, 2, 3),
        "mapping": {"a": "threads", "b": "processes"},
    }
    return StreamsHeader(**(fields | changes))  # type: ignore[arg-type]


def recorded(
    directory: Path, key: PhaseKey, samples: list[TaskSample], elapsed_s: int
) -> PhaseRecord:
    """A phase whose samples lie in a part file, all answers verified."""
    writer = PartWriter(directory / "samples", key.stem, TASKS)
    writer.write([found.row() for found in samples])
    answers = tuple(
        AnswerCheck(s.session, s.position, s.task, "verified", "c at the same versions")
        for s in samples
        if s.kind == "query"
    )
    return PhaseRecord(
        key,
        "ok",
        "2026-01-01T00:00:00.000+00:00",
        elapsed_ns=elapsed_s * S,
        parts=(writer.finish(),),
        answers=answers,
        end=(EndCheck("rows of orders", True),),
    )


def run_of(directory: Path, *, rounds: int = 1, elapsed_s: tuple[int, ...] = (44,)) -> StreamsRun:
    """A run of two engines, its samples in a directory; throughput runs take as long as said."""
    phases = [
        phase
        for number in range(1, rounds + 1)
        for engine in ("a", "b")
        for phase in (
            recorded(directory, PhaseKey(engine, "power", number), power_samples(), 26),
            recorded(
                directory,
                PhaseKey(engine, "throughput-2", number),
                stream_samples(2),
                elapsed_s[number - 1],
            ),
        )
    ]
    return StreamsRun(
        header=header(rounds=rounds),
        finished_at="2026-01-01T01:00:00.000+00:00",
        elapsed_ns=3600 * S,
        engines=(EngineRecord("a"), EngineRecord("b"), EngineRecord("d", unavailable="not here")),
        phases=tuple(phases),
    )
