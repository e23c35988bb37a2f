"""Settings and fingerprint of a run of ingest as labelled facts."""

from __future__ import annotations

from collections.abc import Iterator

from neuralake.report.facts import (
    Fact,
    Group,
    closing_facts,
    engine_facts,
    flat,
    surroundings,
    time_facts,
)
from neuralake.report.ingest import words
from neuralake.report.numbers import per_second
from neuralake.report.storage import storage_facts
from neuralake.results.ingest.records import IngestRun


def facts(run: IngestRun) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Storage", tuple(storage_facts(header.storage))),
        Group("Table", tuple(flat(header.schema))),
        *surroundings(header.fingerprint),
        *(Group(f"Contestant {c.name}", tuple(engine_facts(c))) for c in run.contestants),
    )


def _run(run: IngestRun) -> Iterator[Fact]:
    header = run.header
    yield from time_facts(run)
    yield Fact("cases", ", ".join(case.label for case in header.cases))
    yield Fact("load", words.load_in_words(header.load))
    if header.load.rates:
        offered = ", ".join(per_second(rate) for rate in header.load.rates)
        yield Fact("offered (rows/s)", offered)
    yield Fact("rounds", str(header.rounds))
    yield Fact("batches of a warm-up", str(header.load.warm_up))
    yield Fact("seed", str(header.load.seed))
    if any(case.is_maintained for case in header.cases):
        yield Fact("pause between passes of maintenance", f"{header.maintenance_every_s:g} s")
    for name, value in sorted(header.properties.items()):
        yield Fact(name, value)
    if header.freshness.readers:
        yield Fact("readers", ", ".join(header.freshness.readers))
        yield Fact("poll every", f"{header.freshness.poll_s * 1e3:g} ms")
    yield from closing_facts(run)
