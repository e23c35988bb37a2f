"""Settings and fingerprint of a run of freshness as labelled facts."""

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
from neuralake.report.freshness import words
from neuralake.report.numbers import per_second
from neuralake.report.storage import storage_facts
from neuralake.results.freshness.records import FreshnessRun


def facts(run: FreshnessRun) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Storage", tuple(storage_facts(header.storage))),
        Group("Table", tuple(flat(header.schema))),
        *surroundings(header.fingerprint),
        *(Group(f"Reader {r.name}", tuple(engine_facts(r))) for r in run.readers),
    )


def _run(run: FreshnessRun) -> Iterator[Fact]:
    header, load, asking = run.header, run.header.load, run.header.asking
    yield from time_facts(run)
    yield Fact("load", words.load_in_words(load))
    yield Fact("offered (rows/s)", ", ".join(map(per_second, load.rates)))
    yield Fact("warm-up", f"{load.warm_up_s:g} s")
    yield Fact("pause around pieces", f"{load.pause_s:g} s")
    yield Fact("linger of producers", f"{load.linger_s * 1e3:g} ms")
    age_s = load.batch_age_s
    yield Fact("batch age of the writer", "its own" if age_s is None else f"{age_s * 1e3:g} ms")
    yield Fact("readers", ", ".join(asking.readers))
    yield Fact("poll every", f"{asking.poll_s * 1e3:g} ms")
    yield Fact("connections", str(asking.connections))
    compaction = ", ".join("on" if is_on else "off" for is_on in header.compaction)
    yield Fact("compaction", compaction)
    yield Fact("rounds", str(header.rounds))
    yield Fact("seed", str(load.seed))
    yield from closing_facts(run)
