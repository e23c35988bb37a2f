"""Settings and fingerprint of a run of streams as labelled facts."""

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
from neuralake.report.streams import words
from neuralake.results.records import EngineRecord
from neuralake.results.streams.records import StreamsRun
from neuralake.results.streams.summary import StreamsSummary


def facts(run: StreamsRun, summary: StreamsSummary) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Dataset", tuple(flat(header.dataset))),
        *surroundings(header.fingerprint),
        *(Group(f"Engine {e.name}", tuple(_engine(run, summary, e))) for e in run.engines),
    )


def _run(run: StreamsRun) -> Iterator[Fact]:
    header = run.header
    yield from time_facts(run)
    yield Fact("load", words.load_in_words(header))
    yield Fact("dataset", header.dataset_uri)
    yield Fact("copies of the tables", header.place)
    yield Fact("rounds", str(header.rounds))
    yield Fact("writer", header.writer)
    yield from limits_facts(header.limits)
    yield from closing_facts(run)


def _engine(run: StreamsRun, summary: StreamsSummary, engine: EngineRecord) -> Iterator[Fact]:
    if engine.unavailable is None:
        yield Fact("streams are", words.mapping(run.header.mapping.get(engine.name, "")))
    paths = {
        f"{sample.task} by": sample.path
        for key, found in summary.measured.items()
        for sample in found.samples
        if key.engine == engine.name and sample.path is not None
    }
    yield from flat(paths)
    yield from engine_facts(engine)
