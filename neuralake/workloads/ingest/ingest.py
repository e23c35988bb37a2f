"""A run of ingest: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from neuralake.results.ingest.records import IngestHeader, IngestRun
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_INGEST
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, StorageFacts
from neuralake.results.store import RunStore
from neuralake.workloads.course import Course, carry_out
from neuralake.workloads.ingest import tables
from neuralake.workloads.ingest.batches import SCHEMA
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.plan import IngestObserver, IngestPlan, keys_of
from neuralake.workloads.ingest.round import RoundRunner
from neuralake.workloads.places import (
    LateRemoval,
    Target,
    check_place,
    directory_of_run,
    storage_facts,
)
from neuralake.workloads.recording import Begun, Roster

WORKLOAD = "ingest"

Observe = Callable[[IngestHeader], AbstractContextManager[IngestObserver]]


def ingest(
    plan: IngestPlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[IngestRun, Path] | None = None,
) -> tuple[IngestRun, Path]:
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
    PlaceError
        If the tables cannot be made.
    ResultsError
        If the results cannot be written, or the run cannot be resumed.
    RunInterruptedError
        If it was interrupted; what was measured is kept and has its document.
    """
    for case in plan.cases:
        kind = contestant_type(case.contestant)
        if hasattr(kind, "prepare"):
            kind.prepare()
    course = Course(
        RUN_OF_INGEST,
        prepare=partial(_prepared, plan),
        observe=observe,
        measure=partial(_measure, plan),
    )
    return carry_out(course, store, resumed)


def plan_of(run: IngestRun, options: dict[str, str]) -> IngestPlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    options
        What reaches its storage.
    """
    header = run.header
    return IngestPlan(
        cases=header.cases,
        load=header.load,
        rounds=header.rounds,
        freshness=header.freshness,
        place=Target(header.storage.uri, options),
        maintenance_every_s=header.maintenance_every_s,
        properties=header.properties,
        timeout_s=header.timeout_s,
        keeps_tables=header.keeps_tables,
    )


def _prepared(plan: IngestPlan) -> Callable[[Begun], IngestHeader]:
    storage = storage_facts(plan.place)
    check_place(plan.place, SCHEMA)
    return partial(_header, plan, storage)


def _header(plan: IngestPlan, storage: StorageFacts, begun: Begun) -> IngestHeader:
    return IngestHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=WORKLOAD,
        fingerprint=begun.fingerprint,
        cases=plan.cases,
        load=plan.load,
        rounds=plan.rounds,
        freshness=plan.freshness,
        storage=storage,
        schema={field.name: str(field.type) for field in SCHEMA},
        maintenance_every_s=plan.maintenance_every_s,
        properties=plan.properties,
        timeout_s=plan.timeout_s,
        keeps_tables=plan.keeps_tables,
    )


def _measure(
    plan: IngestPlan,
    header: IngestHeader,
    directory: Path,
    journal: JournalWriter,
    observer: IngestObserver,
    past: IngestRun | None,
) -> None:
    roster = Roster(journal, past.contestants if past else ())
    for name, reason in plan.unavailable:
        roster.enter(EngineRecord(name, unavailable=reason))
    done = {found.key for found in past.rounds} if past else set()
    judged = {result.key for result in past.verifications} if past else set()
    runner = RoundRunner(plan, directory, roster)
    every, removal = list(keys_of(header)), LateRemoval()
    with directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place:
        for number, key in enumerate(every, start=1):
            if key in done and (key in judged or not runner.has_table(key)):
                continue
            observer.before(key, number, len(every))
            target = tables.fresh(place, key, plan.properties)
            found = runner.measure(key, target)
            journal.append(found)
            observer.after(found)
            if runner.has_table(key):
                result = runner.verify(found, target)
                journal.append(result)
                observer.verified(result)
            if not plan.keeps_tables:
                removal.remove(target)
