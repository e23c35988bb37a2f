"""What a run of lifecycle measures: a plan of phases on a workload's tables, and the engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.engines.writing import sessions_at_once
from neuralake.errors import LifecycleError
from neuralake.machine import available_memory_bytes
from neuralake.queries.answers import require_columns
from neuralake.queries.workload import Workload, select_queries
from neuralake.results.lifecycle.records import LifecycleHeader, PlannedPhase, RepetitionEnd
from neuralake.results.phases.records import PhaseKey, PhaseRecord, SessionMapping, WriterName
from neuralake.results.records import Limits
from neuralake.workloads.bench import ChosenEngines
from neuralake.workloads.lifecycle.check import check_against, tables_of
from neuralake.workloads.lifecycle.expand import Phase, expand
from neuralake.workloads.lifecycle.file import PlanFile
from neuralake.workloads.lifecycle.parsing import parse_plan
from neuralake.workloads.lifecycle.tasks import CreateFile, QueryFile, kind_of
from neuralake.workloads.places import Target
from neuralake.workloads.rounds import in_turn


@dataclass(frozen=True)
class LifecyclePlan:
    """What is to be measured.

    Attributes
    ----------
    file
        The plan.
    text, source
        Its TOML, and where that is from.
    phases
        Of a repetition, in order.
    workload
        Whose tables are copied, and whose queries are asked.
    tables
        Those that the plan names or reads.
    engines
        In the order of odd repetitions, with all their options.
    mapping
        By engine, how sessions at once map to it.
    place
        Directory of the copies.
    repetitions
        How often each engine carries out the whole plan.
    writer
        Who makes changes.
    limits
        What one task, and an engine's processes, may take.
    unavailable
        Engines that cannot run here, with the reason.
    keeps_tables
        Whether the copies stay.
    """

    file: PlanFile
    text: str
    source: str
    phases: tuple[Phase, ...]
    workload: Workload
    tables: Mapping[str, DeltaTable]
    engines: tuple[EngineSpec, ...]
    mapping: Mapping[str, SessionMapping]
    place: Target
    repetitions: int = 5
    writer: WriterName = "engine"
    limits: Limits = field(default_factory=Limits)
    unavailable: tuple[tuple[EngineSpec, str], ...] = ()
    keeps_tables: bool = False

    @property
    def made(self) -> frozenset[str]:
        """Names of the tables that the plan makes, and does not find."""
        tasks = (task for phase in self.phases for task in phase.tasks)
        return frozenset(task.table for task in tasks if isinstance(task, CreateFile))

    @property
    def copied(self) -> dict[str, DeltaTable]:
        """The other tables, which are copied."""
        return {name: table for name, table in self.tables.items() if name not in self.made}


class LifecycleObserver(Protocol):
    """Is told what happens; it is never called while something is being measured."""

    def before(self, key: PhaseKey, number: int, of: int) -> None:
        """A phase is about to begin."""

    def checking(self, key: PhaseKey, by: str) -> None:
        """Its answers and tables are about to be checked by another engine."""

    def after(self, phase: PhaseRecord) -> None:
        """It has ended, and has been judged."""

    def ended(self, end: RepetitionEnd) -> None:
        """An engine has carried out the plan, or as much of it as it could."""


def make_plan(
    text: str,
    source: str,
    workload: Workload,
    engines: ChosenEngines,
    *,
    place: Target,
    repetitions: int = 5,
    mapping: SessionMapping | None = None,
    writer: WriterName = "engine",
    limits: Limits | None = None,
    keeps_tables: bool = False,
) -> LifecyclePlan:
    """Check everything that can be checked before anything is measured.

    Parameters
    ----------
    text, source
        TOML of the plan, and where it is from.
    workload
        Of the queries and tables that it names.
    engines
        From :func:`neuralake.workloads.bench.choose_engines`.
    place
        Directory of the copies.
    mapping
        How sessions at once map to an engine; None for threads of one, where it has them.
    repetitions, writer, limits, keeps_tables
        As of :class:`LifecyclePlan`.

    Raises
    ------
    LifecycleError
        If the plan is not one, does not fit the workload, or asks for what an engine has not.
    CatalogError
        If a table cannot be read, or differs from its declaration.
    QueryError
        If a query is unknown.
    """
    if repetitions < 1:
        raise LifecycleError(f"repetitions are {repetitions}: expected a whole number from 1 on")
    file = parse_plan(text, source)
    phases = expand(file, source)
    try:
        check_against(phases, workload)
        tables = tables_of(phases, workload)
    except LifecycleError as error:
        raise LifecycleError(f"plan {source}: {error}") from error
    for phase in phases:
        for task in phase.tasks:
            if isinstance(task, QueryFile):
                for query in select_queries(workload.queries, task.queries):
                    require_columns(query)
    for table in tables.values():
        table.check()
    limits = limits or Limits()
    at_once = max(len(phase.sessions) for phase in phases)
    mapped = {spec.name: _mapping(spec.name, mapping, at_once) for spec in engines.available}
    specs = tuple(
        _resolved(spec, tables, limits, at_once if mapped[spec.name] == "processes" else 1)
        for spec in engines.available
    )
    return LifecyclePlan(
        file=file,
        text=text,
        source=source,
        phases=phases,
        workload=workload,
        tables={name: table.pinned() for name, table in tables.items()},
        engines=specs,
        mapping=mapped,
        place=place,
        repetitions=repetitions,
        writer=writer,
        limits=limits,
        unavailable=engines.unavailable,
        keeps_tables=keeps_tables,
    )


def repetitions_of(header: LifecycleHeader) -> Iterator[tuple[int, str]]:
    """Every repetition of every engine, in the order in which they are measured."""
    for number in header.repetition_numbers:
        for engine in in_turn(header.engines, number):
            yield number, engine.name


def planned(phase: Phase) -> PlannedPhase:
    """A phase as the header of a run tells of it, without what tables hold after it."""
    return PlannedPhase(
        phase.name,
        phase.series,
        phase.turn,
        phase.alone,
        phase.has_queries,
        phase.changes_rows,
        phase.is_maintenance,
        tuple(dict.fromkeys(map(kind_of, phase.tasks))),
    )


def _mapping(engine: str, asked: SessionMapping | None, at_once: int) -> SessionMapping:
    has_threads = sessions_at_once(registry.engine_type(engine))
    if asked == "threads" and not has_threads and at_once > 1:
        raise LifecycleError(
            f"engine {engine} has no sessions at once, which --mapping threads needs: "
            "expected --mapping processes"
        )
    return asked or ("threads" if has_threads or at_once == 1 else "processes")


def _resolved(
    spec: EngineSpec, tables: Mapping[str, DeltaTable], limits: Limits, processes: int
) -> EngineSpec:
    """The engine with all its options; several processes share what memory there is."""
    memory_bytes = limits.memory_bytes
    if processes > 1:
        memory_bytes = (memory_bytes or available_memory_bytes()) // processes
    return registry.resolve(registry.reaching(spec, tables), memory_bytes)
