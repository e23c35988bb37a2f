"""Labelled facts, and what is known of a machine and its software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neuralake.report.numbers import NONE, count, moment, size
from neuralake.results.records import EngineRecord, Fingerprint, Limits, MachineUse, Resumption


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


class Headed(Protocol):
    """What is known of every run before it begins."""

    @property
    def id(self) -> str:
        """Name of the run."""

    @property
    def created_at(self) -> str:
        """UTC, ISO 8601."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Machine and software."""

    @property
    def schema_version(self) -> int:
        """Of the form of its records."""


class Timed(Protocol):
    """What is known of when a run was made."""

    @property
    def header(self) -> Headed:
        """What was known before."""

    @property
    def finished_at(self) -> str | None:
        """UTC, ISO 8601."""

    @property
    def elapsed_ns(self) -> int | None:
        """Elapsed time."""

    @property
    def resumptions(self) -> Sequence[Resumption]:
        """When it went on."""

    @property
    def machine_use(self) -> MachineUse | None:
        """What else the machine did meanwhile."""


def run_and_machine(header: Headed) -> tuple[str, ...]:
    """Run, time and machine, in a few words each."""
    machine = header.fingerprint
    return (
        header.id,
        moment(header.created_at),
        machine.cpu or "unknown processor",
        count(machine.cores, "core"),
        size(machine.memory_bytes),
    )


def time_facts(run: Timed) -> Iterator[Fact]:
    """Which run it is, when it began and ended, and when it went on."""
    yield Fact("id", run.header.id, compared=False)
    yield Fact("began", moment(run.header.created_at), compared=False)
    ended = moment(run.finished_at) if run.finished_at else "interrupted before its end"
    yield Fact("finished", ended, compared=False)
    if run.elapsed_ns is not None:
        since = " since it was resumed" if run.resumptions else ""
        yield Fact(f"elapsed{since}", f"{run.elapsed_ns / 1e9:,.1f} s", compared=False)
    for resumption in run.resumptions:
        after = f"{moment(resumption.resumed_at)}, after {resumption.after_samples:,} samples"
        yield Fact("resumed", after, compared=False)


def closing_facts(run: Timed) -> Iterator[Fact]:
    """What of a run stands last: what the machine did beside it, and the form of its records."""
    if run.machine_use is not None:
        yield Fact("processor time stolen", f"{run.machine_use.stolen:.1%}", compared=False)
    yield Fact("schema version", str(run.header.schema_version), compared=False)


def limits_facts(limits: Limits) -> Iterator[Fact]:
    """What one execution may take."""
    if limits.timeout_s is not None:
        yield Fact("timeout", f"{limits.timeout_s:g} s")
    if limits.memory_bytes is not None:
        yield Fact("memory limit", f"{limits.memory_bytes / 2**20:,.0f} MiB")


def engine_facts(engine: EngineRecord) -> Iterator[Fact]:
    """Whether an engine, or what else was measured, ran; its versions, options and settings."""
    if engine.unavailable is not None:
        yield Fact("unavailable", engine.unavailable)
    yield from flat(engine.versions, "version of ")
    yield from flat(engine.options, "asked for: ")
    for reader, tables in readers(engine).items():
        yield Fact(f"read with {reader}", ", ".join(tables))
    yield from flat({key: value for key, value in engine.settings.items() if key != "readers"})


def readers(engine: EngineRecord) -> dict[str, list[str]]:
    """Tables that another reader than the engine's own serves, by its name."""
    found: dict[str, list[str]] = {}
    for table, reader in sorted((engine.settings.get("readers") or {}).items()):
        found.setdefault(str(reader), []).append(table)
    return found


def surroundings(found: Fingerprint) -> tuple[Group, Group]:
    """On what, and with what software, a run was made."""
    return (
        Group("Machine", tuple(machine_facts(found))),
        Group("Software", tuple(software_facts(found))),
    )


def machine_facts(machine: Fingerprint) -> Iterator[Fact]:
    """What is known of the machine."""
    yield Fact("processor", machine.cpu or NONE)
    yield Fact("cores", str(machine.cores))
    if machine.cpu_quota is not None:
        share = f"{machine.cpu_quota:g} of {machine.processors or NONE} processors"
        yield Fact("quota of CPU time", share)
    yield Fact("memory", size(machine.memory_bytes))
    if machine.memory_limit_bytes is not None:
        yield Fact("limit of the control group", size(machine.memory_limit_bytes))
    yield Fact("system", machine.os or NONE)
    yield Fact("kernel", machine.kernel)
    load = NONE if machine.load_1m is None else f"{machine.load_1m:.2f}"
    yield Fact("load before the run", load, compared=False)
    if machine.instructions_unknown is not None:
        told = f"not counted: {machine.instructions_unknown}"
        yield Fact("instructions", told, compared=False)


def software_facts(machine: Fingerprint) -> Iterator[Fact]:
    """What is known of the software on it."""
    yield Fact("Neuralake", machine.neuralake)
    dirty = {True: " with uncommitted changes", False: "", None: ""}[machine.dirty]
    unknown = f"{NONE} ({machine.commit_unknown})" if machine.commit_unknown else NONE
    yield Fact("commit", f"{machine.commit}{dirty}" if machine.commit else unknown)
    yield Fact("Python", machine.python)
    yield from flat(machine.packages)
    yield from flat(machine.environment or {}, "variable ")


def flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[Fact]:
    """Nested facts in the order of their names: the order in which a file holds them is no fact."""
    for key in sorted(value):
        inner = value[key]
        if isinstance(inner, Mapping):
            yield from flat(inner, f"{prefix}{key}.")
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
