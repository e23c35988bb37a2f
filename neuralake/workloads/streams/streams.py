"""A run of streams: a plan carried out under the machine's lock, into a run directory.

Each phase has a copy of the tables of its own, and an engine started anew: a phase depends on none
before it, so that one that was interrupted is simply done again. The dataset itself is read only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from neuralake.catalog.tables import DeltaTable
from neuralake.engines import registry
from neuralake.engines.registry import EngineSpec
from neuralake.queries.workload import Workload
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_STREAMS
from neuralake.results.phases.records import PhaseKey, PhaseRecord
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, EngineRequest
from neuralake.results.store import RunStore
from neuralake.results.streams.records import KIND, StreamsHeader, StreamsRun
from neuralake.tpch.refresh.checks import table_totals
from neuralake.tpch.refresh.stage import stage
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.phases.copies import check_copyable, copy_tables
from neuralake.workloads.phases.runner import Runner
from neuralake.workloads.places import Target, directory_of_run, drop, storage_facts
from neuralake.workloads.recording import Begun, Facts, Roster
from neuralake.workloads.streams.checking import Site, check_phase
from neuralake.workloads.streams.plan import (
    StreamsObserver,
    StreamsPlan,
    keys_of,
    phase_plan,
)

Observe = Callable[[StreamsHeader], AbstractContextManager[StreamsObserver]]
_SCRATCH = "scratch"


def streams(
    plan: StreamsPlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[StreamsRun, Path] | None = None,
) -> tuple[StreamsRun, Path]:
    """Carry out a plan.

    Parameters
    ----------
    plan
        What is to be measured.
    store
        Where the run is kept.
    observe
        Makes the observer that is told of each step.
    resumed
        An interrupted run that is to go on, and its directory; the plan is what it was. Phases
        that came to their end are not measured again; the one that was interrupted is.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, samples, answers and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    DatasetError
        If refresh sets cannot be made of the dataset.
    PlaceError
        If the tables cannot be copied.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    for spec in plan.engines:
        registry.prepare(spec)
    course = Course(
        RUN_OF_STREAMS,
        prepare=partial(_prepared, plan),
        observe=observe,
        measure=partial(_measure, plan),
        scale_factor=plan.scale_factor,
        facts=partial(_facts, plan),
    )
    return carry_out(course, store, resumed)


def delta_tables(workload: Workload) -> dict[str, DeltaTable]:
    """The tables of a dataset, which are all in Delta format."""
    return {name: t for name, t in workload.tables.items() if isinstance(t, DeltaTable)}


def _prepared(plan: StreamsPlan) -> Callable[[Begun], StreamsHeader]:
    check_copyable(delta_tables(plan.workload), plan.place)
    storage_facts(plan.place)  # whether anything can be written there
    return partial(_header, plan)


def _header(plan: StreamsPlan, begun: Begun) -> StreamsHeader:
    return StreamsHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=KIND,
        fingerprint=begun.fingerprint,
        engines=tuple(EngineRequest(spec.name, spec.options) for spec in plan.engines),
        dataset_uri=plan.workload.dataset_uri,
        scale_factor=plan.scale_factor,
        dataset=plan.workload.dataset,
        place=plan.place.uri,
        streams=plan.streams,
        seed=plan.seed,
        sets=plan.sets,
        rounds=plan.rounds,
        mapping=plan.mapping,
        writer=plan.writer,
        limits=plan.limits,
        keeps_tables=plan.keeps_tables,
    )


def _facts(plan: StreamsPlan, run: StreamsRun) -> Facts:
    yield "the dataset", run.header.dataset, plan.workload.dataset


def _measure(
    plan: StreamsPlan,
    header: StreamsHeader,
    directory: Path,
    journal: JournalWriter,
    observer: StreamsObserver,
    past: StreamsRun | None,
) -> None:
    roster = Roster(journal, past.engines if past else ())
    for spec, reason in plan.unavailable:
        roster.enter(EngineRecord(spec.name, spec.options, unavailable=reason))
    done = {phase.key for phase in past.phases} if past else set()
    every = list(keys_of(header))
    specs = {spec.name: spec for spec in plan.engines}
    with (
        _scratch(directory) as scratch,
        directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place,
    ):
        observer.staging(len(plan.sets))
        site = _site(plan, directory, scratch)
        for number, key in enumerate(every, start=1):
            if key in done:
                continue
            observer.before(key, number, len(every))
            target = place.below(key.stem)
            phase, engine = _phase(plan, key, specs[key.engine], target, site, observer)
            roster.enter(engine)
            journal.append(phase)
            observer.after(phase)
            if not plan.keeps_tables:
                drop(target)


def _site(plan: StreamsPlan, directory: Path, scratch: Path) -> Site:
    """What phases have in common: made before anything is measured."""
    tables = delta_tables(plan.workload)
    uri = plan.workload.dataset_uri
    options = tables["orders"].storage_options
    staged = stage(uri, plan.sets, scratch / "sets", storage_options=options)
    fresh = table_totals(tables["orders"], tables["lineitem"])
    return Site(directory, scratch, staged, fresh)


def _phase(
    plan: StreamsPlan,
    key: PhaseKey,
    spec: EngineSpec,
    target: Target,
    site: Site,
    observer: StreamsObserver,
) -> tuple[PhaseRecord, EngineRecord]:
    """Run a phase on tables of its own, and judge what came of it."""
    drop(target)
    originals = delta_tables(plan.workload)
    tables = copy_tables(originals, target)
    runner = Runner(spec, site.directory, plan.mapping[spec.name], plan.writer, plan.limits)
    planned = phase_plan(plan, key, {one.number: one for one in site.staged.sets})
    phase, engine = runner.run(planned, tables)
    answers, end = check_phase(plan, phase, planned, tables, site, observer)
    return replace(phase, answers=answers, end=end), engine


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    scratch = directory.absolute() / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
