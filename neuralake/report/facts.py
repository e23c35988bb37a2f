"""Settings and fingerprint of a run as labelled facts, and the facts in which runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralake.report.numbers import NONE, moment, size
from neuralake.results.records import EngineRecord, Fingerprint, Header, Limits, Run


@dataclass(frozen=True)
class Fact:
    """One labelled value.

    Attributes
    ----------
    label, value
        As they are shown.
    compared
        Whether a difference between two runs says something about their latencies.
    """

    label: str
    value: str
    compared: bool = True


@dataclass(frozen=True)
class Group:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same in all runs: its value in each."""

    label: str
    values: tuple[str, ...]


def facts(run: Run) -> tuple[Group, ...]:
    """Everything that is known of how a run was made, in a fixed order."""
    header = run.header
    return (
        Group("Run", tuple(_run(run))),
        Group("Dataset", tuple(_dataset(header))),
        Group("Machine", tuple(machine_facts(header.fingerprint))),
        Group("Software", tuple(software_facts(header.fingerprint))),
        *(Group(f"Engine {engine.name}", tuple(_engine(engine))) for engine in run.engines),
        Group("SHA-256 of the SQL", tuple(_queries(header))),
    )


def differences(runs: Sequence[Run]) -> tuple[Difference, ...]:
    """Facts that may change a latency and are not the same in all runs, in a fixed order."""
    known = [
        {g.title: {f.label: f.value for f in g.facts if f.compared} for g in facts(run) if g.facts}
        for run in runs
    ]
    labels = dict.fromkeys(
        (title, label) for groups in known for title, group in groups.items() for label in group
    )
    found = []
    for title, label in labels:
        values = [groups[title].get(label, NONE) if title in groups else None for groups in known]
        if (
            len({value for value in values if value is not None}) > 1
        ):  # an absent engine is said once
            shown = tuple(NONE if value is None else value for value in values)
            found.append(Difference(f"{title}: {label}", shown))
    return tuple(found)


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
    yield Fact("id", header.id, compared=False)
    yield Fact("began", moment(header.created_at), compared=False)
    ended = moment(run.finished_at) if run.finished_at else "interrupted before its end"
    yield Fact("finished", ended, compared=False)
    if run.elapsed_ns is not None:
        since = " since it was resumed" if run.resumptions else ""
        yield Fact(f"elapsed{since}", f"{run.elapsed_ns / 1e9:,.1f} s", compared=False)
    for resumption in run.resumptions:
        after = f"{moment(resumption.resumed_at)}, after {resumption.after_samples:,} samples"
        yield Fact("resumed", after, compared=False)
    ran = [engine.name for engine in run.engines if engine.unavailable is None]
    yield Fact("engines", ", ".join(ran) or NONE)
    yield Fact("queries", ", ".join(header.queries))
    yield Fact("hot runs a query", str(header.runs))
    yield Fact("cold runs a query", str(header.cold_runs))
    yield Fact("limits of one execution", limits_in_words(header.limits))
    yield Fact("schema version", str(header.schema_version), compared=False)


def _dataset(header: Header) -> Iterator[Fact]:
    yield Fact("workload", header.workload)
    factor = NONE if header.scale_factor is None else f"{header.scale_factor:g}"
    yield Fact("scale factor", factor)
    yield Fact("location", header.dataset_uri)
    yield from _flat(header.dataset)


def _queries(header: Header) -> Iterator[Fact]:
    for query in sorted(header.query_sha256):
        yield Fact(query, f"{header.query_sha256[query][:16]}…")


def machine_facts(machine: Fingerprint) -> Iterator[Fact]:
    """What is known of the machine."""
    yield Fact("processor", machine.cpu or NONE)
    yield Fact("cores", str(machine.cores))
    yield Fact("memory", size(machine.memory_bytes))
    yield Fact("system", machine.os or NONE)
    yield Fact("kernel", machine.kernel)
    load = NONE if machine.load_1m is None else f"{machine.load_1m:.2f}"
    yield Fact("load before the run", load, compared=False)


def software_facts(machine: Fingerprint) -> Iterator[Fact]:
    """What is known of the software on it."""
    yield Fact("Neuralake", machine.neuralake)
    dirty = {True: " with uncommitted changes", False: "", None: ""}[machine.dirty]
    yield Fact("commit", f"{machine.commit}{dirty}" if machine.commit else NONE)
    yield Fact("Python", machine.python)
    yield from _flat(machine.packages)


def _engine(engine: EngineRecord) -> Iterator[Fact]:
    if engine.unavailable is not None:
        yield Fact("unavailable", engine.unavailable)
    yield from _flat(engine.versions, "version of ")
    yield from _flat(engine.options, "asked for: ")
    yield from _flat(engine.settings)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[Fact]:
    """Nested facts in the order of their names: the order in which a file holds them is no fact."""
    for key in sorted(value):
        inner = value[key]
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield Fact(f"{prefix}{key}", _plain(inner))


def _plain(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_plain(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    return str(value)
