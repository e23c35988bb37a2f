"""Settings and fingerprint of a run of streams as labelled facts."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.facts import Fact, Group, flat, machine_facts, software_facts, time_facts
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
        Group("Machine", tuple(machine_facts(header.fingerprint))),
        Group("Software", tuple(software_facts(header.fingerprint))),
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
    if header.limits.timeout_s is not None:
        yield Fact("timeout", f"{header.limits.timeout_s:g} s")
    if header.limits.memory_bytes is not None:
        yield Fact("memory limit", f"{header.limits.memory_bytes / 2**20:,.0f} MiB")
    use = run.machine_use
    if use is not None:
        yield Fact("processor time stolen", f"{use.stolen:.1%}", compared=False)
    yield Fact("schema version", str(header.schema_version), compared=False)


def _engine(run: StreamsRun, summary: StreamsSummary, engine: EngineRecord) -> Iterator[Fact]:
    if engine.unavailable is not None:
        yield Fact("unavailable", engine.unavailable)
        return
    yield Fact("streams are", words.mapping(run.header.mapping.get(engine.name, "")))
    paths = {
        f"{sample.task} by": sample.path
        for key, found in summary.measured.items()
        for sample in found.samples
        if key.engine == engine.name and sample.path is not None
    }
    yield from flat(paths)
    yield from flat(engine.versions, "version of ")
    yield from flat(engine.settings)
