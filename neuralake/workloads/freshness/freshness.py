"""A run of freshness: a plan carried out under the machine's lock, into a run directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from neuralake.results.fingerprint import fingerprint
from neuralake.results.freshness.records import FreshnessHeader, FreshnessRun, Round
from neuralake.results.freshness.spans import Spans
from neuralake.results.journal import JournalWriter
from neuralake.results.kinds import RUN_OF_FRESHNESS
from neuralake.results.parts import remove_unfinished
from neuralake.results.records import SCHEMA_VERSION, StorageFacts
from neuralake.results.store import JOURNAL, RunStore, write_document_as
from neuralake.workloads.freshness.events import SCHEMA
from neuralake.workloads.freshness.plan import FreshnessObserver, FreshnessPlan, keys_of
from neuralake.workloads.freshness.round import Outcome, RoundRunner
from neuralake.workloads.places import (
    Target,
    check_place,
    directory_of_run,
    drop,
    make_table,
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

WORKLOAD = "freshness"

Observe = Callable[[FreshnessHeader], AbstractContextManager[FreshnessObserver]]


def freshness(
    plan: FreshnessPlan,
    store: RunStore,
    observe: Observe,
    *,
    resumed: tuple[FreshnessRun, Path] | None = None,
) -> tuple[FreshnessRun, Path]:
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
    with machine_to_ourselves("neuralake freshness"):
        storage = storage_facts(plan.place)
        check_place(plan.place, SCHEMA)
        if resumed is None:
            past = None
            directory = begin(
                *(RUN_OF_FRESHNESS, store, WORKLOAD, None),
                lambda begun: _header(plan, begun, storage),
            )
        else:
            past, directory = resumed
            _go_on(past, directory)
        header = RUN_OF_FRESHNESS.read(directory / JOURNAL).header
        with recording(RUN_OF_FRESHNESS, directory) as journal, observe(header) as observer:
            _measure(plan, header, directory, journal, observer, past)
        return write_document_as(RUN_OF_FRESHNESS, directory), directory


def plan_of(run: FreshnessRun, options: dict[str, str]) -> FreshnessPlan:
    """The plan that a run was started with.

    Parameters
    ----------
    run
        An interrupted run.
    options
        What reaches its storage.
    """
    header = run.header
    return FreshnessPlan(
        load=header.load,
        asking=header.asking,
        compaction=header.compaction,
        rounds=header.rounds,
        place=Target(header.storage.uri, options),
        timeout_s=header.timeout_s,
        keeps_tables=header.keeps_tables,
    )


def _header(plan: FreshnessPlan, begun: Begun, storage: StorageFacts) -> FreshnessHeader:
    return FreshnessHeader(
        schema_version=SCHEMA_VERSION,
        id=begun.id,
        created_at=begun.created_at,
        workload=WORKLOAD,
        fingerprint=begun.fingerprint,
        load=plan.load,
        asking=plan.asking,
        compaction=plan.compaction,
        rounds=plan.rounds,
        storage=storage,
        schema={field.name: str(field.type) for field in SCHEMA},
        timeout_s=plan.timeout_s,
        keeps_tables=plan.keeps_tables,
    )


def _go_on(run: FreshnessRun, directory: Path) -> None:
    """Check that nothing has changed, and say in the journal that the run goes on."""
    now = fingerprint(Path.cwd())
    require_same(run, machine_facts(run.header.fingerprint, now))
    go_on(RUN_OF_FRESHNESS, run, directory, now)
    parts = [part for found in run.rounds if found.parts for part in found.parts.every]
    remove_unfinished(directory, {part.name: part for part in parts})


def _measure(
    plan: FreshnessPlan,
    header: FreshnessHeader,
    directory: Path,
    journal: JournalWriter,
    observer: FreshnessObserver,
    past: FreshnessRun | None,
) -> None:
    watch = Watch()
    (directory / "logs").mkdir(exist_ok=True)
    known = {reader.name for reader in past.readers} if past else set()
    judged = {result.key for result in past.verifications} if past else set()
    done = {r.key for r in past.rounds if r.status != "ok" or r.key in judged} if past else set()
    runner = RoundRunner(plan, directory)
    every = list(keys_of(header))
    seconds = Spans.of(plan.load).end_ns / 1e9
    with directory_of_run(plan.place, header.id, keeps_tables=plan.keeps_tables) as place:
        for number, key in enumerate(every, start=1):
            if key in done:
                continue
            observer.before(key, number, len(every), seconds)
            target = place.below(key.stem)
            drop(target)
            make_table(target, SCHEMA)
            outcome = runner.measure(key, target)
            if isinstance(outcome, Outcome) and outcome.reader.name not in known:
                known.add(outcome.reader.name)
                journal.append(outcome.reader)
            found: Round = outcome.round if isinstance(outcome, Outcome) else outcome
            journal.append(found)
            observer.after(found)
            if isinstance(outcome, Outcome):
                result = runner.verify(outcome, target)
                journal.append(result)
                observer.verified(result)
            if not plan.keeps_tables:
                drop(target)
    journal.append(watch.end())
