"""Settings and fingerprint of a run of serving as labelled facts."""

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
from neuralake.report.serving import words
from neuralake.results.serving.records import ServingRun


def facts(run: ServingRun) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Table", tuple(flat(header.schema))),
        *surroundings(header.fingerprint),
        *(Group(f"Contestant {c.name}", tuple(engine_facts(c))) for c in run.contestants),
    )


def _run(run: ServingRun) -> Iterator[Fact]:
    header = run.header
    load = header.load
    yield from time_facts(run)
    yield Fact("contestants", ", ".join(header.contestants))
    yield Fact("load", words.load_in_words(load))
    yield Fact("rates", words.rates_in_words(load.rates))
    yield Fact("rounds", str(header.rounds))
    yield Fact("timeout", f"{load.timeout_s:g} s")
    yield Fact("warm-up before each round", f"{load.warm_up_s:g} s")
    yield Fact("step of the search for a capacity", f"{load.capacity_step_s:g} s")
    yield Fact("recovery is looked for", f"{load.recovery_s:g} s")
    yield Fact("seed", str(load.seed))
    if header.dataset is not None:
        yield Fact("dataset", header.dataset)
        yield Fact("scale factor", f"{header.scale_factor:g}")
    yield from closing_facts(run)
