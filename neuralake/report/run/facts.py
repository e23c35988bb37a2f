"""Settings and fingerprint of a run as labelled facts."""

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
from neuralake.report.numbers import NONE, size
from neuralake.results.records import Header, Limits, Run


def facts(run: Run) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Dataset", tuple(_dataset(header))),
        *surroundings(header.fingerprint),
        *(Group(f"Engine {engine.name}", tuple(engine_facts(engine))) for engine in run.engines),
        Group("SHA-256 of the SQL", tuple(_queries(header))),
    )


def limits_in_words(limits: Limits) -> str:
    """What one execution might take."""
    parts = []
    if limits.timeout_s is not None:
        parts.append(f"{limits.timeout_s:g} s")
    if limits.memory_bytes is not None:
        keeper = {"cgroup": "kept by the kernel", "watched": "watched, not enforced by the kernel"}
        how = f" ({keeper[limits.memory_limiter]})" if limits.memory_limiter else ""
        parts.append(f"{size(limits.memory_bytes)} of memory{how}")
    return " and ".join(parts) or "none"


def _run(run: Run) -> Iterator[Fact]:
    header = run.header
    yield from time_facts(run)
    ran = [engine.name for engine in run.engines if engine.unavailable is None]
    yield Fact("engines", ", ".join(ran) or NONE)
    yield Fact("queries", ", ".join(header.queries))
    yield Fact("hot runs a query", str(header.runs))
    yield Fact("cold runs a query", str(header.cold_runs))
    yield Fact("limits of one execution", limits_in_words(header.limits))
    use = run.machine_use
    if use is not None:
        yield Fact("processors taken by other programs", f"{use.others:.1%}", compared=False)
    yield from closing_facts(run)


def _dataset(header: Header) -> Iterator[Fact]:
    yield Fact("workload", header.workload)
    factor = NONE if header.scale_factor is None else f"{header.scale_factor:g}"
    yield Fact("scale factor", factor)
    yield Fact("location", header.dataset_uri)
    yield from flat(header.dataset)


def _queries(header: Header) -> Iterator[Fact]:
    for query in sorted(header.query_sha256):
        yield Fact(query, f"{header.query_sha256[query][:16]}…")
