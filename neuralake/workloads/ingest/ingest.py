"""A run of ingest: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from neuralake.results.fingerprint import fingerprint
from neuralake.results.ingest.records import IngestHeader, IngestRun
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_INGEST
from neuralake.results.parts import remove_unfinished
from neuralake.results.records import SCHEMA_VERSION, EngineRecord, StorageFacts
from neuralake.results.store import JOURNAL, RunStore, write_document_as
from neuralake.workloads.ingest import tables
from neuralake.workloads.ingest.batches import SCHEMA
from neuralake.workloads.ingest.contestants.registry import contestant_type
from neuralake.workloads.ingest.plan import IngestObserver, IngestPlan, keys_of
from neuralake.workloads.ingest.round import RoundRunner
from neuralake.workloads.places import (
    Target,
    check_place,
    directory_of_run,
    drop,
    storage_facts,
)
from neuralake.workloads.recording import (
    Begun,
    Watch,
    begin,
    go_on,
    machine_facts,
    recording,
    require_same,
)
from neuralake.workloads.turn import machine_to_ourselves

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
    with machine_to_ourselves("neuralake ingest"):
        storage = storage_facts(plan.place)
        check_place(plan.place, SCHEMA)
        if resumed is None:
            past = None
            directory = begin(
                RUN_OF_INGEST, store, WORKLOAD, None, lambda begun: _header(plan, begun, storage)
            )
        else:
            past, directory = resumed
            _go_on(past, directory)
        header = RUN_OF_INGEST.read(directory / JOURNAL).header
        with recording(RUN_OF_INGEST, directory) as journal, observe(header) as observer:
            _measure(plan, header, directory, journal, observer, past)
        return write_document_as(RUN_OF_INGEST, directory), directory


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


def _header(plan: IngestPlan, begun: Begun, storage: StorageFacts) -> IngestHeader:
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


def _go_on(run: IngestRun, directory: Path) -> None:
    """Check that nothing has changed, and say in the journal that the run goes on."""
    now = fingerprint(Path.cwd())
    require_same(run, machine_facts(run.header.fingerprint, now))
    go_on(RUN_OF_INGEST, run, directory, now)
    parts = [part for found in run.rounds for part in (*found.parts, found.sightings) if part]
    remove_unfinished(directory, {part.name: part for part in parts})


def _measure(
    plan: IngestPlan,
    header: IngestHeader,
    directory: Path,
    journal: JournalWriter,
    observer: IngestObserver,
    past: IngestRun | None,
) -> None:
    watch = Watch()
    (directory / "logs").mkdir(exist_ok=True)
    known = {c.name for c in past.contestants} if past else set()
    for name, reason in plan.unavailable:
        if name not in known:
            journal.append(EngineRecord(name, unavailable=reason))
    done = {found.key for found in past.rounds} if past else set()
    judged = {result.key for result in past.verifications} if past else set()
    runner = RoundRunner(plan, header, directory, known)
    every = list(keys_of(header))
    with directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place:
        for number, key in enumerate(every, start=1):
            if key in done and (key in judged or not runner.has_table(key)):
                continue
            observer.before(key, number, len(every))
            target = tables.fresh(place, key, plan.properties)
            found, record = runner.measure(key, target)
            if record is not None:
                journal.append(record)
            journal.append(found)
            observer.after(found)
            if runner.has_table(key):
                result = runner.verify(found, target)
                journal.append(result)
                observer.verified(result)
            if not plan.keeps_tables:
                drop(target)
    journal.append(watch.end())
