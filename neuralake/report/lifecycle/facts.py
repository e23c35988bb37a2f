"""Settings and fingerprint of a run of lifecycle as labelled facts."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.facts import (
    Fact,
    Group,
    closing_facts,
    engine_facts,
    flat,
    limits_facts,
    surroundings,
    time_facts,
)
from neuralake.report.lifecycle import words
from neuralake.results.lifecycle.records import LifecycleRun
from neuralake.results.records import EngineRecord


def facts(run: LifecycleRun) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Dataset", tuple(flat(header.dataset))),
        *surroundings(header.fingerprint),
        *(Group(f"Engine {e.name}", tuple(_engine(run, e))) for e in run.engines),
    )


def _run(run: LifecycleRun) -> Iterator[Fact]:
    header = run.header
    yield from time_facts(run)
    yield Fact("load", words.load_in_words(header))
    yield Fact("plan from", header.plan_source)
    yield Fact("tables", header.dataset_uri)
    yield Fact("copies of the tables", header.place)
    yield Fact("writer", header.writer)
    yield from limits_facts(header.limits)
    yield from closing_facts(run)


def _engine(run: LifecycleRun, engine: EngineRecord) -> Iterator[Fact]:
    if engine.unavailable is None:
        yield Fact("sessions at once are", run.header.mapping.get(engine.name, "threads"))
    yield from engine_facts(engine)
