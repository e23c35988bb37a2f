"""A run of serving: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from neuralake.catalog.tables import DeltaTable, Table
from neuralake.queries.workload import Workload
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_SERVING
from neuralake.results.records import SCHEMA_VERSION, EngineRecord
from neuralake.results.serving.records import KIND, ServingHeader, ServingRun
from neuralake.results.store import RunStore
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.recording import Begun, Facts, Roster
from neuralake.workloads.serving.events import EVENTS, SCHEMA, make_events, write_events
from neuralake.workloads.serving.expected import tpch_answers
from neuralake.workloads.serving.plan import ServingObserver, ServingPlan, keys_of
from neuralake.workloads.serving.round import RoundRunner, Stage
from neuralake.workloads.serving.server import catalog_of

Observe = Callable[[ServingHeader], AbstractContextManager[ServingObserver]]


def serving(
    plan: ServingPlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[ServingRun, Path] | None = None,
) -> tuple[ServingRun, Path]:
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
        An interrupted run that is to go on, and its directory; the plan is what it was. Rounds
        that came to their end are not measured again; the one that was interrupted is.

    Returns
    -------
    tuple
        The run and its directory, in which journal, document, samples and logs lie.

    Raises
    ------
    BusyError
        If another process of this machine measures.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    course = Course(
        RUN_OF_SERVING,
        prepare=lambda: partial(_header, plan),
        observe=observe,
        measure=partial(_measure, plan),
        facts=partial(_facts, plan),
    )
    return carry_out(course, store, resumed)


def plan_of(run: ServingRun, tpch: Workload | None) -> ServingPlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    tpch
        Its dataset.
    """
    header = run.header
    return ServingPlan(header.contestants, header.load, header.rounds, tpch)


def _header(plan: ServingPlan, begun: Begun) -> ServingHeader:
    return ServingHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=KIND,
        fingerprint=begun.fingerprint,
        contestants=plan.contestants,
        load=plan.load,
        rounds=plan.rounds,
        schema={field.name: str(field.type) for field in SCHEMA},
        dataset=plan.tpch.dataset_uri if plan.tpch else None,
        scale_factor=plan.tpch.scale_factor if plan.tpch else None,
        facts=plan.tpch.dataset if plan.tpch else None,
    )


def _facts(plan: ServingPlan, run: ServingRun) -> Facts:
    if plan.tpch is not None and run.header.facts is not None:
        yield "the dataset", run.header.facts, plan.tpch.dataset


def _measure(
    plan: ServingPlan,
    header: ServingHeader,
    directory: Path,
    journal: JournalWriter,
    observer: ServingObserver,
    past: ServingRun | None,
) -> None:
    roster = Roster(journal, past.contestants if past else ())
    for name, reason in plan.unavailable:
        roster.enter(EngineRecord(name, unavailable=reason))
    capacities = {c.contestant: c for c in past.capacities} if past else {}
    done = {found.key for found in past.rounds} if past else set()
    rates = {rate.text: rate for rate in header.load.rates}
    with _stage(plan, directory) as stage:
        runner = RoundRunner(plan, directory, stage, roster)
        for name in header.contestants:
            if name in capacities:
                continue
            observer.searching(name)
            capacities[name] = runner.search(name)
            journal.append(capacities[name])
            observer.found(capacities[name])
        every = list(keys_of(header))
        for number, key in enumerate(every, start=1):
            if key in done:
                continue
            observer.before(key, number, len(every))
            found = runner.measure(key, rates[key.rate], capacities[key.contestant])
            journal.append(found)
            observer.after(found)


@contextmanager
def _stage(plan: ServingPlan, directory: Path) -> Iterator[Stage]:
    """Tables, their catalog, and right answers: made anew from the seed, and gone afterwards."""
    scratch = directory.absolute() / "scratch"  # servers have working directories of their own
    shutil.rmtree(scratch, ignore_errors=True)
    answers = scratch / "answers"
    answers.mkdir(parents=True)
    try:
        load = plan.load
        events = DeltaTable(name=EVENTS, location=str(scratch / EVENTS))
        write_events(make_events(load.mix.table_rows, load.seed), scratch / EVENTS)
        tables: dict[str, Table] = {EVENTS: events}
        if plan.tpch is not None:
            tpch_answers(plan.tpch, answers)
            tables |= {name: _newest(table) for name, table in plan.tpch.tables.items()}
        catalog = scratch / "catalog.py"
        catalog.write_text(catalog_of(tables))
        yield Stage(tables, catalog, answers, scratch / "servers")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _newest(table: Table) -> Table:
    """A table as servers have it: they follow it, and pin no version."""
    return replace(table, version=None, at=None) if isinstance(table, DeltaTable) else table
